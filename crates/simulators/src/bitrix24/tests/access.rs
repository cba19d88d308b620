//! Who is let in, how often, and how tokens age.

use serde_json::{Value, json};

use super::support::{Portal, answered, portal};

const REVISION: &str = "imbot.v2.Revision.get";

async fn refresh(portal: &Portal, token: &str) -> (u16, Value) {
    let query = [
        ("grant_type", "refresh_token"),
        ("client_id", "local.65f0c0ffee0001.12345678"),
        ("client_secret", "simulatedclientsecret"),
        ("refresh_token", token),
    ];
    answered(portal.http.get(format!("{}/oauth/token/", portal.base)).query(&query)).await
}

#[tokio::test]
async fn wrong_credentials_are_refused_by_name() {
    let portal = portal("").await;
    let get = |path: &str| answered(portal.http.get(format!("{}{path}", portal.base)));
    let cases = [
        ("/rest/1/simulatedwebhook/imbot.v2.Revision.get", 200, ""),
        ("/rest/1/simulatedwebhook/imbot.v2.Revision.get.json", 200, ""),
        ("/rest/1/simulatedwebhook/IMBOT.V2.revision.get", 200, ""),
        ("/rest/1/simulatedwebhoo/imbot.v2.Revision.get", 401, "NO_AUTH_FOUND"),
        ("/rest/2/simulatedwebhook/imbot.v2.Revision.get", 401, "NO_AUTH_FOUND"),
        ("/rest/imbot.v2.Revision.get?auth=simulatedaccesstoken", 200, ""),
        ("/rest/imbot.v2.Revision.get?auth=other", 401, "NO_AUTH_FOUND"),
        ("/rest/imbot.v2.Revision.get", 401, "NO_AUTH_FOUND"),
        ("/rest/1/simulatedwebhook/imbot.v2.Nothing.get", 404, "ERROR_METHOD_NOT_FOUND"),
        ("/rest/1/simulatedwebhook/app.info", 403, "ACCESS_DENIED"),
        ("/rest/1/simulatedwebhook/event.get", 403, "WRONG_AUTH_TYPE"),
    ];
    for (path, status, code) in cases {
        let (found, answer) = get(path).await;
        assert_eq!((found, answer["error"].as_str().unwrap_or_default()), (status, code), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_missing_scope_closes_its_methods_only() {
    let portal = portal("--scope imopenlines,user").await;
    portal.refused(REVISION, json!({}), 403, "insufficient_scope").await;
    portal
        .refused("imopenlines.bot.session.operator", json!({ "CHAT_ID": 1 }), 403, "insufficient_scope")
        .await;
    assert_eq!(portal.ok("imopenlines.revision.get", json!({})).await["rest"], 2);
    assert_eq!(portal.ok("scope", json!({})).await, json!(["imopenlines", "user"]));
}

#[tokio::test]
async fn an_expired_token_is_exchanged_once() {
    let portal = portal("").await;
    portal.sim("tokens/expire", json!({})).await;
    let (status, answer) = portal.call_as("simulatedaccesstoken", REVISION, json!({})).await;
    assert_eq!((status, answer["error"].as_str()), (401, Some("expired_token")));

    let (status, pair) = refresh(&portal, "simulatedrefreshtoken").await;
    assert_eq!((status, &pair["user_id"], &pair["expires_in"]), (200, &json!(1), &json!(3600)));
    let (status, _) = portal.call_as(pair["access_token"].as_str().unwrap(), REVISION, json!({})).await;
    assert_eq!(status, 200);
    let (status, answer) = refresh(&portal, "simulatedrefreshtoken").await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
    let (status, _) = refresh(&portal, pair["refresh_token"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    let tokens = portal.look("inspect").await["tokens"].clone();
    assert_eq!(tokens, json!({ "refreshes": 2, "refusals": 1 }));
}

#[tokio::test]
async fn a_portal_may_let_refresh_tokens_be_used_again() {
    let portal = portal("--refresh-token-reuse").await;
    for _ in 0..2 {
        assert_eq!(refresh(&portal, "simulatedrefreshtoken").await.0, 200);
    }
}

#[tokio::test]
async fn an_access_token_ages_with_the_clock() {
    let portal = portal("--clock-factor 100000 --access-token-seconds 3600").await;
    let expired =
        async { while portal.call_as("simulatedaccesstoken", "server.time", json!({})).await.0 != 401 {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), expired).await.unwrap();
}

#[tokio::test]
async fn an_authorisation_code_gives_the_first_pair_once() {
    let portal = portal("").await;
    let code = portal.sim("oauth/code", json!({})).await["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "local.65f0c0ffee0001.12345678"),
        ("client_secret", "simulatedclientsecret"),
        ("code", code.as_str().unwrap()),
    ];
    let url = format!("{}/oauth/token/", portal.base);
    assert_eq!(answered(portal.http.post(&url).form(&form)).await.0, 200);
    let (status, answer) = answered(portal.http.post(&url).form(&form)).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
    let (status, answer) = answered(portal.http.post(&url).form(&[("client_id", "other")])).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_client")));
}

#[tokio::test]
async fn the_fifty_first_call_at_once_is_refused_before_it_does_anything() {
    let mut portal = portal("").await;
    portal.register().await;
    let (chat, _) = portal.says("Hello").await;
    portal.told().await;
    let mut refused = 0;
    for _ in 0..60 {
        let (status, answer) = portal.call(REVISION, json!({})).await;
        if status == 503 {
            assert_eq!(answer["error"], "QUERY_LIMIT_EXCEEDED");
            refused += 1;
        }
    }
    // 59 fit at most if leaking made room during a slow run; 49 fit at once.
    assert!(refused >= 1, "nothing was refused");
    portal
        .refused("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat }), 503, "QUERY_LIMIT_EXCEEDED")
        .await;
    assert_eq!(portal.desk().await["handoff_calls"], 0);
    portal.sim("settings", json!({ "enterprise": true })).await;
    portal.ok("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat })).await;
}

#[tokio::test]
async fn a_method_that_ran_too_long_is_blocked_alone() {
    let portal = portal("").await;
    portal.sim("method/block", json!({ "method": REVISION, "seconds": 600 })).await;
    portal.refused(REVISION, json!({}), 429, "OPERATION_TIME_LIMIT").await;
    portal.ok("server.time", json!({})).await;
}

#[tokio::test]
async fn a_portal_that_moved_answers_with_its_new_address() {
    let portal = portal("--moved-to https://new.example.com").await;
    let url = format!("{}/rest/1/simulatedwebhook/{REVISION}", portal.base);
    let answer = portal.http.post(url).json(&json!({})).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
    let target = format!("https://new.example.com/rest/1/simulatedwebhook/{REVISION}");
    assert_eq!(answer.headers()["location"], target.as_str());
}

#[tokio::test]
async fn faults_answer_in_the_platforms_own_words() {
    let portal = portal("").await;
    let faults = json!({ "faults": [
        { "path": "Revision", "kind": { "status": 503 } },
        { "path": "Revision", "kind": { "status": 401 } },
        { "path": "Revision", "kind": "html" },
    ] });
    portal.sim("faults", faults).await;
    portal.refused(REVISION, json!({}), 503, "QUERY_LIMIT_EXCEEDED").await;
    portal.refused(REVISION, json!({}), 401, "expired_token").await;
    let (status, page) = portal.call(REVISION, json!({})).await;
    assert!(status == 502 && page.as_str().unwrap().starts_with("<!doctype html>"), "{status} {page}");
    portal.ok(REVISION, json!({})).await;
}

#[tokio::test]
async fn a_reset_gives_a_fresh_portal() {
    let mut portal = portal("").await;
    portal.register().await;
    portal.says("Hello").await;
    portal.told().await;
    portal.sim("reset", json!({})).await;
    let state = portal.look("inspect").await;
    assert_eq!((&state["bots"], &state["live_agent"]["chats"]), (&json!({}), &json!([])));
}

#[tokio::test]
async fn a_wrong_setting_is_refused_with_a_sentence() {
    let portal = portal("").await;
    for patch in [json!({ "leave_n": "sometimes" }), json!({ "unknown": 1 }), json!(3)] {
        let (status, answer) = portal.sim_raw("settings", patch.clone()).await;
        assert_eq!(status, 400, "{patch}: {answer}");
    }
    assert_eq!(portal.sim("settings", json!({ "leave_n": "at_accept" })).await["leave_n"], "at_accept");
}
