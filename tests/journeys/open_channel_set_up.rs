//! What goes wrong with the application on a portal, by the numbers of `docs/reference/bitrix24-traps.md`.

use anyhow::Result;
use handoff_tests::{
    assistants::{FAILED, QUEUED, WISH},
    bitrix24::Bitrix24,
    server::Server,
    visitor::Visitor,
    web::{Answer, send},
};
use serde_json::{Value, json};

use super::{open_channel::on_line_30, open_line::QUIET};

/// Looks the account over, or sets it up, as an administrator does.
async fn asks(server: &Server, what: &str) -> Result<Answer> {
    send(server.admin().request("POST", &format!("/v1/connections/bitrix24/{what}"))).await
}

fn bindings(seen: &Value) -> usize {
    seen["bindings"].as_array().map_or(0, Vec::len)
}

/// The administrator of the portal installs the application.
async fn install(bitrix24: &Bitrix24, server: &Server) -> Result<()> {
    let handler = format!("{}/webhooks/bitrix24", server.base);
    bitrix24.control("app/install", json!({ "handler": handler })).await.map(drop)
}

async fn leaves(server: &Server) -> Result<()> {
    let mut person = Visitor::open(server).await?;
    person.says(WISH).await?;
    person.until_told(QUEUED).await
}

#[tokio::test]
async fn trap_5_a_half_installed_application_and_missing_permissions_are_named() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    assert_eq!(asks(&server, "check").await?.json()["findings"], json!([]));
    bitrix24.control("settings", json!({ "installed": false })).await?;
    let found = asks(&server, "check").await?.text();
    assert!(found.contains("never finished") && found.contains("press Reinstall"), "{found}");
    bitrix24.control("settings", json!({ "installed": true, "scope": "imopenlines,user" })).await?;
    let found = asks(&server, "check").await?.text();
    assert!(found.contains("lacks the permissions imconnector, im."), "{found}");
    Ok(())
}

#[tokio::test]
async fn trap_9_a_registration_that_failed_within_a_success_is_named() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let body = json!({ "result": { "result": false, "error": "GENERAL_CONNECTOR_REGISTRATION_ERROR" } });
    let kind = json!({ "status": 200, "body": body.to_string() });
    bitrix24.fault(json!({ "path": "imconnector.register", "kind": kind })).await?;
    let refused = asks(&server, "install").await?;
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert!(refused.text().contains("GENERAL_CONNECTOR_REGISTRATION_ERROR"), "{}", refused.text());
    assert_eq!(asks(&server, "install").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn trap_11_events_are_bound_once_and_again_after_the_application_was_removed() -> Result<()> {
    let (bitrix24, mut server) = on_line_30(QUIET).await?;
    bitrix24.until("eight bindings", |seen| bindings(seen) == 8).await?;
    server.stop().await?;
    server.restart().await?;
    assert_eq!(asks(&server, "install").await?.status, 200);
    assert_eq!(bitrix24.calls("event.bind").await?.len(), 8, "what is bound is not bound again");

    // Whoever does not see them is told that they are bound already, which is as good.
    let none = json!({ "status": 200, "body": json!({ "result": [] }).to_string() });
    bitrix24.fault(json!({ "path": "rest/event.get", "kind": none })).await?;
    let again = asks(&server, "install").await?;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(bitrix24.calls("event.bind").await?.len(), 16);
    assert_eq!(bindings(&bitrix24.look("inspect").await?), 8);

    bitrix24.control("app/uninstall", json!({})).await?;
    bitrix24.until_told().await?;
    let found = asks(&server, "check").await?.text();
    assert!(found.contains("was removed from the portal"), "{found}");
    assert_eq!(bindings(&bitrix24.look("inspect").await?), 0);
    install(&bitrix24, &server).await?;
    bitrix24.until("eight bindings", |seen| bindings(seen) == 8).await?;
    leaves(&server).await
}

#[tokio::test]
async fn trap_15_a_portal_that_has_moved_is_named_and_tokens_are_renewed_where_it_says() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    bitrix24.control("settings", json!({ "moved_to": "https://new.bitrix24.eu" })).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(FAILED).await?;
    let failed = server.handoff_of(&person.conversation).await?.to_string();
    assert!(failed.contains("new.bitrix24.eu"), "the new address: {failed}");
    let refused = asks(&server, "check").await?;
    assert!(refused.status == 502 && refused.text().contains("new.bitrix24.eu"), "{}", refused.text());

    // Our portal names itself as the authorisation server; Bitrix24's own have names of their own.
    bitrix24.control("settings", json!({ "moved_to": "" })).await?;
    bitrix24.control("tokens/expire", json!({})).await?;
    leaves(&server).await?;
    let renewed = bitrix24.requests().await?;
    let renewed = renewed.iter().filter(|request| request["path"] == "/oauth/token/");
    assert_eq!(renewed.map(|request| request["status"].clone()).collect::<Vec<_>>(), [json!(200)]);
    Ok(())
}
