//! Many chats leave at once for a portal that takes two requests a second.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{QUEUED, WISH, support, with_handoff},
    bitrix24::Bitrix24,
    server::Server,
    setup::Setup,
    visitor::Visitor,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How much faster time runs on both sides.
const FACTOR: u32 = 4;
/// Chats that leave at once. They need far more requests than a portal takes at once.
const CHATS: usize = 20;

/// Lets them leave; gives how many requests the portal refused for being too many.
async fn leave_at_once(quota: Option<Value>) -> Result<usize> {
    let factor = FACTOR.to_string();
    let bitrix24 = Bitrix24::start(&["--clock-factor", &factor]).await?;
    bitrix24.control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] })).await?;
    let patient = with_handoff(support("bitrix24"), |handoff| handoff["budget_seconds"] = json!(3600));
    let mut setup = Setup::new()?.with_assistant(patient).with_clock_factor(FACTOR);
    let mut connection = bitrix24.application();
    let members = connection.as_object_mut().context("a connection is an object")?;
    members.remove("quota");
    members.extend(quota.map(|quota| ("quota".to_owned(), quota)));
    setup.config["connections"]["bitrix24"] = connection;
    let server = Server::start(setup).await?;
    bitrix24
        .control("app/install", json!({ "handler": format!("{}/webhooks/bitrix24", server.base) }))
        .await?;
    let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
    bitrix24.until("a connector on line 30", on).await?;
    let mut persons = JoinSet::new();
    for _ in 0..CHATS {
        let mut person = Visitor::open(&server).await?;
        persons.spawn(async move {
            person.says(WISH).await?;
            person.until_told(QUEUED).await?;
            anyhow::Ok(person.times(QUEUED))
        });
    }
    while let Some(told) = persons.join_next().await {
        assert_eq!(told??, 1);
    }
    assert_eq!(bitrix24.chats().await?.len(), CHATS, "each chat arrives once");
    let asked = bitrix24.requests().await?;
    Ok(asked.iter().filter(|request| request["status"] == json!(503)).count())
}

#[tokio::test]
async fn no_request_is_refused_for_coming_too_fast_because_the_server_keeps_the_portals_rate() -> Result<()> {
    assert_eq!(leave_at_once(None).await?, 0);
    Ok(())
}

#[tokio::test]
async fn p3_without_the_rate_requests_are_refused_and_still_every_chat_arrives_once() -> Result<()> {
    let limitless = json!({ "per_second": 10_000, "burst": 10_000, "at_once": 1_000 });
    assert!(
        leave_at_once(Some(limitless)).await? > 0,
        "the portal's limit was not reached, so nothing is proved"
    );
    Ok(())
}
