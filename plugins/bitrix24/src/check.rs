//! Whether the portal is set up so that chats can come and leave.

use handoff_sdk::{
    Result,
    model::connector::{Check, Finding},
};
use serde_json::json;

use crate::{
    bot, bridge,
    client::Client,
    line::{self, Line},
    settings::BotApi,
    wire,
};

/// Most open channels that are looked at.
const MOST_LINES: usize = 20;

/// Looks at the webhook, the bot and the open channels.
///
/// # Errors
/// When the portal does not accept the webhook, or cannot be asked.
pub(crate) async fn check(client: &Client<'_>) -> Result<Check> {
    let settings = &client.portal.settings;
    let mut found = Check::default();
    if settings.has_application() {
        found.findings.extend(bridge::findings(&client.as_application()).await?);
    }
    let can_ask =
        settings.webhook_user_id > 0 || !found.findings.iter().any(|finding| !finding.only_a_warning);
    if settings.native && can_ask {
        found.findings.extend(of_bot(client).await?.findings);
    } else if can_ask {
        found.findings.extend(of_line(client).await?);
    }
    Ok(found)
}

/// The open channel that takes our own chats.
async fn of_line(client: &Client<'_>) -> Result<Vec<Finding>> {
    let Some(id) = client.portal.settings.line else { return Ok(Vec::new()) };
    Ok(match line::get(client, id, true).await? {
        Some(line) => about_people(&line).collect(),
        None => vec![no_line(id)],
    })
}

/// The chat bot and its open channels.
async fn of_bot(client: &Client<'_>) -> Result<Check> {
    let missing = missing(client, &BOT_SCOPES).await?;
    if !missing.is_empty() {
        return Ok(only(no_permission(&missing)));
    }
    if client.portal.settings.bot_api == BotApi::V2 {
        match client.read("imbot.v2.Revision.get", &json!({})).await {
            Err(failure) if failure.is("ERROR_METHOD_NOT_FOUND") => return Ok(only(too_old())),
            answered => answered?,
        };
    }
    let Some(bot) = bot::look(client).await? else { return Ok(only(no_bot(client))) };
    let mut findings = Vec::new();
    let mut heard = false;
    for (id, _) in line::list(client).await?.into_iter().take(MOST_LINES) {
        let Some(line) = line::get(client, id, true).await? else { continue };
        let is_ours = line.bot == Some(bot);
        heard |= is_ours && line.is_active;
        if is_ours {
            findings.extend(about_bot(&line));
        }
        if is_ours || client.portal.settings.line == Some(line.id) {
            findings.extend(about_people(&line));
        }
    }
    if !heard {
        findings.insert(0, nowhere(client));
    }
    if let Some(id) = client.portal.settings.line {
        findings.extend(line::get(client, id, true).await?.is_none().then(|| no_line(id)));
    }
    Ok(Check { findings })
}

/// Permissions without which the bot cannot work.
const BOT_SCOPES: [&str; 2] = ["imbot", "imopenlines"];

/// Which of these permissions the webhook or the application lacks.
pub(crate) async fn missing(client: &Client<'_>, wanted: &[&'static str]) -> Result<Vec<&'static str>> {
    let granted = client.read("scope", &json!({})).await?;
    let granted: Vec<&str> = wire::items(&granted).into_iter().map(wire::text).collect();
    Ok(wanted.iter().copied().filter(|scope| !granted.contains(scope)).collect())
}

fn no_permission(missing: &[&str]) -> Finding {
    wrong(
        format!(
            "The webhook or the application of the chat bot lacks the permissions {}.",
            missing.join(", ")
        ),
        "Applications > Developer resources > Integrations > the inbound webhook (or the local application): add them \
         and save; press Reinstall for an application.",
    )
}

fn only(finding: Finding) -> Check {
    Check { findings: vec![finding] }
}

pub(crate) fn wrong(problem: String, remedy: &str) -> Finding {
    Finding { only_a_warning: false, problem, remedy: remedy.to_owned() }
}

pub(crate) fn warning(problem: String, remedy: &str) -> Finding {
    Finding { only_a_warning: true, problem, remedy: remedy.to_owned() }
}

fn too_old() -> Finding {
    wrong(
        "The portal does not know the methods imbot.v2.".to_owned(),
        "Update the portal, and check that its module for chat bots is installed; or set bot_api to v1.",
    )
}

fn no_bot(client: &Client<'_>) -> Finding {
    wrong(
        format!("The chat bot {} is not registered on the portal.", client.portal.settings.bot_name),
        "Install the connection: that registers the bot.",
    )
}

fn nowhere(client: &Client<'_>) -> Finding {
    // Chats of our own channels reach the portal without it.
    let kind = if client.portal.settings.has_application() { warning } else { wrong };
    kind(
        format!("The chat bot {} is not chosen in any active open channel.", client.portal.settings.bot_name),
        "Contact Center > Open Channels > your open channel > Chat bots: switch the chat bot on, choose it, and \
         let it join every conversation (WELCOME_BOT_ENABLE, WELCOME_BOT_ID, WELCOME_BOT_JOIN).",
    )
}

fn no_line(id: u64) -> Finding {
    wrong(
        format!("There is no open channel with the number {id}."),
        "Set line to the number of an open channel of the portal, or leave it empty.",
    )
}

/// What the open channel does with its bot.
fn about_bot(line: &Line) -> impl Iterator<Item = Finding> {
    let Line { id, name, .. } = line;
    let stays = line.bot_stays.then(|| {
        warning(
            format!(
                "In the open channel {name} ({id}) the chat bot stays in a conversation until it is closed."
            ),
            "Contact Center > Open Channels > the open channel > Chat bots: let the chat bot leave when the \
             conversation is passed to a live agent (WELCOME_BOT_LEFT = queue).",
        )
    });
    let timed = line.bot_time.map(|seconds| {
        warning(
            format!("The open channel {name} ({id}) takes conversations from the chat bot after {seconds} seconds."),
            "Contact Center > Open Channels > the open channel > Chat bots: set the time until the conversation \
             is passed to live agents to 0 or to a long time (WELCOME_BOT_TIME).",
        )
    });
    stays.into_iter().chain(timed)
}

/// Who takes the conversations of an open channel.
fn about_people(line: &Line) -> impl Iterator<Item = Finding> {
    let Line { id, name, .. } = line;
    let empty = (line.live_agents == 0).then(|| {
        wrong(
            format!("Nobody is in the queue of the open channel {name} ({id})."),
            "Contact Center > Open Channels > the open channel > Queue: add at least one live agent (QUEUE).",
        )
    });
    let off = (!line.is_active).then(|| {
        wrong(
            format!("The open channel {name} ({id}) is switched off."),
            "Contact Center > Open Channels: switch the open channel on (ACTIVE).",
        )
    });
    empty.into_iter().chain(off)
}
