//! Makes what Zendesk needs to reach us: an integration with a webhook, and its place in the switchboard.
//!
//! Nothing is made twice: the integration is found by the switchboard's name for it or by the webhook's address, so
//! that an answer that got lost is found the next time. It takes a key of the app; one of an integration can keep its own
//! webhook only.

use handoff_sdk::{
    ConnectorError, Cx, Result,
    model::connector::{Install, Installed},
};
use serde_json::{Value, json};

use crate::{
    address::encoded,
    check::{EVENTS, members, switchboard},
    client::{Client, refused},
    support::entries,
    wire::{Member, text},
};

/// Where the webhook's own address is remembered, for the look over the account.
const ADDRESS: &str = "webhook_url";
/// Where it is remembered whether an assistant is to answer on the account's own channels.
const ANSWERS: &str = "answers";

/// Sets the account up when an operator asked for it; otherwise only remembers where we are reached.
pub(crate) async fn install(client: Client<'_>, install: &Install) -> Result<Installed> {
    let before = address(client.cx).await?;
    if before.as_deref() != Some(&install.webhook_url) {
        remember(client.cx, ADDRESS, &json!(install.webhook_url)).await?;
    }
    if install.answers.is_some() && install.answers != answers(client.cx).await? {
        remember(client.cx, ANSWERS, &json!(install.answers)).await?;
    }
    if !install.asked {
        return Ok(Installed::default());
    }
    let mut work = Work { client, target: &install.webhook_url, before, done: Installed::default() };
    let hook = match work.board().await? {
        Some(board) => work.whole(&board).await?,
        None => {
            work.note("The key belongs to an integration: its place in the switchboard has to be made in Admin Center.");
            work.hook("me").await?
        }
    };
    let secret = text(&hook, "secret");
    if !secret.is_empty() {
        work.done.secrets.insert("webhook_secret".to_owned(), secret);
    }
    Ok(work.done)
}

/// Where Zendesk reaches us, once the server said so.
pub(crate) async fn address(cx: &Cx) -> Result<Option<String>> {
    Ok(cx.kept(ADDRESS).await?.and_then(|kept| kept.value.as_str().map(str::to_owned)))
}

/// Whether an assistant is to answer on the account's own channels, once the server said so.
pub(crate) async fn answers(cx: &Cx) -> Result<Option<bool>> {
    Ok(cx.kept(ANSWERS).await?.and_then(|kept| kept.value.as_bool()))
}

async fn remember(cx: &Cx, slot: &str, value: &Value) -> Result<()> {
    let version = cx.kept(slot).await?.map_or(0, |kept| kept.version);
    // Whoever writes at the same time writes the same.
    cx.swap(slot, version, value).await.map(drop)
}

struct Work<'a> {
    client: Client<'a>,
    target: &'a str,
    before: Option<String>,
    done: Installed,
}

