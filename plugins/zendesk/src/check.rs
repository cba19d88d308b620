//! Looks over the account: does the key work, and is everything set up that a handoff needs?
//!
//! How much can be seen depends on the key: one of the app sees all, one of an integration neither
//! the app nor the switchboard.

use handoff_sdk::{
    ConnectorError, Result,
    model::connector::{Check, Finding},
};
use serde_json::Value;

use crate::{
    address::encoded,
    client::{Answer, Client},
    support::Support,
    wire::{Member, text},
};

/// Events without which answers of live agents, or the end of a chat, do not reach us.
const NEEDED: [&str; 1] = ["conversation:message"];
/// Events without which some things are noticed late or never.
const WANTED: [&str; 5] = [
    "conversation:remove",
    "switchboard:acceptControl",
    "switchboard:passControl",
    "switchboard:releaseControl",
    "user:merge",
];

/// Proves the credentials and the set-up. Only reads.
pub(crate) async fn check(client: Client<'_>) -> Result<Check> {
    let mut findings = Vec::new();
    let app = client.get("").await?;
    if app.status == 403 {
        prove_narrow_key(&client).await?;
        findings.push(warning(
            "The key belongs to an integration and cannot see the app's set-up.",
            "Check with a key of the app once, or compare app and switchboard with the setup guide.",
        ));
    } else if app.status == 404 {
        findings.push(error(&app.words(), "Copy the app id again from Admin Center, Conversations API."));
        return Ok(Check { findings });
    } else {
        findings.extend(several_conversations(&app.accept()?));
        findings.extend(switchboard(&client).await?);
    }
    findings.extend(tickets(&client).await?);
    Ok(Check { findings })
}

/// Whether the Support API lets us in, when it is to be used.
async fn tickets(client: &Client<'_>) -> Result<Option<Finding>> {
    let Ok(support) = Support::new(client.cx, client.settings) else { return Ok(None) };
    let problem = match support.get("/tickets?external_id=handoff%3A-").await {
        Ok(answer) if answer.is_success() => return Ok(None),
        Ok(answer) => answer.words(),
        Err(error @ ConnectorError::Unauthorised { .. }) => error.to_string(),
        Err(error) => return Err(error),
    };
    Ok(Some(warning(
        &format!("Tickets cannot be made: {problem}"),
        "Look at support_url, support_client or support_user, and the secret support_secret. Keys of the \
         Conversations API do not work there.",
    )))
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
            "Turn on multi-conversations in Admin Center, Messaging settings. It cannot be turned off again.",
        )
    })
}

async fn switchboard(client: &Client<'_>) -> Result<Vec<Finding>> {
    let Some(boards) = seen(client.get("/switchboards").await?)? else { return Ok(vec![unseen()]) };
    let Some(board) = boards["switchboards"].get(0) else {
        return Ok(vec![error("The app has no switchboard.", "Turn on messaging and the Agent Workspace.")]);
    };
    let mut findings = Vec::new();
    if board["enabled"].as_bool() == Some(false) {
        findings.push(error(
            "The switchboard is turned off.",
            "Turn the switchboard on: without it nobody has control.",
        ));
    }
    let path = format!("/switchboards/{}/switchboardIntegrations", encoded(&text(board, "id")));
    let Some(members) = seen(client.get(&path).await?)? else { return Ok(vec![unseen()]) };
    let members = members["switchboardIntegrations"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.extend(member("target", &client.settings.target, members).err());
    match member("integration_name", &client.settings.integration_name, members) {
        Ok(ours) => findings.extend(webhooks(client, &text(ours, "integrationId")).await?),
        Err(finding) => findings.push(finding),
    }
    Ok(findings)
}

fn member<'a>(setting: &str, name: &str, members: &'a [Value]) -> std::result::Result<&'a Value, Finding> {
    let is_it = |member: &&Value| Member::read(member).is_some_and(|member| member.is(name));
    members.iter().find(is_it).ok_or_else(|| {
        let names: Vec<_> = members.iter().map(|member| text(member, "name")).collect();
        let problem = format!("The switchboard has no integration {name}; it has {}.", names.join(", "));
        error(
            &problem,
            &format!("Set {setting} to one of these names, or add the integration to the switchboard."),
        )
    })
}

async fn webhooks(client: &Client<'_>, integration: &str) -> Result<Vec<Finding>> {
    let path = format!("/integrations/{}/webhooks", encoded(integration));
    let answer = client.get(&path).await?;
    if answer.is_missing() {
        return Ok(Vec::new());
    }
    let Some(body) = seen(answer)? else { return Ok(vec![unseen()]) };
    let hooks = body["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if hooks.is_empty() {
        let remedy = "Add this connection's webhook address to our integration in Admin Center.";
        return Ok(vec![error(
            "Our integration has no webhook: answers of live agents cannot reach us.",
            remedy,
        )]);
    }
    let heard: Vec<_> = hooks
        .iter()
        .filter_map(|hook| hook["triggers"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let missing = |events: &[&str]| {
        let missing: Vec<_> = events.iter().copied().filter(|event| !heard.contains(event)).collect();
        (!missing.is_empty())
            .then(|| format!("The webhook of our integration is not told of {}.", missing.join(", ")))
    };
    let remedy = "Add these events to the webhook's triggers.";
    let needed = missing(&NEEDED).map(|problem| error(&problem, remedy));
    let wanted = missing(&WANTED).map(|problem| warning(&problem, remedy));
    Ok(needed.into_iter().chain(wanted).collect())
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
