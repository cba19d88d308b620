//! Health, metrics and the headers of every answer.

use axum::{body::Body, http::StatusCode};
use handoff_server::Options;

use crate::support::{ADMIN_KEY, ANN, SHOP_KEY, Server, request};

#[tokio::test]
async fn a_server_that_stops_lives_on_and_takes_no_more_work() {
    let server = Server::start().await;
    assert_eq!(server.get("", "/health/ready").await.status, StatusCode::OK);
    server.state.stop();
    server.get("", "/health/ready").await.assert_problem("stopping", 503, "about to stop");
    assert_eq!(server.get("", "/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_numbers_follow_what_happens() {
    let server = Server::start().await;
    server.ann_says("hello").await;
    server.get("", "/v1/nowhere").await;
    let text = server.get("", "/metrics").await.text();
    for line in [
        "handoff_messages_total 1",
        "handoff_http_requests_total{status=\"2xx\"} 1",
        "handoff_http_requests_total{status=\"4xx\"} 1",
        "handoff_event_streams_open 0",
        "handoff_handoffs{state=\"failed\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn numbers_may_be_kept_from_the_public() {
    let server = Server::start_with(Options { open_metrics: false, ..Options::default() }).await;
    server.get("", "/metrics").await.assert_problem("no key", 401, "API key");
    server.get(SHOP_KEY, "/metrics").await.assert_problem("a channel's key", 403, "admin");
    assert_eq!(server.get(ADMIN_KEY, "/metrics").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let server = Server::start().await;
    for path in
        ["/health/live", "/v1/nowhere", "/webchat/web", "/webchat/widget.js", &format!("{ANN}/events")]
    {
        let answer = server.get(SHOP_KEY, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!answer.header("cache-control").is_empty() || path == "/webchat/web", "{path}");
    }
}

#[tokio::test]
async fn every_address_in_the_description_exists_and_asks_for_a_key() {
    let server = Server::start().await;
    let document = server.get("", "/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10);
    let mut open = Vec::new();
    for (path, methods) in paths {
        for (method, described) in methods.as_object().unwrap() {
            if described["security"].is_null() {
                open.push(path.as_str());
                continue;
            }
            let path = path.replace(['{', '}'], "");
            let asked = request(&method.to_uppercase(), "", &path).body(Body::empty()).unwrap();
            server.send(asked).await.assert_problem(&format!("{method} {path}"), 401, "API key");
        }
    }
    // A public key is for everybody who holds a receipt; nothing else is open.
    assert_eq!(open, ["/v1/receipt-key"]);
}
