//! Looks over the account: does the key work, and is everything set up that a handoff needs?
//!
//! How much can be seen depends on the key: one of the app sees all, one of an integration neither
//! the app nor the switchboard.

mod brand;
mod responder;

use handoff_sdk::{
    Result,
    model::connector::{Check, Finding},
};
use serde_json::Value;

use crate::{
    address::encoded,
    client::{Answer, Client},
    install,
    support::{Support, entries},
    wire::{Member, text},
};

/// Everything that a webhook of ours is to be told of.
pub(crate) const EVENTS: [&str; 11] = [
    "conversation:create",
    "conversation:message",
    "conversation:message:delivery:failure",
    "conversation:postback",
    "conversation:remove",
    "switchboard:acceptControl",
    "switchboard:offerControl",
    "switchboard:passControl",
    "switchboard:passControl:failure",
    "switchboard:releaseControl",
    "user:merge",
];
/// Events without which answers of live agents do not reach us.
const NEEDED: [&str; 1] = ["conversation:message"];
/// Events without which some things are noticed late or never.
const WANTED: [&str; 8] = [
    "conversation:message:delivery:failure",
    "conversation:postback",
    "conversation:remove",
    "switchboard:acceptControl",
    "switchboard:passControl",
    "switchboard:passControl:failure",
    "switchboard:releaseControl",
    "user:merge",
];
/// Where integrations and their webhooks are.
const INTEGRATIONS: &str = "Admin Center, Apps and integrations, Integrations, Conversations integrations";
/// Where the switchboard can be changed: Admin Center shows little of it.
const SWITCHBOARD: &str = "Press “Set it up there” on this connection's page (handoff connection install), or change it with the \
                           Conversations API";

/// Proves the credentials and the set-up. Only reads.
pub(crate) async fn check(client: Client<'_>) -> Result<Check> {
    let mut findings = Vec::new();
    let app = client.get("").await.map_err(install::explained)?;
    if app.status == 403 {
        prove_narrow_key(&client).await.map_err(install::explained)?;
        findings.push(warning(
            "The key belongs to an integration and cannot see the app's set-up.",
            "Check with a key of the app once, or compare app and switchboard with the setup guide.",
        ));
        findings.extend(webhooks(&client, "me").await?);
    } else if app.status == 404 {
        let remedy = "Copy the app id again: Admin Center, Apps and integrations, APIs, Conversations API.";
        findings.push(error(&app.words(), remedy));
        return Ok(Check { findings });
    } else {
        findings.extend(several_conversations(&app.accept()?));
        findings.extend(board(&client).await?);
    }
    match tickets(&client).await {
        Some(finding) => findings.push(finding),
        None => findings.extend(brand::check(&client).await),
    }
    Ok(Check { findings })
}

/// Whether the Support API lets us in, when it is to be used.
async fn tickets(client: &Client<'_>) -> Option<Finding> {
    let support = Support::new(client.cx, client.settings).ok()?;
    let problem = match support.get("/tickets?external_id=handoff%3A-").await {
        Ok(answer) if answer.is_success() => return None,
        Ok(answer) => answer.words(),
        // Also when the secret is not set: chats can leave all the same.
        Err(error) => error.to_string(),
    };
    Some(warning(
        &format!("Tickets cannot be made: {problem}"),
        "Look at support_url, support_client or support_user, and the secret support_secret (Admin Center, Apps and \
         integrations, APIs, OAuth clients). Keys of the Conversations API do not work there.",
    ))
}

/// A user that is not there can be asked for with any key.
async fn prove_narrow_key(client: &Client<'_>) -> Result<()> {
    let nobody = encoded(&format!("{}-", client.settings.owner));
    let answer = client.get(&format!("/users/{nobody}")).await?;
    if answer.is_missing() { Ok(()) } else { answer.accept().map(|_| ()) }
}

fn several_conversations(app: &Value) -> Option<Finding> {
    let several = app["app"]["settings"]["multiConvoEnabled"].as_bool() == Some(true);
    (!several).then(|| {
        warning(
            "A person can have one conversation only: every later chat goes on in the first one, under its ticket.",
            "Turn on Multi-conversations: Admin Center, Channels, Messaging, Settings. It cannot be turned off again.",
        )
    })
}

/// The app's switchboards; none when this key may not see them.
pub(crate) async fn switchboard(client: &Client<'_>) -> Result<Option<Value>> {
    seen(client.get("/switchboards").await?)
}

/// The integrations in a switchboard; none when this key may not see them.
pub(crate) async fn members(client: &Client<'_>, board: &str) -> Result<Option<Vec<Value>>> {
    let path = format!("/switchboards/{}/switchboardIntegrations", encoded(board));
    let seen = seen(client.get(&path).await?)?;
    Ok(seen.map(|members| entries(&members["switchboardIntegrations"]).to_vec()))
}