impl Work<'_> {
    fn note(&mut self, words: impl Into<String>) {
        self.done.notes.push(words.into());
    }

    /// The switchboard; none when the key may not see it.
    async fn board(&self) -> Result<Option<Value>> {
        let Some(boards) = switchboard(&self.client).await? else { return Ok(None) };
        let board = boards["switchboards"].get(0).cloned();
        let missing = || {
            refused("the app has no switchboard: turn on messaging and the Agent Workspace in Admin Center")
        };
        board.map(Some).ok_or_else(missing)
    }

    /// Integration, webhook and place in the switchboard.
    async fn whole(&mut self, board: &Value) -> Result<Value> {
        let board = text(board, "id");
        let all = members(&self.client, &board).await?.unwrap_or_default();
        let settings = self.client.settings;
        let named = |name: &str| {
            all.iter().find(|one| Member::read(one).is_some_and(|member| member.is(name))).cloned()
        };
        let Some(workspace) = named(&settings.target) else {
            let detail = format!(
                "the switchboard has no integration {}: turn on the Agent Workspace, or set target to its name",
                settings.target
            );
            return Err(refused(detail));
        };
        let next = text(&workspace, "id");
        if let Some(ours) = named(&settings.integration_name) {
            self.mend(&board, &ours, &next).await?;
            return self.hook(&text(&ours, "integrationId")).await;
        }
        let (integration, hook) = self.integration().await?;
        let member = json!({
            "name": settings.integration_name, "integrationId": integration,
            "deliverStandbyEvents": false, "nextSwitchboardIntegrationId": next,
        });
        let path = format!("/switchboards/{}/switchboardIntegrations", encoded(&board));
        self.client.post(&path, &member).await?.accept()?;
        self.note(format!("The switchboard has our integration now, as {}.", settings.integration_name));
        Ok(hook)
    }

    /// Our place in the switchboard: quiet while it is not our turn, and live agents next.
    async fn mend(&mut self, board: &str, ours: &Value, next: &str) -> Result<()> {
        if ours["deliverStandbyEvents"] == false && text(ours, "nextSwitchboardIntegrationId") == next {
            return Ok(());
        }
        let path = format!(
            "/switchboards/{}/switchboardIntegrations/{}",
            encoded(board),
            encoded(&text(ours, "id"))
        );
        let change = json!({ "deliverStandbyEvents": false, "nextSwitchboardIntegrationId": next });
        self.client.patch(&path, &change).await?.accept()?;
        self.note("Our integration hands on to live agents, and hears nothing while it is not its turn.");
        Ok(())
    }

    /// An integration of ours that is not in the switchboard yet, with its webhook.
    async fn integration(&mut self) -> Result<(String, Value)> {
        let all = self.client.get("/integrations?page%5Bsize%5D=100").await?.accept()?;
        let ours = entries(&all["integrations"])
            .iter()
            .find(|one| entries(&one["webhooks"]).iter().any(|hook| text(hook, "target") == self.target));
        if let Some(ours) = ours {
            let id = text(ours, "id");
            let hook = self.hook(&id).await?;
            return Ok((id, hook));
        }
        let name = format!("Handoff {}", self.client.settings.owner);
        let wanted = json!({ "type": "custom", "displayName": name, "webhooks": [webhook(self.target)] });
        let made = self.client.post("/integrations", &wanted).await?.accept()?;
        self.note(format!("The integration {name:?} was made, with its webhook."));
        let hook = made["integration"]["webhooks"].get(0).cloned().unwrap_or_default();
        Ok((text(&made["integration"], "id"), hook))
    }

    /// The webhook of an integration that leads to us: as it is, told of more events, moved, or made.
    async fn hook(&mut self, integration: &str) -> Result<Value> {
        let path = format!("/integrations/{}/webhooks", encoded(integration));
        let known = self.client.get(&path).await?.accept()?;
        let hooks = entries(&known["webhooks"]);
        let at = |address: &str| hooks.iter().find(|hook| text(hook, "target") == address);
        let moved = self.before.as_deref().and_then(at);
        let Some(hook) = at(self.target).or(moved) else {
            let made = self.client.post(&path, &webhook(self.target)).await?.accept()?;
            self.note("A webhook was made that leads to this server.");
            if !hooks.is_empty() {
                self.note("Another webhook of the integration leads elsewhere; delete it in Admin Center if nobody needs it.");
            }
            return Ok(made["webhook"].clone());
        };
        let heard: Vec<_> = entries(&hook["triggers"]).iter().filter_map(Value::as_str).collect();
        let lacks = EVENTS.iter().any(|event| !heard.contains(event));
        if !lacks && text(hook, "target") == self.target {
            self.note("The webhook is there already.");
            return Ok(hook.clone());
        }
        let mut triggers = heard.clone();
        triggers.extend(EVENTS.iter().filter(|event| !heard.contains(event)));
        let change = json!({ "target": self.target, "triggers": triggers });
        let path = format!("{path}/{}", encoded(&text(hook, "id")));
        let changed = self.client.patch(&path, &change).await?.accept()?;
        self.note("The webhook is told of everything that is needed, and leads to this server.");
        Ok(changed["webhook"].clone())
    }
}

fn webhook(target: &str) -> Value {
    json!({ "target": target, "triggers": EVENTS, "includeFullUser": false, "includeFullSource": false })
}

/// A refusal by the key's scope, in words that say what to do.
pub(crate) fn explained(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Unauthorised { detail } => ConnectorError::Unauthorised {
            detail: format!(
                "Zendesk says {detail}. Look at app id, key id and key secret: they are made in Admin Center under Apps and \
                 integrations, APIs, Conversations API. Keys of the Support API do not work here"
            ),
        },
        error => error,
    }
}
