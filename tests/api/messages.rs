//! Messages that cannot be accepted, and messages that are sent again.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use anyhow::Result;
use handoff_tests::{
    assistants::{HELLO, answer_to},
    caller::Caller,
    setup::CHAT_KEY,
    visitor::Visitor,
    web::{Answer, send},
};
use serde_json::{Value, json};

use super::{problem, serving};

fn text(text: &str) -> Vec<u8> {
    json!({ "text": text }).to_string().into_bytes()
}

#[tokio::test]
async fn a_message_that_cannot_be_accepted_is_refused_in_plain_words_and_leaves_no_trace() -> Result<()> {
    let server = serving().await?;
    let program = Caller::new(&server, "one");
    assert_eq!(program.asks("Hello").await?, [HELLO, &answer_to("Hello")]);
    let json = "application/json";
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        ("1 MiB", json, text(&"x".repeat(1 << 20)), 413, "256 KiB"),
        ("long", json, text(&"x".repeat(32_001)), 413, "32000"),
        ("invalid UTF-8", json, b"{\"text\":\"\xff\xfe\"}".to_vec(), 400, "UTF-8"),
        ("lone surrogate", json, b"{\"text\":\"\\ud800\"}".to_vec(), 400, ""),
        ("empty text", json, text(""), 422, "text"),
        ("blank text", json, text(" \n\t "), 422, "text"),
        ("control character", json, text("a\u{0}b"), 422, "U+0000"),
        ("empty body", json, Vec::new(), 400, "empty"),
        ("broken JSON", json, b"{\"text\": \"a\"\n, }".to_vec(), 400, "line 2"),
        ("no object", json, b"[1]".to_vec(), 422, ""),
        ("unknown field", json, b"{\"text\":\"a\",\"colour\":1}".to_vec(), 422, "colour"),
        ("wrong type", json, b"{\"text\":5}".to_vec(), 422, "text"),
        ("missing text", json, b"{}".to_vec(), 422, "text"),
        ("deep", json, "[".repeat(50_000).into_bytes(), 422, ""),
        ("no JSON at all", "text/plain", b"hello".to_vec(), 415, "JSON"),
        ("a form", "application/x-www-form-urlencoded", b"text=a".to_vec(), 415, "JSON"),
    ];
    for (name, kind, body, status, word) in cases {
        let answer = program.posts(kind, body).await?;
        // Which of the two is a matter of taste; that it is the client's fault is not.
        let status = if status == 422 && answer.status == 400 { 400 } else { status };
        problem(&answer, status, word, name);
    }
    assert_eq!(program.asks("Still here?").await?, [answer_to("Still here?")]);
    let turned = program.says("count").await?;
    assert_eq!(turned["seq"], 6, "something was stored of what was refused: {turned:#}");
    Ok(())
}

#[tokio::test]
async fn a_client_that_writes_its_whole_body_before_it_reads_still_learns_why_it_was_refused() -> Result<()> {
    let server = serving().await?;
    let address = server.base.trim_start_matches("http://").to_owned();
    let path = "/v1/channels/api/conversations/one/messages";
    for chunked in [false, true] {
        let address = address.clone();
        let answer = tokio::task::spawn_blocking(move || writes_all(&address, path, chunked)).await??;
        assert!(answer.starts_with("HTTP/1.1 413 "), "chunked {chunked}: {answer}");
        assert!(answer.contains("256 KiB"), "chunked {chunked}: {answer}");
    }
    Ok(())
}

/// Sends 3 MiB with a plain socket, and only then looks for an answer.
fn writes_all(address: &str, path: &str, chunked: bool) -> Result<String> {
    let body = vec![b'x'; 3 << 20];
    let (framing, body) = match chunked {
        true => {
            let framed = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
            ("transfer-encoding: chunked".to_owned(), framed)
        }
        false => (format!("content-length: {}", body.len()), body),
    };
    let mut socket = TcpStream::connect(address)?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {CHAT_KEY}\r\n\
         content-type: application/json\r\nconnection: close\r\n{framing}\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    socket.write_all(&body)?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test]