async fn board(client: &Client<'_>) -> Result<Vec<Finding>> {
    let Some(boards) = switchboard(client).await? else { return Ok(vec![unseen()]) };
    let Some(board) = boards["switchboards"].get(0) else {
        let remedy = "Turn on messaging and the Agent Workspace: Admin Center, Workspaces, Agent tools, Agent interface.";
        return Ok(vec![error("The app has no switchboard.", remedy)]);
    };
    let mut findings = Vec::new();
    if board["enabled"].as_bool() == Some(false) {
        findings.push(error(
            "The switchboard is turned off.",
            "Turn the switchboard on with the Conversations API: without it nobody has control.",
        ));
    }
    let Some(members) = members(client, &text(board, "id")).await? else { return Ok(vec![unseen()]) };
    let target = member("target", &client.settings.target, &members);
    match member("integration_name", &client.settings.integration_name, &members) {
        Ok(ours) => {
            findings.extend(place(ours, target.as_ref().ok().copied()));
            findings.extend(webhooks(client, &text(ours, "integrationId")).await?);
            if let Some(answers) = install::answers(client.cx).await? {
                let board = responder::Board { board, members: &members, ours };
                findings.extend(responder::check(client, &board, answers).await?);
            }
        }
        Err(finding) => findings.push(finding),
    }
    findings.extend(target.err());
    Ok(findings)
}

/// How our integration stands in the switchboard.
fn place(ours: &Value, target: Option<&Value>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if ours["deliverStandbyEvents"] == true {
        findings.push(warning(
            "Our integration gets standby events: it is told of every chat of the account (deliverStandbyEvents).",
            &format!("{SWITCHBOARD}: deliverStandbyEvents false."),
        ));
    }
    let next = text(ours, "nextSwitchboardIntegrationId");
    if let Some(target) = target.filter(|target| text(target, "id") != next) {
        let name = text(target, "name");
        let says =
            if next.is_empty() { "names nobody to follow it" } else { "is not followed by live agents" };
        findings.push(warning(
            &format!("Our integration {says} in the switchboard (nextSwitchboardIntegrationId)."),
            &format!("{SWITCHBOARD}: next {name}."),
        ));
    }
    findings
}

fn member<'a>(setting: &str, name: &str, members: &'a [Value]) -> std::result::Result<&'a Value, Finding> {
    let is_it = |member: &&Value| Member::read(member).is_some_and(|member| member.is(name));
    members.iter().find(is_it).ok_or_else(|| {
        let names: Vec<_> = members.iter().map(|member| text(member, "name")).collect();
        let problem = format!("The switchboard has no integration {name}; it has {}.", names.join(", "));
        let how = match setting {
            "integration_name" => "Press “Set it up there” on this connection's page, which adds it,",
            _ => "Turn on the Agent Workspace,",
        };
        error(&problem, &format!("{how} or set {setting} to one of these names."))
    })
}

async fn webhooks(client: &Client<'_>, integration: &str) -> Result<Vec<Finding>> {
    let path = format!("/integrations/{}/webhooks", encoded(integration));
    let answer = client.get(&path).await?;
    if answer.is_missing() {
        return Ok(Vec::new());
    }
    let Some(body) = seen(answer)? else { return Ok(vec![unseen()]) };
    let hooks = entries(&body["webhooks"]);
    let ours = install::address(client.cx).await?;
    let leads_here = |hook: &&Value| ours.as_ref().is_none_or(|ours| text(hook, "target") == *ours);
    let Some(hook) = hooks.iter().find(leads_here) else {
        let problem = match hooks.first() {
            None => "Our integration has no webhook: answers of live agents cannot reach us.".to_owned(),
            Some(hook) => format!(
                "The webhook of our integration leads to {}: answers of live agents cannot reach us.",
                text(hook, "target")
            ),
        };
        let address = ours.unwrap_or_else(|| "this connection's webhook address".to_owned());
        let remedy =
            format!("{INTEGRATIONS}: set the webhook's address to {address}. Or press “Set it up there”.");
        return Ok(vec![error(&problem, &remedy)]);
    };
    let heard: Vec<_> = entries(&hook["triggers"]).iter().filter_map(Value::as_str).collect();
    let missing = |events: &[&str]| {
        let missing: Vec<_> = events.iter().copied().filter(|event| !heard.contains(event)).collect();
        (!missing.is_empty())
            .then(|| format!("The webhook of our integration is not told of {}.", missing.join(", ")))
    };
    let remedy = format!("{INTEGRATIONS}: add these events to the webhook. Or press “Set it up there”.");
    let needed = missing(&NEEDED).map(|problem| error(&problem, &remedy));
    let wanted = missing(&WANTED).map(|problem| warning(&problem, &remedy));
    Ok(needed.into_iter().chain(wanted).chain(secret(client, hook).await?).collect())
}

/// Whether we know the secret with which the webhook proves itself.
async fn secret(client: &Client<'_>, hook: &Value) -> Result<Option<Finding>> {
    let used = text(hook, "secret");
    if used.is_empty() {
        return Ok(None);
    }
    for name in ["webhook_secret", "webhook_secret_next"] {
        if client.cx.secret_matches(name, &used).await? {
            return Ok(None);
        }
    }
    let remedy = format!(
        "Copy its shared secret from {INTEGRATIONS} into webhook_secret. Or press “Set it up there”."
    );
    Ok(Some(error(
        "The webhook's secret is not the one that is stored here: its events are refused.",
        &remedy,
    )))
}

/// The body, or none when this key may not see it.
fn seen(answer: Answer) -> Result<Option<Value>> {
    if answer.status == 403 { Ok(None) } else { answer.accept().map(Some) }
}

fn unseen() -> Finding {
    warning(
        "The key cannot see the switchboard.",
        "Check with a key of the app once, or compare with the setup guide.",
    )
}

fn warning(problem: &str, remedy: &str) -> Finding {
    Finding { only_a_warning: true, problem: problem.to_owned(), remedy: remedy.to_owned() }
}

fn error(problem: &str, remedy: &str) -> Finding {
    Finding { only_a_warning: false, problem: problem.to_owned(), remedy: remedy.to_owned() }
}
