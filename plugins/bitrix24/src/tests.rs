//! The connector as a whole, without a portal.

use std::sync::Arc;

use handoff_sdk::{
    ConnectorError,
    model::{
        HandoffKey, Person, Plan, Route,
        connector::{HttpBody, HttpError, HttpRequest, Manifest, SecretPlace},
    },
    testing::FakeHost,
};
use serde_json::{Value, json};

use super::*;

fn manifest() -> Value {
    serde_json::from_str(include_str!("../manifest.json")).unwrap()
}

#[test]
fn the_manifest_describes_this_connector() {
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).unwrap();
    assert_eq!(manifest()["settings"], schema, "generated: {schema:#}");
    let manifest: Manifest = serde_json::from_value(manifest()).unwrap();
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((manifest.id.as_str(), manifest.plan), ("bitrix24", Some(Plan::Enterprise)));
    assert_eq!(manifest.capabilities.routes, [Route::Native, Route::Bridge]);
    assert_eq!(manifest.capabilities.channel.unwrap().text_units, message::LONGEST);
}

fn transfer(route: Route) -> Transfer {
    Transfer {
        key: HandoffKey::new("h1"),
        route,
        chat: Some("1777".into()),
        platform_session: None,
        person: Person::default(),
        transcript: Vec::new(),
        options: json!({}),
        checkpoint: None,
    }
}

fn host() -> (FakeHost, Arc<std::sync::Mutex<Vec<HttpRequest>>>) {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let answer = move |request| {
        log.lock().unwrap().push(request);
        Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _
    };
    (FakeHost::new(&[], Arc::new(answer)), seen)
}

fn settings() -> Value {
    json!({ "portal": "https://acme.bitrix24.eu", "webhook_user_id": 7 })
}

#[tokio::test]
async fn other_routes_are_refused_without_a_call() {
    let (host, seen) = host();
    let bitrix24: Bitrix24 = host.connector(&settings()).unwrap();
    for route in [Route::Bridge, Route::Ticket] {
        let refused = bitrix24.transfer(&host.cx(), transfer(route)).await;
        assert!(matches!(refused, Err(ConnectorError::Refused { .. })));
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_names_its_secrets_and_holds_none() {
    let (host, seen) = host();
    let bitrix24: Bitrix24 = host.connector(&settings()).unwrap();
    let failed = bitrix24
        .install(&host.cx(), Install { webhook_url: "https://h/w".into(), ..Install::default() })
        .await;
    assert!(matches!(failed, Err(ConnectorError::Unavailable { .. })));
    let request = seen.lock().unwrap().remove(0);
    assert_eq!(request.url, "https://acme.bitrix24.eu/rest/7/:webhook_code/imbot.v2.Bot.register");
    let places = [
        SecretPlace::Path { name: "webhook_code".into() },
        SecretPlace::Json { name: "bot_token".into(), pointer: "/fields/botToken".into() },
    ];
    assert_eq!(request.secrets, places);
    assert!(matches!(request.body, HttpBody::Json(body) if body["fields"].is_object()));
}

#[tokio::test]
async fn the_bot_leaves_nothing_to_take_back() {
    let (host, _) = host();
    let bitrix24: Bitrix24 = host.connector(&settings()).unwrap();
    let withdrawn =
        bitrix24.withdraw(&host.cx(), Withdraw { transfer: transfer(Route::Native) }).await.unwrap();
    assert_eq!(withdrawn.remarks.len(), 1);
}
