//! The webchat: visitors, the widget and its page.

use axum::{body::Body, http::StatusCode};
use handoff_model::ChannelId;
use handoff_server::{FileTypes, Options};
use serde_json::json;

use crate::{
    channel::texts,
    support::{SHOP_KEY, Server, request},
};

const WEB: &str = "/v1/webchat/web";

async fn visitor(server: &Server) -> String {
    let answer =
        server.send(request("POST", "", &format!("{WEB}/session")).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    answer.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_visitor_chats_with_the_token_and_no_other_visitor_sees_it() {
    let server = Server::start().await;
    let (ann, bob) = (visitor(&server).await, visitor(&server).await);
    let started =
        server.post(&ann, &format!("{WEB}/start"), &json!({ "person": { "language": "en" } })).await;
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let sent = server.post(&ann, &format!("{WEB}/messages"), &json!({ "text": "hello" })).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED);
    let events = server.get(&ann, &format!("{WEB}/events")).await.json();
    assert_eq!(texts(&events), ["Welcome", "I heard you"]);
    let cursor = &events["cursor"];
    let kept = server.post(&ann, &format!("{WEB}/ack"), &json!({ "cursor": cursor })).await;
    assert_eq!(kept.status, StatusCode::NO_CONTENT);
    assert_eq!(texts(&server.get(&bob, &format!("{WEB}/events")).await.json()), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_is_never_stored_as_it_is() {
    let server = Server::start().await;
    let token = visitor(&server).await;
    server.post(&token, &format!("{WEB}/start"), &json!({})).await;
    let page = handoff_core::store::Page { after: None, limit: 10 };
    let rows = server.state.runtime.store().conversations(page).await.unwrap();
    let stored = server.state.runtime.store().conversation(&rows[0].id).await.unwrap().unwrap();
    assert!(!format!("{stored:?}").contains(&token));
}

#[tokio::test]
async fn who_is_no_visitor_is_refused() {
    let server = Server::start().await;
    let hello = json!({ "text": "hello" });
    let token = visitor(&server).await;
    let messages = format!("{WEB}/messages");
    server.post("", &messages, &hello).await.assert_problem("no token", 401, "visitor's token");
    server.post("guess", &messages, &hello).await.assert_problem("a guess", 401, "visitor's token");
    server.post(SHOP_KEY, &messages, &hello).await.assert_problem("an API key", 401, "visitor's token");
    let shop = server.post(&token, "/v1/webchat/shop/messages", &hello).await;
    shop.assert_problem("an API channel", 404, "no webchat with the id \"shop\"");
    let nowhere = server.post(&token, "/v1/webchat/no/session", &json!({})).await;
    nowhere.assert_problem("an unknown channel", 404, "no webchat with the id \"no\"");
}

#[tokio::test]
async fn the_page_runs_no_code_but_ours_and_shows_names_as_text() {
    let title = "Shop <script>alert(1)</script>".to_owned();
    let origins = vec!["https://shop.example".to_owned()];
    let options = Options { webchat_title: title, webchat_origins: origins, ..Options::default() };
    let server = Server::start_with(options).await;
    let page = server.get("", "/webchat/web").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self' https://shop.example"), "{policy}");
    let html = page.text();
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains("style=") && !html.contains(" onclick"), "{html}");
    assert!(html.contains(r#"data-channel="web""#), "{html}");
    let missing = server.get("", "/webchat/shop").await;
    missing.assert_problem("no webchat", 404, "no webchat");
}

#[tokio::test]
async fn the_widget_is_one_script_that_never_makes_html_of_text() {
    let server = Server::start().await;
    let script = server.get("", "/webchat/widget.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let text = script.text();
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
        assert!(!text.contains(word), "{word}");
    }
    for path in ["/webchat/widget.css", "/webchat/page.css"] {
        assert_eq!(server.get("", path).await.header("content-type"), "text/css; charset=utf-8");
    }
}

#[tokio::test]
async fn only_sites_that_the_operator_named_may_use_the_webchat() {
    let options = Options { webchat_origins: vec!["https://shop.example".to_owned()], ..Options::default() };
    let server = Server::start_with(options).await;
    let preflight = |origin: &str| {
        let asked = request("OPTIONS", "", &format!("{WEB}/messages")).header("origin", origin);
        let asked = asked.header("access-control-request-method", "POST");
        asked.header("access-control-request-headers", "authorization").body(Body::empty()).unwrap()
    };
    let allowed = server.send(preflight("https://shop.example")).await;
    assert_eq!(allowed.status, StatusCode::OK);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://shop.example");
    let refused = server.send(preflight("https://evil.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_chat_says_what_files_it_takes_and_takes_no_others() {
    let types: FileTypes = vec!["image/*".to_owned()].try_into().unwrap();
    let options = Options { files: [(ChannelId::new("web"), types)].into(), ..Options::default() };
    let server = Server::start_with(options).await;
    let rules = server.get("", &format!("{WEB}/files")).await.json();
    assert_eq!(rules, json!({ "types": ["image/*"], "largest": 50 * 1024 * 1024, "most": 10 }));
    let token = visitor(&server).await;
    let upload = |media_type: &str| {
        let asked = request("POST", &token, &format!("{WEB}/files?name=parcel"));
        server.send(asked.header("content-type", media_type).body(Body::from("bytes")).unwrap())
    };
    upload("text/plain").await.assert_problem("a text", 415, "This chat takes image/* only");
    let kept = upload("image/png").await;
    assert_eq!(kept.status, StatusCode::CREATED);
    let url = kept.json()["url"].as_str().unwrap().to_owned();
    let own = server.get(&token, &url).await;
    assert_eq!((own.text(), own.header("content-disposition")), ("bytes".to_owned(), "attachment"));
    let other = visitor(&server).await;
    assert_eq!(server.get(&other, &url).await.status, StatusCode::NOT_FOUND);
}
