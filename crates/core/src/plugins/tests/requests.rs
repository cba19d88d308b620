//! Requests of a connector to its platform, which here is a socket of the test.

use handoff_model::connector::{HttpError, HttpResponse};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;
use crate::plugins::tests::fake::{ask, registry};

/// A platform that answers every request with the same bytes and shows what it was asked.
struct Platform {
    address: String,
    asked: mpsc::UnboundedReceiver<String>,
}

impl Platform {
    async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
                while !is_whole(&bytes) {
                    let count = stream.read(&mut part).await.unwrap();
                    bytes.extend_from_slice(&part[..count]);
                }
                sender.send(String::from_utf8(bytes).unwrap()).unwrap();
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { address, asked }
    }

    fn was_asked(&mut self) -> Option<String> {
        self.asked.try_recv().ok()
    }
}

/// Whether the bytes are a request with its body.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.trim().parse().unwrap())
}

fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Type: text/x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// What became of a request of the connector.
async fn send(registry: &Registry, request: Value) -> Result<HttpResponse, HttpError> {
    serde_json::from_value(ask(registry, "http.send", request).await).unwrap()
}

/// Asserts that a request was not sent, for this reason.
fn assert_not_sent(sent: Result<HttpResponse, HttpError>, reason: &str) {
    match sent {
        Err(HttpError::NotSent { detail }) => assert!(detail.contains(reason), "{detail}"),
        other => panic!("{reason}: {other:?}"),
    }
}

fn open(outside: &Outside, base: &str, allow: bool) -> Registry {
    let options = Options { allow_loopback_http: allow, ..options(Path::new("/nowhere")) };
    registry(outside, &options, &["{base_url}"], &[json!({ "base_url": base })])
}

#[tokio::test]
async fn a_request_carries_its_secrets_and_the_connector_sees_none() {
    let mut platform = Platform::start(ok("hello")).await;
    let registry = open(&Outside::new(), &platform.address, true);
    let base = platform.address.clone();
    let cases = [
        (
            json!({ "method": "GET", "url": format!("{base}/a?b=1#c"), "headers": { "X-Own": "y" },
                    "auth": { "kind": "bearer", "token_secret": "token" } }),
            vec!["GET /a?b=1 HTTP/1.1\r\n", "x-own: y\r\n", "authorization: Bearer hunter2+x\r\n"],
        ),
        (
            json!({ "method": "POST", "url": format!("{base}/a"), "body": { "kind": "text", "data": "words" },
                    "auth": { "kind": "basic", "user": "me", "password_secret": "token" } }),
            vec!["authorization: Basic bWU6aHVudGVyMit4\r\n", "\r\n\r\nwords"],
        ),
        (
            json!({ "method": "PUT", "url": format!("{base}/rest/%20x/:token/call"),
                    "secrets": [{ "place": "path", "name": "token" }], "body": { "kind": "empty" } }),
            vec!["PUT /rest/%20x/hunter2%2Bx/call HTTP/1.1\r\n"],
        ),
        (
            json!({ "method": "POST", "url": format!("{base}/a"), "body": { "kind": "json", "data": { "bot": { "id": 1 } } },
                    "secrets": [{ "place": "json", "name": "token", "pointer": "/bot/key" }] }),
            vec!["content-type: application/json\r\n", r#""key":"hunter2+x""#],
        ),
        (
            json!({ "method": "POST", "url": format!("{base}/token"), "body": { "kind": "text", "data": "a=b" },
                    "secrets": [{ "place": "form", "name": "token", "field": "client secret" }] }),
            vec!["\r\n\r\na=b&client%20secret=hunter2%2Bx"],
        ),
        (
            json!({ "method": "GET", "url": format!("{base}/a"),
                    "secrets": [{ "place": "header", "name": "token", "header": "X-Api-Key" }] }),
            vec!["x-api-key: hunter2+x\r\n"],
        ),
        (
            json!({ "method": "GET", "url": format!("{base}/a"),
                    "secrets": [{ "place": "header", "name": "token", "header": "Authorization", "before": "Token t=" }] }),
            vec!["authorization: Token t=hunter2+x\r\n"],
        ),
    ];
    for (request, expected) in cases {
        let answer = send(&registry, request).await.unwrap();
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.headers["x-a"].as_str()),
            (200, "hello", "1, 2")
        );
        let asked = platform.was_asked().unwrap();
        for expected in expected {
            assert!(asked.contains(expected), "{expected} is not in {asked}");
        }
    }
}

