//! Who may do what, and addresses that do not exist.

use anyhow::Result;
use handoff_tests::{
    setup::{ADMIN_KEY, CHAT_KEY},
    visitor::Visitor,
    web::send,
};
use serde_json::json;

use super::{problem, serving};

#[tokio::test]
async fn without_the_right_key_nothing_is_answered_but_why() -> Result<()> {
    let server = serving().await?;
    let chat = "/v1/channels/api/conversations/one/messages";
    let cases = [
        ("POST", chat, None, 401),
        ("POST", chat, Some("a-key-that-nobody-has"), 401),
        ("POST", "/v1/channels/other/conversations/one/messages", Some(CHAT_KEY), 403),
        ("POST", "/v1/channels/web/conversations/one/messages", Some(CHAT_KEY), 403),
        ("GET", "/v1/handoffs", None, 401),
        ("GET", "/v1/handoffs", Some(CHAT_KEY), 403),
        ("GET", "/v1/conversations", Some(CHAT_KEY), 403),
        ("GET", "/v1/assistants", Some(CHAT_KEY), 403),
        ("POST", "/v1/assistants/support/publish", Some(CHAT_KEY), 403),
        ("GET", "/v1/webchat/web/events", None, 401),
        ("GET", "/v1/webchat/web/events", Some("no-token-at-all"), 401),
    ];
    for (method, path, key, status) in cases {
        let web = server.web();
        let web = key.map_or(web.clone(), |key| web.with_bearer(key));
        let request = web.request(method, path);
        let request = if method == "POST" { request.json(&json!({ "text": "Hello" })) } else { request };
        problem(&send(request).await?, status, "", &format!("{method} {path} {key:?}"));
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_said_to_be_missing() -> Result<()> {
    let server = serving().await?;
    let admin = server.web().with_bearer(ADMIN_KEY);
    let cases = [
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("GET", "/v1/handoffs/nothing", 404),
        ("GET", "/v1/conversations/nothing", 404),
        ("GET", "/v1/assistants/nothing", 404),
        ("GET", "/v1/handoffs?state=gone", 422),
        ("GET", "/v1/handoffs?limit=none", 400),
        ("GET", "/v1/handoffs?colour=red", 400),
        ("DELETE", "/v1/handoffs", 405),
        ("POST", "/v1/webchat/nothing/session", 404),
        ("POST", "/webhooks/nothing", 404),
    ];
    for (method, path, status) in cases {
        let answer = send(admin.request(method, path)).await?;
        let status = if status == 400 && answer.status == 422 { 422 } else { status };
        problem(&answer, status, "", &format!("{method} {path}"));
    }
    Ok(())
}

#[tokio::test]
async fn one_visitor_sees_nothing_of_another() -> Result<()> {
    let server = serving().await?;
    let (mut one, mut other) = (Visitor::open(&server).await?, Visitor::open(&server).await?);
    one.says("only mine").await?;
    one.until_shown("only mine").await?;
    other.says("something else").await?;
    other.until_shown("something else").await?;
    assert!(other.texts().iter().all(|text| !text.contains("only mine")), "{:#?}", other.thread);
    assert_ne!(one.conversation, other.conversation);
    Ok(())
}

#[tokio::test]
async fn pages_and_answers_carry_their_protection() -> Result<()> {
    let server = serving().await?;
    for path in ["/webchat/web", "/console", "/console/sign-in"] {
        let response = server.web().request("GET", path).send().await?;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        assert!(response.status().as_u16() < 400, "{path}: {}", response.status());
        let policy = header("content-security-policy");
        assert!(!policy.is_empty() && !policy.contains("unsafe"), "{path}: {policy:?}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
    }
    Ok(())
}
