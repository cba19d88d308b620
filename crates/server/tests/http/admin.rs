//! What operators and authors do over the API.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN_KEY, SHOP_KEY, Server, assistant, request};

async fn put(server: &Server, query: &str, definition: &Value) -> crate::support::Answer {
    let path = format!("/v1/assistants/greeter/draft{query}");
    let put = request("PUT", ADMIN_KEY, &path).header("content-type", "application/json");
    server.send(put.body(definition.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn an_author_saves_checks_publishes_and_exports() {
    let server = Server::start().await;
    let mut changed = assistant();
    changed["name"] = json!("Greeter the second");
    let saved = put(&server, "?revision=1", &changed).await.json();
    assert_eq!(saved["revision"], 2);

    let shown = server.get(ADMIN_KEY, "/v1/assistants/greeter").await.json();
    assert_eq!(
        (&shown["revision"], &shown["published"], &shown["changed"]),
        (&json!(2), &json!(1), &json!(true))
    );
    assert_eq!(shown["draft"]["name"], "Greeter the second");

    let checked = server.post(ADMIN_KEY, "/v1/assistants/greeter/validate", &json!({})).await.json();
    assert_eq!(checked["publishable"], true, "{checked}");
    let published = server.post(ADMIN_KEY, "/v1/assistants/greeter/publish", &json!({})).await.json();
    assert_eq!(published["version"], 2, "{published}");

    let export = server.get(ADMIN_KEY, "/v1/assistants/greeter/export?version=1").await;
    assert_eq!(export.json()["name"], "Greeter");
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"assistant-greeter.json\"");
    let listed = server.get(ADMIN_KEY, "/v1/assistants").await.json();
    assert_eq!(listed["assistants"][0]["name"], "Greeter the second");
    assert_eq!(listed["assistants"][0].get("draft"), None);
}

#[tokio::test]
async fn two_authors_do_not_overwrite_each_other() {
    let server = Server::start().await;
    assert_eq!(put(&server, "?revision=1", &assistant()).await.status, StatusCode::OK);
    put(&server, "?revision=1", &assistant()).await.assert_problem(
        "an old revision",
        409,
        "saved this assistant meanwhile",
    );
    let mut other = assistant();
    other["id"] = json!("another");
    put(&server, "", &other).await.assert_problem("another id", 422, "another one");
}

#[tokio::test]
async fn a_draft_that_cannot_be_published_says_everything_that_is_wrong() {
    let server = Server::start().await;
    let mut unfinished = assistant();
    unfinished["triggers"][1]["actions"][0]["platform"] = json!(null);
    assert_eq!(put(&server, "", &unfinished).await.status, StatusCode::OK);
    let checked = server.post(ADMIN_KEY, "/v1/assistants/greeter/validate", &json!({})).await.json();
    assert_eq!(checked["publishable"], false);
    let refused = server.post(ADMIN_KEY, "/v1/assistants/greeter/publish", &json!({})).await;
    refused.assert_problem("unfinished", 422, "listed under `findings`");
    assert_eq!(refused.json()["findings"][0]["node"], "a2");

    let shapeless = put(&server, "", &json!({ "format": 1, "id": "greeter", "surprise": true })).await;
    shapeless.assert_problem("shapeless", 422, "findings");
    assert!(shapeless.json()["findings"].as_array().unwrap().len() > 1);
}

#[tokio::test]
async fn the_inbox_shows_what_was_said_before_the_chat_left_and_where_it_went() {
    let server = Server::start().await;
    server.ann_says("hello").await;
    let turn = server.ann_says("human").await;
    let id = turn["conversation"].as_str().unwrap();
    let handoffs = server.get(ADMIN_KEY, "/v1/handoffs").await.json();
    let handoff = &handoffs["items"][0];
    assert_eq!((&handoff["platform"], &handoff["conversation"]), (&json!("Deskpro"), &json!(id)));

    let thread = server.get(ADMIN_KEY, &format!("/v1/conversations/{id}")).await.json();
    let said: Vec<_> =
        thread["messages"].as_array().unwrap().iter().map(|line| &line["content"]["text"]).collect();
    assert!(said.contains(&&json!("hello")) && said.contains(&&json!("human")), "{said:?}");
    assert_eq!(thread["last_handoff"], handoff["id"]);
    assert_eq!(thread["next"], json!(null));

    let receipt =
        server.get(ADMIN_KEY, &format!("/v1/handoffs/{}", handoff["id"].as_str().unwrap())).await.json();
    assert_eq!((&receipt["route"], &receipt["node"]), (&json!("bridge"), &json!("a2")));
    assert!(receipt["receipt"]["told"].is_array(), "{receipt}");
    assert_eq!(receipt.get("checkpoint"), None);
}

#[tokio::test]
async fn a_long_list_comes_page_by_page_without_gaps() {
    let server = Server::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        let path = format!("/v1/channels/shop/conversations/{name}/messages");
        server.post(SHOP_KEY, &path, &json!({ "text": "hello" })).await;
    }
    let mut ids = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = server.get(ADMIN_KEY, &format!("/v1/conversations{query}")).await.json();
        ids.extend(
            page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&after={next}");
    }
    assert_eq!(ids.len(), 5);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn connectors_targets_and_plans_are_listed() {
    let server = Server::start().await;
    let connectors = server.get(ADMIN_KEY, "/v1/connectors").await.json();
    let expected =
        json!([{ "id": "deskpro", "loaded": true, "lowest_plan": "total", "connections": ["desk"] }]);
    assert_eq!(connectors["connectors"], expected);
    let targets = server.get(ADMIN_KEY, "/v1/targets").await.json();
    assert_eq!(
        (&targets["targets"][0]["name"], &targets["targets"][0]["allowed"]),
        (&json!("Deskpro"), &json!(true))
    );
    let plans = server.get(ADMIN_KEY, "/v1/plans").await.json();
    assert_eq!(plans, json!({ "plan": "total", "lowest": { "deskpro": "total" } }));
}