async fn the_longest_text_is_accepted_and_comes_back_whole() -> Result<()> {
    let server = serving().await?;
    let program = Caller::new(&server, "long");
    let longest: String = "ä\u{1F600}".chars().cycle().take(32_000).collect();
    let turned = program.says(&longest).await?;
    assert_eq!(turned["held_by"], "session");
    let conversation = turned["conversation"].as_str().unwrap_or_default();
    let shown = server.conversation(conversation).await?;
    let said = shown["messages"].as_array().into_iter().flatten();
    assert!(said.into_iter().any(|message| message["content"]["text"] == longest.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_message_sent_again_under_its_key_is_answered_as_before_and_stored_once() -> Result<()> {
    let server = serving().await?;
    let again = async |key: &str, said: &str| -> Result<Answer> {
        let web = server.web().with_bearer(CHAT_KEY);
        let path = "/v1/channels/api/conversations/twice/messages?wait=reply";
        send(web.request("POST", path).header("idempotency-key", key).json(&json!({ "text": said }))).await
    };
    let first = again("key-1", "Hello").await?.json();
    let second = again("key-1", "Hello").await?.json();
    assert_eq!((&first["duplicate"], &second["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!((&first["seq"], &first["replies"]), (&second["seq"], &second["replies"]));
    let conversation = first["conversation"].as_str().unwrap_or_default();
    let count = async || -> Result<usize> {
        let shown = server.conversation(conversation).await?;
        Ok(shown["messages"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(count().await?, 3);
    let copies = (0..10).map(|_| again("key-2", "Again"));
    let mut seqs = Vec::new();
    for copy in copies.collect::<Vec<_>>() {
        seqs.push(copy.await?.json()["seq"].clone());
    }
    assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{seqs:?}");
    assert_eq!(count().await?, 5);
    let other = again("key-2", "Something else").await?;
    assert_eq!(other.status, 422, "another message under a used key must not vanish silently");
    assert_eq!(count().await?, 5);
    Ok(())
}

#[tokio::test]
async fn the_webchat_refuses_what_the_api_refuses() -> Result<()> {
    let server = serving().await?;
    let mut person = Visitor::open(&server).await?;
    let post = async |body: Vec<u8>| {
        let request = server.web().with_bearer(person.token()).request("POST", "/v1/webchat/web/messages");
        send(request.header("content-type", "application/json").body(body)).await
    };
    for (name, body, status) in [
        ("1 MiB", text(&"x".repeat(1 << 20)), 413),
        ("empty", text(""), 422),
        ("invalid UTF-8", b"{\"text\":\"\xff\"}".to_vec(), 400),
        ("broken", b"{".to_vec(), 400),
    ] {
        problem(&post(body).await?, status, "", name);
    }
    assert_eq!(person.says("Hello").await?, "session");
    person.until_told(&answer_to("Hello")).await
}

#[tokio::test]
async fn concurrent_messages_of_one_person_are_all_answered_in_the_order_of_their_places() -> Result<()> {
    let server = serving().await?;
    let program = Caller::new(&server, "busy");
    program.asks("first").await?;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let program = program.clone();
            tokio::spawn(async move { program.says(&format!("word {n}")).await })
        })
        .collect();
    let mut conversation = Value::Null;
    for task in tasks {
        conversation = task.await??["conversation"].clone();
    }
    let shown = server.conversation(conversation.as_str().unwrap_or_default()).await?;
    let messages = shown["messages"].as_array().cloned().unwrap_or_default();
    let texts: Vec<_> = messages.iter().filter_map(|message| message["content"]["text"].as_str()).collect();
    assert_eq!(texts.len(), 3 + 40, "{texts:?}");
    for pair in texts[3..].chunks(2) {
        assert_eq!(pair[1], answer_to(pair[0]));
    }
    Ok(())
}
