//! What a message must look like, how messages are read back, and who may read a file.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::harness::Sim;

fn text(text: &str) -> Value {
    json!({ "author": { "type": "business" }, "content": { "type": "text", "text": text } })
}

#[tokio::test]
async fn a_post_that_breaks_a_rule_is_refused_without_a_trace() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.post("/users", json!({ "externalId": "stranger" })).await;
    let path = format!("/conversations/{conversation}/messages");
    let with = |name: &str, value: Value| {
        let mut body = text("x");
        body[name] = value;
        body
    };
    let cases = [
        (text(&"x".repeat(4097)), 400),
        (with("metadata", json!({ "a": "x".repeat(4089) })), 400),
        (with("metadata", json!({ "a": { "nested": 1 } })), 400),
        (with("metadata", json!({ "a": "x".repeat(110_000) })), 413),
        (with("author", json!({ "type": "agent" })), 400),
        (with("author", json!({ "type": "user" })), 400),
        (with("author", json!({ "type": "user", "userExternalId": "nobody" })), 404),
        (with("author", json!({ "type": "user", "userExternalId": "stranger" })), 404),
        (with("author", json!({ "type": "business", "subtypes": ["bot"] })), 400),
        (with("content", json!({ "type": "text" })), 400),
    ];
    for (body, expected) in cases {
        let (status, answer) = sim.post(&path, body).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["errors"][0]["code"].is_string());
    }
    assert_eq!(sim.get(&path).await.1["messages"], json!([]));
    assert_eq!(sim.post(&path, with("metadata", json!({ "a": "x".repeat(4088) }))).await.0, 201);
    assert_eq!(sim.post("/conversations/nowhere/messages", text("x")).await.0, 404);
}

#[tokio::test]
async fn a_stored_message_comes_back_with_its_metadata() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    let path = format!("/conversations/{conversation}/messages");
    let body = json!({
        "author": { "type": "user", "userExternalId": "our-user" },
        "content": { "type": "text", "text": "Hello" }, "metadata": { "handoffId": "h-1", "seq": 1 },
    });
    let (status, made) = sim.post(&path, body).await;
    assert_eq!(status, 201);
    let message = &made["messages"][0];
    assert_eq!(message["author"]["userId"], user.as_str());
    assert_eq!(message["author"]["displayName"], "Ada L");
    assert_eq!(message["source"]["type"], "api:conversations");
    assert_eq!(&sim.get(&path).await.1["messages"][0], message);
    assert_eq!(message["metadata"], json!({ "handoffId": "h-1", "seq": 1 }));
}

#[tokio::test]
async fn messages_are_read_backwards_a_hundred_at_a_time() {
    let sim = Sim::start(&["--answer-bot-replies", "false"]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    for n in 0..103 {
        sim.say(&conversation, &format!("text {n}")).await;
    }
    let path = format!("/conversations/{conversation}/messages");
    let (_, newest) = sim.get(&format!("{path}?page[size]=5")).await;
    let messages = newest["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 100);
    assert_eq!(messages[0]["content"]["text"], "text 3");
    assert_eq!(messages[99]["content"]["text"], "text 102");
    let before = newest["meta"]["beforeCursor"].as_str().unwrap();
    let (_, oldest) = sim.get(&format!("{path}?page[before]={before}")).await;
    assert_eq!(oldest["messages"].as_array().unwrap().len(), 3);
    assert_eq!(oldest["meta"], json!({ "hasMore": false }));
}

#[tokio::test]
async fn a_full_conversation_is_locked() {
    let sim = Sim::start(&["--message-limit", "2", "--answer-bot-replies", "false"]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.say(&conversation, "one").await;
    sim.say(&conversation, "two").await;
    let path = format!("/conversations/{conversation}/messages");
    let (status, answer) = sim.post(&path, text("three")).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (423, &json!("locked")));
    assert_eq!(sim.call(Method::DELETE, &path, Value::Null).await.0, 200);
    assert_eq!(sim.post(&path, text("three")).await.0, 201);
}

async fn upload(sim: &Sim, query: &str) -> (u16, Value) {
    let body = "--line\r\nContent-Disposition: form-data; name=\"source\"; filename=\"my file.png\"\r\n\
                Content-Type: image/png\r\n\r\npixels\r\n--line--\r\n";
    let request = sim.request(Method::POST, &format!("/attachments?{query}"));
    let answer =
        request.header(CONTENT_TYPE, "multipart/form-data; boundary=line").body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn an_attachment_serves_its_own_conversation_only() {
    let sim = Sim::start(&[]).await;
    let (user, ours) = sim.bridge("our-user").await;
    let other = sim.conversation_of(&user).await;
    assert_eq!(upload(&sim, "access=private").await.0, 400);
    let (status, made) = upload(&sim, &format!("access=public&for=message&conversationId={ours}")).await;
    assert_eq!(status, 201);
    let url = made["attachment"]["mediaUrl"].as_str().unwrap();
    let image = json!({ "author": { "type": "business" }, "content": { "type": "image", "mediaUrl": url } });
    assert_eq!(sim.post(&format!("/conversations/{other}/messages"), image.clone()).await.0, 400);
    let (status, posted) = sim.post(&format!("/conversations/{ours}/messages"), image).await;
    assert_eq!(status, 201);
    let content = &posted["messages"][0]["content"];
    assert_eq!(
        (&content["altText"], &content["mediaType"], &content["mediaSize"]),
        (&json!("my file.png"), &json!("image/png"), &json!(6))
    );

    assert_eq!(sim.client.get(url).send().await.unwrap().status(), 401);
    let (id, secret) = crate::harness::OWN_KEY;
    let file = sim.client.get(url).basic_auth(id, Some(secret)).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap().as_ref(), b"pixels");

    assert_eq!(sim.post("/attachments/remove", json!({ "mediaUrl": url })).await.0, 200);
    assert_eq!(sim.post("/attachments/remove", json!({ "mediaUrl": url })).await.0, 404);
    assert_eq!(sim.post("/attachments/remove", json!({ "mediaUrl": "https://example.org/x" })).await.0, 400);
}

#[tokio::test]
async fn activity_is_told_and_a_user_can_only_read() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    sim.act(&conversation, "passControl", "handoff").await;
    let path = format!("/conversations/{conversation}/activity");
    let business = json!({ "author": { "type": "business" }, "type": "typing:start" });
    assert_eq!(sim.post(&path, business).await, (200, json!({})));
    let by_user = |kind: &str| json!({ "author": { "type": "user", "userId": user }, "type": kind });
    assert_eq!(sim.post(&path, by_user("typing:start")).await.0, 400);
    assert_eq!(sim.post(&path, by_user("conversation:read")).await.0, 200);
    sim.ear.event("conversation:typing", |payload| payload["activity"]["type"] == "typing:start").await;
    sim.ear
        .event("conversation:read", |payload| payload["activity"]["author"]["userId"] == user.as_str())
        .await;
}
