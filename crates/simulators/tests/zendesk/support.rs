//! The Support API: who gets in, tickets made once, look-ups, uploads, availability.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::Sim;

fn request(sim: &Sim, method: Method, path: &str) -> RequestBuilder {
    let request = sim.client.request(method, format!("{}/api/v2{path}", sim.base));
    request.basic_auth("admin@example.org/token", Some("sim-support-token"))
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
}

fn ticket(subject: &str) -> Value {
    json!({ "ticket": {
        "subject": subject, "external_id": "handoff:h-1", "tags": ["from_assistant"],
        "comment": { "body": "Transcript", "public": false },
        "requester": { "name": "Ada L", "email": "ada@example.org" },
        "custom_fields": [{ "id": 360_012_345_678_u64, "value": "refund" }],
    } })
}

async fn create(sim: &Sim, key: &str, body: &Value) -> (u16, String, Value) {
    let request = request(sim, Method::POST, "/tickets").header("Idempotency-Key", key).json(body);
    let answer = request.send().await.unwrap();
    let lookup = answer.headers().get("x-idempotency-lookup").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), lookup.unwrap_or_default(), answer.json().await.unwrap())
}

#[tokio::test]
async fn support_has_credentials_of_its_own() {
    let sim = Sim::start(&[]).await;
    assert_eq!(answer(request(&sim, Method::GET, "/tickets")).await.0, 200);
    assert_eq!(answer(request(&sim, Method::GET, "/nothing")).await.1["error"], "InvalidEndpoint");
    let (id, secret) = crate::harness::APP_KEY;
    let foreign = sim.client.get(format!("{}/api/v2/tickets", sim.base)).basic_auth(id, Some(secret));
    assert_eq!(answer(foreign).await, (401, json!({ "error": "Couldn't authenticate you" })));
    sim.sign_in(("admin@example.org/token", "sim-support-token"));
    assert_eq!(sim.get("/users/x").await.0, 401);
}

#[tokio::test]
async fn a_ticket_is_made_once_for_each_key_until_the_key_is_forgotten() {
    let sim = Sim::start(&["--clock-factor", "1"]).await;
    let (status, lookup, first) = create(&sim, "h-1", &ticket("A")).await;
    assert_eq!((status, lookup.as_str()), (201, "miss"));
    let (status, lookup, again) = create(&sim, "h-1", &ticket("A")).await;
    assert_eq!((status, lookup.as_str()), (201, "hit"));
    assert_eq!(first, again);
    let (status, _, other) = create(&sim, "h-1", &ticket("B")).await;
    assert_eq!((status, &other["error"]), (400, &json!("IdempotentRequestError")));
    assert_eq!(create(&sim, "x".repeat(256).as_str(), &ticket("A")).await.0, 400);
    let (_, found) = answer(request(&sim, Method::GET, "/tickets?external_id=handoff:h-1")).await;
    assert_eq!(found["count"], 1);
    assert_eq!(
        found["tickets"][0]["custom_fields"][0],
        json!({ "id": 360_012_345_678_u64, "value": "refund" })
    );

    // Two hours pass within a real millisecond.
    let fast = Sim::start(&["--clock-factor", "10000000"]).await;
    for _ in 0..2 {
        assert_eq!(create(&fast, "h-1", &ticket("A")).await.1, "miss");
        let now = fast.inspect().await["now_ms"].as_i64().unwrap();
        fast.until(|state| state["now_ms"].as_i64().unwrap() > now + 2 * 3600 * 1000).await;
    }
}

#[tokio::test]
async fn a_failure_frees_its_key() {
    let sim = Sim::start(&[]).await;
    let mut broken = ticket("A");
    broken["ticket"]["comment"] = json!({});
    let (status, _, refused) = create(&sim, "h-1", &broken).await;
    assert_eq!((status, &refused["error"]), (422, &json!("RecordInvalid")));
    assert_eq!(create(&sim, "h-1", &ticket("A")).await.0, 201);
}

#[tokio::test]
async fn a_second_request_with_a_key_in_use_conflicts_or_waits() {
    for (conflict, expected) in [("true", (409, "")), ("false", (201, "hit"))] {
        let sim = Sim::start(&["--ticket-latency-ms", "300", "--idempotency-conflict", conflict]).await;
        let body = ticket("A");
        let second = async {
            sim.until(|state| state["support"]["idempotency_keys_in_use"] == 1).await;
            create(&sim, "h-1", &body).await
        };
        let (first, second) = tokio::join!(create(&sim, "h-1", &body), second);
        assert_eq!((first.0, first.1.as_str()), (201, "miss"));
        assert_eq!((second.0, second.1.as_str()), expected);
    }
}

