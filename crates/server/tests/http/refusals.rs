//! Every bad input gets a problem document of the right status, in words that help.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use crate::support::{ADMIN_KEY, ANN, SHOP_KEY, Server, get, post, request};

fn message(body: impl Into<Body>) -> Request<Body> {
    let path = format!("{ANN}/messages");
    request("POST", SHOP_KEY, &path).header("content-type", "application/json").body(body.into()).unwrap()
}

fn keyed(key: &str) -> Request<Body> {
    let request =
        request("POST", SHOP_KEY, &format!("{ANN}/messages")).header("content-type", "application/json");
    request.header("idempotency-key", key).body(Body::from(r#"{"text":"hello","id":"m1"}"#)).unwrap()
}

async fn check(cases: Vec<(&str, Request<Body>, u16, &str)>) {
    let server = Server::start().await;
    for (what, request, status, says) in cases {
        server.send(request).await.assert_problem(what, status, says);
    }
    let left = server.get(ADMIN_KEY, "/v1/conversations").await.json();
    assert_eq!(left["items"], json!([]), "something was stored");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_with_its_place() {
    let deep = format!("{{\"text\":{}", "[".repeat(10_000));
    check(vec![
        ("empty", message(""), 400, "The body is empty"),
        ("cut off", message("{\"text\":"), 400, "line 1, column 8"),
        ("second line", message("{\n  \"text\": oops}"), 400, "line 2, column 11"),
        ("two values", message(r#"{"text":"a"}{}"#), 400, "trailing characters (line 1, column 13)"),
        ("not UTF-8", message(b"{\"text\":\"\xff\"}".to_vec()), 400, "Byte 10 of the body is not UTF-8"),
        ("half a letter", message(r#"{"text":"\ud800"}"#), 400, "The body is not JSON"),
        ("too deep", message(deep), 422, "The field `text` is not accepted"),
        ("a number", message("7"), 422, "invalid type: integer `7`"),
        ("no text", message("{}"), 422, "The field `text` is empty"),
        ("text twice", message(r#"{"text":"a","text":"b"}"#), 422, "duplicate field `text`"),
        ("wrong type", message(r#"{"text":5}"#), 422, "The field `text` is not accepted"),
        ("unknown field", message(r#"{"text":"a","txet":"b"}"#), 422, "unknown field `txet`"),
        (
            "unknown inner field",
            message(r#"{"text":"a","person":{"nmae":"b"}}"#),
            422,
            "unknown field `nmae`",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_message_that_cannot_be_accepted_is_refused_with_the_reason() {
    let long = json!({ "text": "é".repeat(32_001) }).to_string();
    let huge = json!({ "text": "a".repeat(1024 * 1024) }).to_string();
    let name = json!({ "text": "a", "person": { "name": "a".repeat(321) } }).to_string();
    check(vec![
        ("no words", message(r#"{"text":" \n "}"#), 422, "The field `text` is empty"),
        ("a NUL", message(r#"{"text":"a\u0000b"}"#), 422, "U+0000"),
        ("too long", message(long), 413, "The text has 32001 characters; a message may have 32000"),
        ("1 MiB", message(huge), 413, "larger than 256 KiB"),
        ("long name", message(name), 422, "The field `person.name`"),
        ("control in e-mail", message(r#"{"text":"a","person":{"email":"a\nb"}}"#), 422, "`person.email`"),
        ("empty id", message(r#"{"text":"a","id":""}"#), 422, "The field `id`"),
        ("empty key", keyed(""), 422, "Idempotency-Key must have 1 to 200"),
        ("long key", keyed(&"k".repeat(201)), 422, "Idempotency-Key must have 1 to 200"),
        ("key with a space", keyed("a b"), 422, "visible ASCII"),
        ("two keys", keyed("m2"), 422, "two different messages"),
    ])
    .await;
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let path = format!("{ANN}/messages");
    let of_kind = |kind: &str| {
        request("POST", SHOP_KEY, &path)
            .header("content-type", kind)
            .body(Body::from(r#"{"text":"a"}"#))
            .unwrap()
    };
    check(vec![
        ("form", of_kind("application/x-www-form-urlencoded"), 415, "Content-Type: application/json"),
        ("nearly", of_kind("application/jsonp"), 415, "must be JSON"),
        ("none", request("POST", SHOP_KEY, &path).body(Body::from("{}")).unwrap(), 415, "must be JSON"),
    ])
    .await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_or_cannot_be_read_is_refused() {
    let of = |method: &str, path: &str| request(method, SHOP_KEY, path).body(Body::empty()).unwrap();
    let long = format!("/v1/channels/shop/conversations/{}/events", "a".repeat(201));
    let hello = json!({ "text": "hello" });
    check(vec![
        ("nowhere", of("GET", "/v1/nowhere"), 404, "does not exist"),
        ("root", of("GET", "/"), 404, "does not exist"),
        ("method", of("DELETE", "/v1/conversations"), 405, "DELETE is not possible here"),
        ("not UTF-8", get(SHOP_KEY, "/v1/channels/shop/conversations/%FF/events"), 400, "UTF-8"),
        ("long name", get(SHOP_KEY, &long), 422, "1 to 200 characters"),
        ("control", get(SHOP_KEY, "/v1/channels/shop/conversations/a%00/events"), 422, "control character"),
        ("wait for what", post(SHOP_KEY, &format!("{ANN}/messages?wait=forever"), &hello), 400, "`forever`"),
        ("unknown query", get(SHOP_KEY, &format!("{ANN}/events?aftre=3")), 400, "`aftre`"),
        ("cursor", get(SHOP_KEY, &format!("{ANN}/events?after=-1")), 400, "query string"),
        ("wait", get(SHOP_KEY, &format!("{ANN}/events?wait_ms=30001")), 422, "at most 30000"),
        ("ack", post(SHOP_KEY, &format!("{ANN}/events/ack"), &json!({ "cursor": -1 })), 422, "`cursor`"),
        ("page", get(ADMIN_KEY, "/v1/conversations?limit=0"), 422, "from 1 to 200"),
        ("page", get(ADMIN_KEY, "/v1/handoffs?limit=201"), 422, "from 1 to 200"),
        ("state", get(ADMIN_KEY, "/v1/handoffs?state=lost"), 422, "one of requested"),
        ("conversation", get(ADMIN_KEY, "/v1/conversations/c0"), 404, "no conversation \"c0\""),
        ("handoff", get(ADMIN_KEY, "/v1/handoffs/h0"), 404, "no handoff \"h0\""),
        ("assistant", get(ADMIN_KEY, "/v1/assistants/nobody"), 404, "no such assistant"),
        ("version", get(ADMIN_KEY, "/v1/assistants/greeter/export?version=9"), 404, "version 9"),
    ])
    .await;
}

#[tokio::test]
async fn a_header_that_makes_no_sense_is_refused() {
    let path = format!("{ANN}/events");
    let last = request("GET", SHOP_KEY, &path).header("last-event-id", "seven").body(Body::empty()).unwrap();
    check(vec![("last event", last, 400, "Last-Event-ID")]).await;
}

#[tokio::test]
async fn who_has_no_right_is_refused() {
    let hello = json!({ "text": "hello" });
    let path = format!("{ANN}/messages");
    let other = "/v1/channels/other/conversations/ann/messages";
    let basic = Request::builder().uri(format!("{ANN}/events")).header("authorization", "Basic c2hvcA==");
    check(vec![
        ("no key", post("", &path, &hello), 401, "needs an API key"),
        ("wrong key", post("shop-key-0123456789abcdeF", &path, &hello), 401, "not known here"),
        ("hash as key", post(&"0".repeat(64), &path, &hello), 401, "not known here"),
        ("another scheme", basic.body(Body::empty()).unwrap(), 401, "needs an API key"),
        ("another channel", post(SHOP_KEY, other, &hello), 403, "does not have the scope channel:other"),
        (
            "unknown channel",
            post(SHOP_KEY, "/v1/channels/no/conversations/a/messages", &hello),
            403,
            "channel:no",
        ),
        ("admin key on a channel", post(ADMIN_KEY, &path, &hello), 403, "channel:shop"),
        ("channel key as admin", get(SHOP_KEY, "/v1/conversations"), 403, "does not have the scope admin"),
        ("no key as admin", get("", "/v1/assistants"), 401, "needs an API key"),
    ])
    .await;
}

#[tokio::test]
async fn a_refusal_for_a_missing_key_says_how_to_sign_in_and_a_wrong_method_says_which_are_right() {
    let server = Server::start().await;
    let answer = server.get("", "/v1/conversations").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let answer =
        server.send(request("PUT", SHOP_KEY, "/v1/conversations").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"));
}
