//! An administrator connects an account while the server runs: the form's way, by the API.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, CLOSED, WISH, support},
    server::Server,
    setup::Setup,
    visitor::Visitor,
    web::{Answer, send},
    zendesk::{KEY_SECRET, Zendesk},
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER};

const PATH: &str = "/v1/connections/zendesk";

async fn put(server: &Server, body: &Value) -> Result<Answer> {
    send(server.admin().request("PUT", PATH).json(body)).await
}

async fn removed(server: &Server) -> Result<Answer> {
    let revision = server.admin().get(PATH).await?["revision"].clone();
    send(server.admin().request("DELETE", &format!("{PATH}?revision={revision}"))).await
}

async fn findings(server: &Server) -> Result<Vec<Value>> {
    let looked = server.admin().post(&format!("{PATH}/check"), &Value::Null).await?;
    Ok(looked["findings"].as_array().cloned().unwrap_or_default())
}

/// The account without the secret of a webhook, and with a name that its switchboard does not know yet.
fn account(zendesk: &Zendesk) -> Value {
    let mut account = zendesk.connection();
    account["settings"]["integration_name"] = json!("fresh");
    account["secrets"] = json!({ "key_secret": KEY_SECRET });
    // Its secret is not set.
    account["settings"]["support_user"] = json!("admin@example.org");
    account
}

/// How many integrations, webhooks and places in the switchboard the account has.
async fn made(zendesk: &Zendesk) -> Result<(usize, usize, usize)> {
    let all = zendesk.look("inspect").await?;
    let integrations = all["integrations"].as_array().cloned().unwrap_or_default();
    let hooks = integrations.iter().map(|one| one["webhooks"].as_array().map_or(0, Vec::len)).sum();
    let members = all["switchboard_integrations"].as_array().map_or(0, Vec::len);
    Ok((integrations.len(), hooks, members))
}

#[tokio::test]
async fn an_account_is_connected_set_up_and_removed_while_the_server_runs() -> Result<()> {
    let zendesk = Zendesk::start(&FASTER).await?;
    let mut server = Server::start(Setup::new()?.with_clock_factor(FACTOR)).await?;

    // Everything that is wrong is said at once, each at its field, and nothing is stored.
    let mut wrong = account(&zendesk);
    wrong["settings"] = json!({ "base_url": "acme", "key_id": "a b", "subdomain": "acme" });
    wrong["secrets"] = json!({});
    let refused = put(&server, &wrong).await?;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let fields = refused.json()["fields"].to_string();
    for field in ["settings.app_id", "settings.subdomain", "secrets.key_secret"] {
        assert!(fields.contains(field), "{field}: {fields}");
    }
    let mut wrong = account(&zendesk);
    wrong["settings"]["base_url"] = json!("ftp://acme");
    let refused = put(&server, &wrong).await?.json();
    assert_eq!(refused["fields"][0]["field"], "settings.base_url", "the connector's own word: {refused}");
    assert_eq!(server.admin().get("/v1/connections").await?["connections"], json!([]));

    let added = put(&server, &account(&zendesk)).await?;
    assert_eq!(added.status, 200, "{}", added.text());
    assert!(!added.text().contains(KEY_SECRET), "a secret is never shown again");
    assert_eq!(added.json()["problems"], json!([]));
    assert_eq!(put(&server, &account(&zendesk)).await?.status, 422, "the name is taken");

    // What is missing stands there in words, and a secret that lacks hides nothing else.
    let missing = json!(findings(&server).await?).to_string();
    for word in ["no integration fresh", "Tickets cannot be made", "support_secret"] {
        assert!(missing.contains(word), "{word}: {missing}");
    }
    let told = server.cli(&["connection", "install", "zendesk"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    let after = made(&zendesk).await?;
    let again = server.admin().post(&format!("{PATH}/install"), &Value::Null).await?;
    assert_eq!(made(&zendesk).await?, after, "nothing is made twice: {again}");
    let left = findings(&server).await?;
    assert_eq!(left.len(), 1, "only the tickets: {left:?}");

    // What was made serves, also after the server was started again.
    server.kill9().await?;
    server.publish(&support("zendesk")).await?;
    server.restart().await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let chats = zendesk.until_chats("the chat", |chats| !chats.is_empty()).await?;
    zendesk.replies(&chats[0].id, "Maria here").await?;
    person.until_told("Maria here").await?;

    let refused = removed(&server).await?;
    assert_eq!(refused.status, 409, "{}", refused.text());
    zendesk.closes(&chats[0].id).await?;
    person.until_told(CLOSED).await?;
    let gone = removed(&server).await?;
    assert_eq!(gone.status, 204, "{}", gone.text());
    assert_eq!(server.admin().get("/v1/targets").await?["targets"], json!([]));
    assert_eq!(send(server.web().request("HEAD", "/webhooks/zendesk")).await?.status, 404);
    assert_eq!(server.files_with(KEY_SECRET)?, Vec::<std::path::PathBuf>::new(), "a secret lies open");
    Ok(())
}