#[tokio::test]
async fn a_ticket_that_breaks_a_rule_is_refused_with_its_field() {
    let sim = Sim::start(&["--custom-fields", "1,2"]).await;
    let with = |name: &str, value: Value| {
        let mut body = ticket("A");
        body["ticket"]["custom_fields"] = json!([]);
        body["ticket"][name] = value;
        body
    };
    let cases = [
        (with("custom_fields", json!([{ "id": 3, "value": "x" }])), 422, "custom_fields"),
        (with("requester", json!({ "email": "new@example.org" })), 422, "requester"),
        (with("priority", json!("soon")), 422, "priority"),
        (with("comment", json!({ "body": "x".repeat(65_536) })), 422, "base"),
        (with("comment", json!({ "body": "x", "uploads": ["unknown"] })), 422, "base"),
        (with("custom_fields", json!([{ "id": 2, "value": "x" }])), 201, ""),
    ];
    for (body, expected, field) in cases {
        let (status, refused) = answer(request(&sim, Method::POST, "/tickets").json(&body)).await;
        assert_eq!(status, expected, "{refused}");
        assert!(field.is_empty() || refused["details"][field].is_array(), "{refused}");
    }
}

#[tokio::test]
async fn comments_are_added_until_the_ticket_is_closed() {
    let sim = Sim::start(&[]).await;
    let (_, _, made) = create(&sim, "h-1", &ticket("A")).await;
    let id = made["ticket"]["id"].as_u64().unwrap();
    let put = |body: Value| request(&sim, Method::PUT, &format!("/tickets/{id}.json")).json(&body);
    let comment = json!({ "ticket": { "comment": { "html_body": "<p>More</p>" } } });
    assert_eq!(answer(put(comment.clone())).await.0, 200);
    let stale = json!({ "ticket": { "safe_update": true, "updated_stamp": "2020-01-01T00:00:00Z" } });
    assert_eq!(answer(put(stale)).await.1["error"], "UpdateConflict");
    sim.script("/agent/comment", json!({ "ticket": id, "text": "Hello Ada" })).await;
    let (_, found) = answer(request(&sim, Method::GET, &format!("/tickets/{id}/comments"))).await;
    let bodies: Vec<&str> =
        found["comments"].as_array().unwrap().iter().map(|c| c["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["Transcript", "More", "Hello Ada"]);
    assert_eq!(found["comments"][0]["public"], false);
    let chat = sim.chat(&id.to_string()).await;
    assert_eq!(chat["requester"]["email"], "ada@example.org");
    assert_eq!(chat["messages"][2]["author"], "live_agent");

    sim.script("/agent/status", json!({ "ticket": id, "status": "closed" })).await;
    assert_eq!(answer(put(comment)).await.0, 422);
    assert_eq!(sim.try_script("/agent/status", json!({ "ticket": id, "status": "gone" })).await.0, 400);
}

#[tokio::test]
async fn search_lags_behind() {
    for (lag, expected) in [("3600", 0), ("0", 1)] {
        let sim = Sim::start(&["--search-lag", lag]).await;
        create(&sim, "h-1", &ticket("A")).await;
        let query = [("query", "type:ticket external_id:\"handoff:h-1\" custom_field_360012345678:refund")];
        let url = reqwest::Url::parse_with_params("http://x/search", query).unwrap();
        let path = format!("/search?{}", url.query().unwrap());
        assert_eq!(answer(request(&sim, Method::GET, &path)).await.1["count"], expected);
    }
}

#[tokio::test]
async fn the_audit_of_a_chats_ticket_names_its_conversation() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.handed_over().await;
    let id = sim.chat(&conversation).await["ticket"].as_u64().unwrap();
    let (_, found) = answer(request(&sim, Method::GET, &format!("/tickets/{id}/audits"))).await;
    let event = &found["audits"][0]["events"][0];
    assert_eq!(event["type"], "ChatStartedEvent");
    assert_eq!(event["value"]["conversation_id"], conversation.as_str());
}

#[tokio::test]
async fn an_upload_is_good_for_one_comment() {
    let sim = Sim::start(&[]).await;
    let upload = request(&sim, Method::POST, "/uploads?filename=transcript.txt");
    let (status, made) = answer(upload.header("content-type", "text/plain").body("whole")).await;
    assert_eq!(status, 201);
    let token = made["upload"]["token"].as_str().unwrap();
    assert_eq!(made["upload"]["attachment"]["size"], 5);
    let mut body = ticket("A");
    body["ticket"]["comment"]["uploads"] = json!([token]);
    assert_eq!(create(&sim, "h-1", &body).await.0, 201);
    assert_eq!(create(&sim, "h-2", &body).await.0, 422);
    let url = made["upload"]["attachment"]["content_url"].as_str().unwrap();
    assert_eq!(sim.client.get(url).send().await.unwrap().text().await.unwrap(), "whole");
    assert_eq!(answer(request(&sim, Method::DELETE, &format!("/uploads/{token}"))).await.0, 204);
}

#[tokio::test]
async fn availability_is_for_admins() {
    let sim = Sim::start(&[]).await;
    let agents =
        json!([{ "id": 1, "status": "online", "work_item_count": 5 }, { "id": 2, "status": "away" }]);
    sim.script("/agents", json!({ "agents": agents })).await;
    let count = |path: &'static str| async {
        let (status, found) = answer(request(&sim, Method::GET, path)).await;
        (status, found["data"].as_array().map(Vec::len))
    };
    assert_eq!(count("/agent_availabilities").await, (200, Some(2)));
    assert_eq!(count("/agent_availabilities?filter[channel_status]=messaging:online").await, (200, Some(1)));
    let both = "/agent_availabilities?filter[channel_status]=messaging:online&filter[remaining_capacity]=messaging:1";
    assert_eq!(count(both).await, (200, Some(0)));
    assert_eq!(answer(request(&sim, Method::GET, "/business_hours/schedules")).await.0, 200);
    let plain = Sim::start(&["--support-admin", "false"]).await;
    let (status, refused) = answer(request(&plain, Method::GET, "/agent_availabilities")).await;
    assert_eq!((status, &refused["error"]["title"]), (403, &json!("Forbidden")));
}