#[tokio::test]
async fn what_may_not_be_sent_is_not_sent() {
    let mut platform = Platform::start(ok("hello")).await;
    let registry = open(&Outside::new(), &platform.address, true);
    let base = platform.address.clone();
    let port = base.rsplit(':').next().unwrap();
    let path = |url: String, name: &str| json!({ "method": "GET", "url": url, "secrets": [{ "place": "path", "name": name }] });
    let header = |header: &str, name: &str, before: &str| {
        json!({ "method": "GET", "url": base, "headers": { "x-own": "y" },
                "secrets": [{ "place": "header", "name": name, "header": header, "before": before }] })
    };
    let cases = [
        (json!({ "method": "GET", "url": "https://example.com/" }), "not among those"),
        (json!({ "method": "GET", "url": format!("http://localhost:{port}/") }), "not among those"),
        (json!({ "method": "GET", "url": format!("http://127.0.0.1:{port}1/") }), "address"),
        (json!({ "method": "GET", "url": base.replace("//", "//me:pw@") }), "credentials"),
        (json!({ "method": "CONNECT", "url": base }), "method"),
        (json!({ "method": "GET", "url": base, "headers": { "Host": "evil" } }), "header"),
        (json!({ "method": "GET", "url": base, "headers": { "X-A": "a\r\nX-B: b" } }), "header"),
        (
            json!({ "method": "GET", "url": base, "auth": { "kind": "bearer", "token_secret": "spare" } }),
            "\"spare\" is not set",
        ),
        (path(format!("{base}/rest/x"), "token"), "exactly one segment"),
        (path(format!("{base}/:token/:token"), "token"), "exactly one segment"),
        (path(format!("{base}/:tokenx"), "token"), "exactly one segment"),
        (
            json!({ "method": "POST", "url": base, "body": { "kind": "json", "data": { "a": 1 } },
                    "secrets": [{ "place": "json", "name": "token", "pointer": "/b/c" }] }),
            "no place",
        ),
        (
            json!({ "method": "POST", "url": base, "secrets": [{ "place": "json", "name": "token", "pointer": "/b" }] }),
            "JSON body",
        ),
        (header("Host", "token", ""), "header"),
        (header("X A", "token", ""), "header"),
        (header("X-Key", "spare", ""), "\"spare\" is not set"),
        (header("X-Key", "token", "a\r\nX-B: b"), "a header cannot carry"),
        (header("X-Own", "token", ""), "there already"),
    ];
    for (request, expected) in cases {
        assert_not_sent(send(&registry, request).await, expected);
    }
    assert_eq!(platform.was_asked(), None);
}

#[tokio::test]
async fn this_machine_is_called_only_when_that_is_allowed() {
    let mut platform = Platform::start(ok("hello")).await;
    let registry = open(&Outside::new(), &platform.address, false);
    let sent = send(&registry, json!({ "method": "GET", "url": platform.address })).await;
    assert_not_sent(sent, "not a public https address");
    assert_eq!(platform.was_asked(), None);
}

#[tokio::test]
async fn a_name_that_leads_into_the_own_network_is_not_called() {
    let mut platform = Platform::start(ok("hello")).await;
    // TLS is never spoken: the name is refused before.
    let base = platform.address.replace("127.0.0.1", "localhost").replace("http:", "https:");
    let registry = open(&Outside::new(), &base, false);
    assert_not_sent(
        send(&registry, json!({ "method": "GET", "url": base })).await,
        "not a public https address",
    );
    assert_eq!(platform.was_asked(), None);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let mut other = Platform::start(ok("secret page")).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        other.address
    );
    let platform = Platform::start(redirect.into_bytes()).await;
    let registry = open(&Outside::new(), &platform.address, true);
    let answer = send(&registry, json!({ "method": "GET", "url": platform.address })).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(other.was_asked(), None);
}

