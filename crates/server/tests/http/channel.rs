//! The API channel: saying something and hearing the answer.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN_KEY, ANN, SHOP_KEY, Server, post};

#[tokio::test]
async fn a_message_that_waits_is_answered_with_the_replies_of_its_turn() {
    let server = Server::start().await;
    let turn = server.ann_says("hello").await;
    assert_eq!(turn["held_by"], "session");
    assert_eq!(turn["duplicate"], false);
    let replies = turn["replies"].as_array().unwrap();
    assert!(!replies.is_empty());
    let answer = replies.iter().find(|reply| reply["text"] == "I heard you").unwrap();
    assert_eq!(answer["author"], "assistant");
    assert!(answer["seq"].as_u64() > turn["seq"].as_u64());
    assert!(
        replies.iter().all(|reply| reply["quick_replies"].is_array() && reply["attachments"] == json!([]))
    );
}

#[tokio::test]
async fn a_message_that_does_not_wait_is_accepted_and_its_replies_come_as_events() {
    let server = Server::start().await;
    let answer = server.post(SHOP_KEY, &format!("{ANN}/messages"), &json!({ "text": "hello" })).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json().get("replies"), None);
    let events = server.get(SHOP_KEY, &format!("{ANN}/events")).await.json();
    assert!(texts(&events).contains(&"I heard you".to_owned()));
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_no_second_message() {
    let server = Server::start().await;
    let message = || {
        let mut request = post(SHOP_KEY, &format!("{ANN}/messages?wait=reply"), &json!({ "text": "hello" }));
        request.headers_mut().insert("idempotency-key", "m1".parse().unwrap());
        request
    };
    let first = server.send(message()).await.json();
    let mut again = server.send(message()).await.json();
    assert_eq!(again["duplicate"], true);
    again["duplicate"] = json!(false);
    assert_eq!(again, first);

    let by_body = json!({ "text": "hello", "id": "m1" });
    let third = server.post(SHOP_KEY, &format!("{ANN}/messages"), &by_body).await.json();
    assert_eq!((&third["duplicate"], &third["seq"]), (&json!(true), &first["seq"]));
}

#[tokio::test]
async fn opening_a_chat_lets_the_assistant_greet_once() {
    let server = Server::start().await;
    let open = format!("{ANN}/start?wait=reply");
    let person = json!({ "person": { "name": "Ann", "language": "en" } });
    let greeting = server.post(SHOP_KEY, &open, &person).await.json();
    assert_eq!(greeting["replies"][0]["text"], "Welcome");
    assert_eq!(greeting["replies"][0]["quick_replies"], json!(["Prices", "A human"]));
    let again = server.post(SHOP_KEY, &open, &json!({})).await.json();
    assert_eq!(again["replies"], json!([]));
}

#[tokio::test]
async fn a_full_disk_refuses_the_message_and_says_when_to_send_it_again() {
    let server = Server::start().await;
    server.ann_says("hello").await;
    server.store.limit_pages(1).await.unwrap();
    let long = json!({ "text": "a".repeat(30_000) });
    let mut refused = server.post(SHOP_KEY, &format!("{ANN}/messages"), &long).await;
    while refused.status == StatusCode::ACCEPTED {
        refused = server.post(SHOP_KEY, &format!("{ANN}/messages"), &long).await;
    }
    refused.assert_problem("a full disk", 503, "Nothing can be stored just now");
    assert_eq!(refused.header("retry-after"), "5");
}

#[tokio::test]
async fn p2_what_the_disk_changed_is_not_given_out_and_other_chats_go_on() {
    let server = Server::start().await;
    let bob = "/v1/channels/shop/conversations/bob";
    let hello = json!({ "text": "hello" });
    server.ann_says("hello").await;
    server.post(SHOP_KEY, &format!("{bob}/messages"), &hello).await;
    let number = "(SELECT number FROM conversations WHERE external_id = 'ann')";
    server.damage(&format!(
        "UPDATE messages SET content = replace(content, 'heard', 'hears') WHERE author = 'assistant' AND conversation = {number}"
    ));
    let events = server.get(SHOP_KEY, &format!("{ANN}/events")).await;
    events.assert_problem("a changed word", 503, "is damaged");
    assert_eq!(events.header("retry-after"), "300");
    assert!(!events.text().contains("hears"));
    // The chat itself is whole still, and goes on.
    server.ann_says("and now?").await;

    server.damage(
        "UPDATE conversations SET body = replace(body, 'session', 'sessiom') WHERE external_id = 'ann'",
    );
    let said = server.post(SHOP_KEY, &format!("{ANN}/messages"), &hello).await;
    said.assert_problem("a changed state", 503, "is damaged");
    let said = server.post(SHOP_KEY, &format!("{bob}/messages?wait=reply"), &hello).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text());
    let listed = server.get(ADMIN_KEY, "/v1/conversations").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
}

pub(crate) fn texts(events: &Value) -> Vec<String> {
    let events = events["events"].as_array().unwrap();
    events.iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}