async fn tokens(sim: &Sim, mut body: Value) -> (u16, Value) {
    body["client_id"] = json!("sim-oauth-client");
    body["client_secret"] = json!("sim-oauth-secret");
    answer(sim.client.post(format!("{}/oauth/tokens", sim.base)).json(&body)).await
}

async fn tickets_with(sim: &Sim, given: &Value, method: Method) -> u16 {
    let url = format!("{}/api/v2/tickets", sim.base);
    let request = sim.client.request(method, url).bearer_auth(given["access_token"].as_str().unwrap());
    answer(request.json(&ticket("A"))).await.0
}

#[tokio::test]
async fn a_refresh_token_works_once_and_takes_its_pair_along() {
    let sim = Sim::start(&[]).await;
    let code = sim.script("/oauth_code", json!({})).await["code"].clone();
    let grant = json!({ "grant_type": "authorization_code", "code": code });
    let (status, first) = tokens(&sim, grant.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(tokens(&sim, grant).await.1["error"], "invalid_grant");
    assert_eq!(tickets_with(&sim, &first, Method::POST).await, 201);
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
    let (_, second) = tokens(&sim, refresh.clone()).await;
    assert_eq!(tickets_with(&sim, &first, Method::GET).await, 401);
    assert_eq!(tickets_with(&sim, &second, Method::GET).await, 200);
    assert_eq!(tokens(&sim, refresh).await.0, 401);
    let wrong = json!({ "grant_type": "client_credentials", "client_id": "x", "client_secret": "y" });
    let refused = sim.client.post(format!("{}/oauth/tokens", sim.base)).json(&wrong);
    assert_eq!(answer(refused).await.1["error"], "invalid_client");
}

#[tokio::test]
async fn a_token_does_what_its_scope_says_until_it_expires() {
    let sim = Sim::start(&[]).await;
    let (_, given) =
        tokens(&sim, json!({ "grant_type": "client_credentials", "scope": "tickets:read" })).await;
    assert_eq!(tickets_with(&sim, &given, Method::GET).await, 200);
    assert_eq!(tickets_with(&sim, &given, Method::POST).await, 403);
    assert_eq!(tokens(&sim, json!({ "grant_type": "client_credentials", "expires_in": 299 })).await.0, 400);
    let fast = Sim::start(&["--clock-factor", "10000000"]).await;
    let (_, given) = tokens(&fast, json!({ "grant_type": "client_credentials" })).await;
    let now = fast.inspect().await["now_ms"].as_i64().unwrap();
    fast.until(|state| state["now_ms"].as_i64().unwrap() > now + 1_800_000).await;
    assert_eq!(tickets_with(&fast, &given, Method::GET).await, 401);
}

#[tokio::test]
async fn the_account_has_a_rate() {
    let sim = Sim::start(&["--support-rate-limit", "2"]).await;
    let mut refused = None;
    // A minute may begin in between, so that four may pass; never five.
    for _ in 0..5 {
        let answer = request(&sim, Method::GET, "/tickets").send().await.unwrap();
        assert_eq!(answer.headers()["x-rate-limit"], "2");
        refused = refused.or((answer.status() == 429).then_some(answer));
    }
    let refused = refused.unwrap();
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.headers()["x-rate-limit-remaining"], "0");
    assert!(refused.text().await.unwrap().starts_with("Number of allowed"));
}