#[tokio::test]
async fn a_failure_says_whether_the_request_may_have_left_and_no_secret() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let silent = Platform::start(Vec::new()).await;
    let broken =
        Platform::start(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\nhalf".to_vec())
            .await;
    let endless = Platform::start(ok(&"x".repeat((1 << 20) + 1))).await;
    let cases = [
        (nobody, false),
        (silent.address.clone(), true),
        (broken.address.clone(), true),
        (endless.address.clone(), true),
    ];
    for (base, may_have_left) in cases {
        let registry = open(&Outside::new(), &base, true);
        let request = json!({ "method": "POST", "url": format!("{base}/rest/:token/x"), "secrets": [{ "place": "path", "name": "token" }] });
        let error = send(&registry, request).await.unwrap_err();
        assert_eq!(matches!(error, HttpError::Lost { .. }), may_have_left, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_large_answer_can_be_kept_as_a_blob() {
    let (platform, outside) = (Platform::start(ok(&"x".repeat(2 << 20))).await, Outside::new());
    let registry = open(&outside, &platform.address, true);
    let request = json!({ "method": "GET", "url": platform.address, "save_as_blob": true });
    let answer = send(&registry, request).await.unwrap();
    assert_eq!((answer.blob.as_deref(), answer.body.as_str()), (Some("blob1"), ""));
    let blobs = outside.memory.blobs.lock();
    assert_eq!((blobs[0].0.as_str(), blobs[0].1.len()), ("text/x", 2 << 20));
}

#[tokio::test]
async fn a_blob_is_sent_as_a_body_or_in_a_form_and_one_that_is_gone_is_not() {
    let (mut platform, outside) = (Platform::start(ok("hello")).await, Outside::new());
    outside.memory.blobs.lock().push(("image/x-small".to_owned(), b"the bytes".to_vec()));
    let registry = open(&outside, &platform.address, true);
    let address = platform.address.clone();
    let body = |body: Value| json!({ "method": "POST", "url": address, "body": body });
    let plain = body(json!({ "kind": "blob", "data": { "blob": "blob1" } }));
    let form = body(json!({ "kind": "multipart", "data": {
        "fields": [["trigger", "image"]],
        "file": { "field": "source", "name": "label.png", "blob": "blob1" },
    } }));
    let gone = body(json!({ "kind": "blob", "data": { "blob": "blob9" } }));
    let expected: [&[&str]; 2] = [
        &["content-type: image/x-small\r\n", "\r\n\r\nthe bytes"],
        &[
            "content-type: multipart/form-data; boundary=",
            "name=\"trigger\"\r\n\r\nimage\r\n",
            "name=\"source\"; filename=\"label.png\"\r\nContent-Type: image/x-small\r\n\r\nthe bytes\r\n",
        ],
    ];
    for (request, expected) in [plain, form].into_iter().zip(expected) {
        assert_eq!(send(&registry, request).await.unwrap().status, 200);
        let asked = platform.was_asked().unwrap();
        for part in expected {
            assert!(asked.contains(part), "{part} is not in {asked}");
        }
    }
    outside.memory.blobs.lock().push(("no type; at all;;".to_owned(), b"odd".to_vec()));
    for kind in ["blob", "multipart"] {
        let data = match kind {
            "blob" => json!({ "blob": "blob2" }),
            _ => json!({ "fields": [], "file": { "field": "source", "name": "odd", "blob": "blob2" } }),
        };
        assert_eq!(send(&registry, body(json!({ "kind": kind, "data": data }))).await.unwrap().status, 200);
        let asked = platform.was_asked().unwrap().to_lowercase();
        assert!(asked.contains("content-type: application/octet-stream"), "{kind}: {asked}");
    }
    // Asking again changes nothing about that, so it is a refusal and no failure of the way.
    let refused = ask(&registry, "http.send", gone).await;
    assert_eq!(refused["code"], 422, "{refused}");
    assert!(refused["body"].to_string().contains("no blob \\\"blob9\\\""), "{refused}");
    assert_eq!(platform.was_asked(), None);
}
