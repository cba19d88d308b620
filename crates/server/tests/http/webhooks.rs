//! Webhooks of platforms.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use handoff_server::Options;
use serde_json::json;

use crate::support::{Server, request};

fn hook(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    request(method, "", path).body(body.into()).unwrap()
}

#[tokio::test]
async fn the_connector_gets_the_request_as_it_came_and_says_what_to_answer() {
    let server = Server::start().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let mut request = hook(method, "/webhooks/desk/echo?a=1&b=%20", "the body");
        request.headers_mut().insert("X-Signature", "abc".parse().unwrap());
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
        assert_eq!(answer.header("content-type"), "application/json");
        let seen = answer.json();
        assert_eq!((&seen["method"], &seen["path"]), (&json!(method), &json!("echo")));
        assert_eq!((&seen["query"], &seen["body"]), (&json!("a=1&b=%20"), &json!("the body")));
        assert_eq!(seen["headers"]["x-signature"], "abc");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_taken_is_refused() {
    let server = Server::start().await;
    let cases = [
        ("unknown", hook("POST", "/webhooks/nobody/secret", "{}"), 404, "no connection of this name"),
        ("no secret", hook("POST", "/webhooks/desk", "{}"), 403, "could not be verified"),
        ("wrong secret", hook("POST", "/webhooks/desk/guess", "{}"), 403, "could not be verified"),
        ("junk", hook("POST", "/webhooks/desk/secret", "junk"), 400, "could not be read"),
        ("not UTF-8", hook("POST", "/webhooks/desk/secret", vec![b'a', 0xff]), 400, "Byte 2 of the body"),
        ("too large", hook("POST", "/webhooks/desk/secret", vec![b'a'; 1024 * 1024 + 1]), 413, "1024 KiB"),
        ("sick", hook("POST", "/webhooks/desk/sick", "{}"), 503, "send it again"),
    ];
    for (what, request, status, says) in cases {
        server.send(request).await.assert_problem(what, status, says);
    }
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken() {
    let server = Server::start().await;
    let answer = server.send(hook("POST", "/webhooks/desk/echo", vec![b'a'; 1024 * 1024])).await;
    assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn a_platform_may_ask_whether_the_address_exists() {
    let server = Server::start().await;
    assert_eq!(server.send(hook("HEAD", "/webhooks/desk/x", "")).await.status, StatusCode::OK);
    assert_eq!(server.send(hook("HEAD", "/webhooks/nobody/x", "")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_panic_and_a_connector_that_hangs_end_in_a_problem() {
    let options = Options { request_timeout: Duration::from_millis(100), ..Options::default() };
    let server = Server::start_with(options).await;
    let answer = server.send(hook("POST", "/webhooks/desk/panic", "{}")).await;
    answer.assert_problem("a panic", 500, "Something went wrong in the server");
    assert!(!answer.text().contains("fault of"), "{}", answer.text());
    let answer = server.send(hook("POST", "/webhooks/desk/hang", "{}")).await;
    answer.assert_problem("a connector that hangs", 504, "took too long");
}
