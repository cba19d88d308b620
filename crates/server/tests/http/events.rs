//! What is to be shown: listed, waited for, streamed, acknowledged; and the files in it.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use handoff_server::Options;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    channel::texts,
    support::{ANN, SHOP_KEY, Server, get, request},
};

fn stream_after(after: u64) -> Request<Body> {
    let request = request("GET", SHOP_KEY, &format!("{ANN}/events")).header("accept", "text/event-stream");
    request.header("last-event-id", after.to_string()).body(Body::empty()).unwrap()
}

/// The next event of a stream: its id and its data.
async fn next_event(body: &mut Body) -> (u64, Value) {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let frame = body.frame().await.expect("the stream ended").unwrap();
        let part = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        if !part.starts_with(':') {
            text.push_str(&part);
        }
    }
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    (field("id:").parse().unwrap(), serde_json::from_str(&field("data:")).unwrap())
}

/// Ann asks for a human, and the platform takes the chat.
async fn hand_over(server: &Server) -> u64 {
    server.ann_says("human").await;
    let mut body = server.open(stream_after(0)).await.into_body();
    loop {
        let (seq, event) = next_event(&mut body).await;
        if event["text"] == "Our team has your chat now." {
            assert_eq!(event["author"], "notice");
            return seq;
        }
    }
}

/// Somebody of the team writes to Ann.
async fn team_writes(server: &Server, content: Value) {
    let event = json!({ "key": content.to_string(), "chat": "chat-1", "at": 1, "kind": {
        "kind": "live_agent_message", "name": "Lea", "content": content, "external_id": "x1" } });
    let received = json!({ "status": 200, "body": "", "events": [event] });
    let answer = server.post("", "/webhooks/desk/secret", &received).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn a_list_goes_on_where_the_last_one_ended() {
    let server = Server::start().await;
    server.ann_says("hello").await;
    let path = |after: &Value| format!("{ANN}/events?after={after}");
    let first = server.get(SHOP_KEY, &path(&json!(0))).await.json();
    assert_eq!(first["cursor"], first["events"].as_array().unwrap().last().unwrap()["seq"]);
    let nothing = server.get(SHOP_KEY, &path(&first["cursor"])).await.json();
    assert_eq!(nothing, json!({ "events": [], "cursor": first["cursor"] }));
    server.ann_says("hello again").await;
    let second = server.get(SHOP_KEY, &path(&first["cursor"])).await.json();
    assert_eq!(texts(&second), ["I heard you"]);
}

#[tokio::test]
async fn a_list_that_waits_is_answered_as_soon_as_there_is_something() {
    let server = Server::start().await;
    let waiting = server.send(get(SHOP_KEY, &format!("{ANN}/events?wait_ms=30000")));
    let (waited, _) = tokio::join!(waiting, server.ann_says("hello"));
    assert!(!waited.json()["events"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_list_that_waited_in_vain_is_empty() {
    let server = Server::start().await;
    let empty = server.get(SHOP_KEY, &format!("{ANN}/events?after=7&wait_ms=20")).await.json();
    assert_eq!(empty, json!({ "events": [], "cursor": 7 }));
}

#[tokio::test]
async fn a_stream_shows_what_comes_and_resumes_after_the_last_event() {
    let server = Server::start().await;
    let response = server.open(stream_after(0)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let turn = server.ann_says("hello").await;
    let reply = &turn["replies"][0];
    let (seq, event) = next_event(&mut body).await;
    assert_eq!((json!(seq), &event["text"]), (reply["seq"].clone(), &reply["text"]));
    drop(body);

    let last = turn["replies"].as_array().unwrap().last().unwrap()["seq"].as_u64().unwrap();
    let mut body = server.open(stream_after(last)).await.into_body();
    server.ann_says("again").await;
    assert!(next_event(&mut body).await.0 > last);
}

#[tokio::test]
async fn what_the_team_writes_is_shown_until_it_is_acknowledged() {
    let server = Server::start().await;
    let accepted = hand_over(&server).await;
    let mut body = server.open(stream_after(accepted)).await.into_body();
    team_writes(&server, json!({ "text": "Hello Ann" })).await;
    let (seq, event) = next_event(&mut body).await;
    assert_eq!((&event["author"], &event["name"]), (&json!("live_agent"), &json!("Lea")));
    assert_eq!(event["text"], "Hello Ann");

    let list = format!("{ANN}/events?after={accepted}");
    assert_eq!(texts(&server.get(SHOP_KEY, &list).await.json()), ["Hello Ann"]);
    let answer = server.post(SHOP_KEY, &format!("{ANN}/events/ack"), &json!({ "cursor": seq })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(texts(&server.get(SHOP_KEY, &list).await.json()), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_the_team_opens_for_its_own_conversation_only_and_is_always_saved() {
    let server = Server::start().await;
    let accepted = hand_over(&server).await;
    server.files.keep("b1", "text/html", b"<script>alert(1)</script>");
    let file = json!({ "name": "offer.html", "media_type": "text/html", "source": { "blob": "b1" } });
    let mut body = server.open(stream_after(accepted)).await.into_body();
    team_writes(&server, json!({ "text": "See this", "attachments": [file] })).await;
    let (_, event) = next_event(&mut body).await;
    let url = event["attachments"][0]["url"].as_str().unwrap();

    let answer = server.get(SHOP_KEY, url).await;
    assert_eq!(answer.text(), "<script>alert(1)</script>");
    assert_eq!(answer.header("content-disposition"), "attachment");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("sandbox"));

    let of_bob = url.replace("/ann/", "/bob/");
    server.get(SHOP_KEY, &of_bob).await.assert_problem("another conversation", 404, "no such file");
    server.get("", url).await.assert_problem("no key", 401, "API key");
    server.get(SHOP_KEY, &format!("{ANN}/files/b1")).await.assert_problem(
        "the bare name",
        404,
        "no such file",
    );
}

#[tokio::test]
async fn streams_and_waiting_lists_end_when_the_server_stops() {
    let server = Server::start().await;
    let mut body = server.open(stream_after(0)).await.into_body();
    let path = format!("{ANN}/events?wait_ms=30000");
    let stop = async { server.state.stop() };
    let (answer, ()) = tokio::join!(server.get(SHOP_KEY, &path), stop);
    assert_eq!(answer.json()["events"], json!([]));
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn no_more_streams_are_opened_than_the_operator_allows() {
    let options = Options { most_streams: 1, request_timeout: Duration::from_secs(10), ..Options::default() };
    let server = Server::start_with(options).await;
    let open = server.open(stream_after(0)).await;
    assert_eq!(open.status(), StatusCode::OK);
    let refused = server.send(stream_after(0)).await;
    refused.assert_problem("a second stream", 503, "Too many clients");
    drop(open);
    assert_eq!(server.open(stream_after(0)).await.status(), StatusCode::OK);
}
