//! Who is there, and what can be chosen.

use std::time::Duration;

use handoff_sdk::{
    Connector, ConnectorError,
    model::connector::{AskAvailability, Availability, Options},
};
use serde_json::{Value, json};

use crate::stage::{Node, Stage};

fn node(stage: &Stage) -> Node {
    let mut settings = stage.settings();
    settings["support_user"] = json!("admin@example.org");
    stage.node_with(settings, Duration::from_secs(20))
}

async fn seen(node: &Node) -> Availability {
    node.zendesk.availability(&node.host.cx(), AskAvailability::default()).await.unwrap()
}

#[tokio::test]
async fn live_agents_are_there_while_one_is_online_for_messaging() {
    let stage = Stage::start(&[]).await;
    let node = node(&stage);
    for (status, expected) in [
        ("online", Availability::Yes),
        ("away", Availability::No),
        ("offline", Availability::No),
        ("transfers_only", Availability::No),
    ] {
        stage.control("agents", json!({ "agents": [{ "status": status }] })).await;
        assert_eq!(seen(&node).await, expected, "{status}");
        node.host.advance(31_000);
    }
}

#[tokio::test]
async fn a_look_counts_for_half_a_minute() {
    let stage = Stage::start(&[]).await;
    let node = node(&stage);
    assert_eq!(seen(&node).await, Availability::Yes);
    stage.control("agents", json!({ "agents": [] })).await;
    assert_eq!((seen(&node).await, stage.requests().await), (Availability::Yes, 1));
    node.host.advance(30_000);
    assert_eq!(seen(&node).await, Availability::No);
}

#[tokio::test]
async fn what_cannot_be_seen_is_unknown() {
    let stage = Stage::start(&["--support-admin", "false"]).await;
    assert_eq!(seen(&node(&stage)).await, Availability::Unknown);
    assert_eq!(seen(&stage.node()).await, Availability::Unknown);
    let stage = Stage::start(&[]).await;
    for kind in [json!({ "status": 503 }), json!({ "status": 429 }), json!("html_ok"), json!("reset_after")] {
        stage.fault(0, kind.clone()).await;
        assert_eq!(seen(&node(&stage)).await, Availability::Unknown, "{kind}");
    }
}

async fn choices(node: &Node, field: &str) -> Result<Vec<(String, String)>, ConnectorError> {
    let asked = Options { field: field.to_owned() };
    let found = node.zendesk.options(&node.host.cx(), asked).await?;
    Ok(found.into_iter().map(|choice| (choice.value, choice.label)).collect())
}

#[tokio::test]
async fn the_accounts_own_groups_brands_forms_and_fields_can_be_chosen() {
    let stage = Stage::start(&["--custom-fields", "360,361"]).await;
    let node = node(&stage);
    let expected: [(&str, &[(&str, &str)]); 4] = [
        ("group", &[("98738", "Support"), ("98739", "Sales")]),
        ("brand", &[("47", "Acme")]),
        ("form", &[("2", "Default")]),
        ("fields", &[("360", "Field 360"), ("361", "Field 361")]),
    ];
    for (field, expected) in expected {
        let expected: Vec<_> =
            expected.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
        assert_eq!(choices(&node, field).await.unwrap(), expected, "{field}");
    }
    assert!(matches!(choices(&stage.node(), "group").await, Err(ConnectorError::Refused { .. })));
    // What is the same for every account stands in the manifest.
    assert!(matches!(choices(&node, "priority").await, Err(ConnectorError::Unsupported { .. })));
    assert!(matches!(choices(&node, "subject").await, Err(ConnectorError::Unsupported { .. })));
    let nothing: Value = json!([]);
    assert_eq!(stage.inspect().await["conversations"], nothing);
}
