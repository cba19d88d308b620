//! Keys and scopes, users, conversations, integrations.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::{APP, APP_KEY, OWN_KEY, Sim};

fn token((id, secret): (&str, &str), algorithm: &str, scope: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": algorithm, "typ": "JWT", "kid": id }));
    let signed = format!("{header}.{}", part(json!({ "scope": scope })));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_key_opens_what_its_scope_allows() {
    let sim = Sim::start(&[]).await;
    let cases = [
        (APP_KEY, "", 200),
        (APP_KEY, "/switchboards", 200),
        (APP_KEY, "/integrations", 200),
        (OWN_KEY, "", 403),
        (OWN_KEY, "/switchboards", 403),
        (OWN_KEY, "/integrations", 403),
        (OWN_KEY, "/integrations/me/webhooks", 200),
        (OWN_KEY, "/users/nobody", 404),
        ((APP_KEY.0, "wrong"), "/users/nobody", 401),
        (("app_unknown", APP_KEY.1), "/users/nobody", 401),
    ];
    for (key, path, expected) in cases {
        sim.sign_in(key);
        assert_eq!(sim.get(path).await.0, expected, "{key:?} {path}");
    }
}

#[tokio::test]
async fn a_missing_key_and_a_foreign_app_are_told_apart() {
    let sim = Sim::start(&[]).await;
    let answer = sim.client.get(format!("{}/sc/v2/apps/{APP}/users/x", sim.base)).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({ "errors": [{ "code": "unauthorized", "title": "Authorization is required" }] }));

    let request = sim.client.get(format!("{}/v2/apps/other/users/x", sim.base));
    let answer = request.basic_auth(APP_KEY.0, Some(APP_KEY.1)).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap()["errors"][0]["code"], "app_not_found");
}

#[tokio::test]
async fn a_signed_token_counts_as_its_key() {
    let sim = Sim::start(&[]).await;
    let cases = [
        (token(APP_KEY, "HS256", "app"), 200),
        (token(OWN_KEY, "HS256", "integration"), 403),
        (token(APP_KEY, "HS256", "user"), 401),
        (token(APP_KEY, "none", "app"), 401),
        (token((APP_KEY.0, "wrong"), "HS256", "app"), 401),
        ("nonsense".to_owned(), 401),
    ];
    for (token, expected) in cases {
        let url = format!("{}/sc/v2/apps/{APP}/switchboards", sim.base);
        let answer = sim.client.get(url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{token}");
    }
}

#[tokio::test]
async fn a_user_exists_once_and_is_found_by_either_id() {
    let sim = Sim::start(&[]).await;
    assert_eq!(sim.get("/users/our%2Fuser").await.0, 404);
    let (status, made) = sim.post("/users", json!({ "externalId": "our/user" })).await;
    assert_eq!(status, 201);
    let id = made["user"]["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for name in [id, "our%2Fuser"] {
        assert_eq!(sim.get(&format!("/users/{name}")).await.1["user"]["id"], id);
    }
    let (status, refused) = sim.post("/users", json!({ "externalId": "our/user" })).await;
    assert_eq!((status, &refused["errors"][0]["code"]), (409, &json!("conflict")));
    for bad in [json!({}), json!({ "externalId": "x".repeat(1025) }), json!({ "externalId": 7 })] {
        assert_eq!(sim.post("/users", bad).await.0, 400);
    }
}

#[tokio::test]
async fn ids_follow_from_the_seed() {
    let mut ids = Vec::new();
    for seed in ["7", "7", "8"] {
        let sim = Sim::start(&["--seed", seed]).await;
        ids.push(sim.bridge("our-user").await);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn a_conversation_needs_known_participants_and_room() {
    let sim = Sim::start(&["--multi-convo-enabled", "false"]).await;
    let personal = |user: &str| json!({ "type": "personal", "participants": [{ "userId": user }] });
    assert_eq!(sim.post("/conversations", personal("nobody")).await.1["errors"][0]["code"], "user_not_found");
    assert_eq!(sim.post("/conversations", json!({ "type": "personal", "participants": [] })).await.0, 400);
    let (user, first) = sim.bridge("our-user").await;
    assert_eq!(sim.post("/conversations", personal(&user)).await.0, 403);
    let (status, refused) = sim.call(Method::DELETE, &format!("/conversations/{first}"), Value::Null).await;
    assert_eq!(status, 400);
    assert!(refused["errors"][0]["title"].as_str().unwrap().contains("default"));
}

#[tokio::test]
async fn a_conversation_is_found_by_its_user_and_its_metadata() {
    let sim = Sim::start(&[]).await;
    let (user, first) = sim.bridge("our-user").await;
    let second = sim.conversation_of(&user).await;
    let (_, found) = sim.get("/conversations?filter[userExternalId]=our-user").await;
    let ids: Vec<&str> =
        found["conversations"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [first.as_str(), second.as_str()]);
    assert_eq!(found["conversations"][0]["metadata"]["handoffId"], "h-1");
    assert_eq!(found["conversations"][0]["isDefault"], true);
    assert_eq!(found["conversations"][1]["isDefault"], false);
    assert_eq!(sim.call(Method::DELETE, &format!("/conversations/{second}"), Value::Null).await.0, 200);
    assert_eq!(
        sim.get(&format!("/conversations/{second}")).await.1["errors"][0]["code"],
        "conversation_not_found"
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let sim = Sim::start(&[]).await;
    let (user, _) = sim.bridge("our-user").await;
    for _ in 0..2 {
        sim.conversation_of(&user).await;
    }
    let (_, page) = sim.get(&format!("/conversations?filter[userId]={user}&page[size]=2")).await;
    assert_eq!(page["conversations"].as_array().unwrap().len(), 2);
    let after = page["meta"]["afterCursor"].as_str().unwrap();
    let (_, rest) =
        sim.get(&format!("/conversations?filter[userId]={user}&page[size]=2&page[after]={after}")).await;
    assert_eq!(rest["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(rest["meta"]["hasMore"], false);
    assert_eq!(sim.get(&format!("/conversations?filter[userId]={user}&page[size]=101")).await.0, 400);
}

#[tokio::test]
async fn an_integration_brings_its_webhook_and_its_keys() {
    let sim = Sim::start(&[]).await;
    let webhook = json!({ "target": "http://127.0.0.1:9/x", "triggers": ["conversation:message"] });
    let body = json!({ "type": "custom", "displayName": "Second", "webhooks": [webhook] });
    let (status, made) = sim.post("/integrations", body).await;
    assert_eq!(status, 201);
    let id = made["integration"]["id"].as_str().unwrap();
    assert_eq!(made["integration"]["webhooks"][0]["secret"].as_str().unwrap().len(), 32);
    let (status, key) = sim.post(&format!("/integrations/{id}/keys"), json!({ "displayName": "bot" })).await;
    assert_eq!(status, 201);
    assert!(key["key"]["id"].as_str().unwrap().starts_with("int_"));
    sim.sign_in((key["key"]["id"].as_str().unwrap(), key["key"]["secret"].as_str().unwrap()));
    assert_eq!(sim.get("/integrations/me/webhooks").await.1["webhooks"].as_array().unwrap().len(), 1);
    let bad = json!({ "target": "http://127.0.0.1:9/x", "triggers": ["conversation:dance"] });
    assert_eq!(sim.post("/integrations/me/webhooks", bad).await.0, 400);
}
