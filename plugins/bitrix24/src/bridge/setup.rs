//! The connector on the portal: registered, told of events, switched on for its open channel.
//!
//! Everything here may be repeated. Bindings are lost when the application is installed anew, so
//! that every start of the server binds again.

use handoff_sdk::{ConnectorError, Result, model::connector::Finding, tracing::info};
use serde_json::{Value, json};

use crate::{
    answer::Failure,
    bot,
    check::{self, warning, wrong},
    client::Client,
    line, oauth, wire,
};

/// The events that the connector lives from.
pub(crate) const EVENTS: [&str; 8] = [
    "ONIMCONNECTORMESSAGEADD",
    "ONIMCONNECTORMESSAGEUPDATE",
    "ONIMCONNECTORMESSAGEDELETE",
    "ONIMCONNECTORDIALOGSTART",
    "ONIMCONNECTORDIALOGFINISH",
    "ONIMCONNECTORSTATUSDELETE",
    "ONIMCONNECTORLINEDELETE",
    "ONAPPUNINSTALL",
];

/// Permissions without which the route does not work.
const SCOPES: [&str; 3] = ["imopenlines", "imconnector", "im"];

/// A speech bubble.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E\
                    %3Cpath fill='%23fff' d='M4 4h16v12H9l-5 4z'/%3E%3C/svg%3E";

/// Registers the connector, binds its events and switches it on for the line of the settings.
pub(crate) async fn set_up(client: &Client<'_>, webhook_url: &str) -> Result<Vec<String>> {
    let settings = &client.portal.settings;
    let body = json!({
        "ID": settings.connector_code, "NAME": settings.connector_name,
        "ICON": { "DATA_IMAGE": ICON, "COLOR": "#2a6fdb" },
        "PLACEMENT_HANDLER": format!("{webhook_url}/connector"),
        "NEED_SIGNATURE": false, "NEED_SYSTEM_MESSAGES": true, "CHAT_GROUP": false,
        "DEL_EXTERNAL_MESSAGES": true, "EDIT_INTERNAL_MESSAGES": true, "DEL_INTERNAL_MESSAGES": true,
    });
    let answer = client.act("imconnector.register", &body).await?;
    if !wire::is_yes(&answer["result"]) {
        let detail = format!("the connector was not registered: {}", wire::text(&answer["error"]));
        return Err(ConnectorError::Refused { detail });
    }
    bind(client, webhook_url).await?;
    let mut notes = vec![format!("The connector {} is registered on Bitrix24.", settings.connector_name)];
    match settings.line {
        Some(line) => {
            switch_on(client, line).await?;
            notes.push(format!("It is switched on for the open channel {line}."));
        }
        None => {
            notes.push("Choose its open channel in Contact Center, or set line in the connection.".to_owned())
        }
    }
    info!("The connector is set up on Bitrix24");
    Ok(notes)
}

async fn bind(client: &Client<'_>, handler: &str) -> Result<()> {
    let bound = client.read("event.get", &json!({})).await?;
    let bound = wire::items(&bound);
    for event in EVENTS {
        let same = |row: &&&Value| {
            wire::text(&row["event"]).eq_ignore_ascii_case(event) && wire::text(&row["handler"]) == handler
        };
        if bound.iter().any(|row| same(&row)) {
            continue;
        }
        match client.act("event.bind", &json!({ "event": event, "handler": handler })).await {
            // "Handler already binded": somebody was faster.
            Err(failure) if failure.is("ERROR_CORE") => {}
            answered => drop(answered?),
        }
    }
    Ok(())
}

/// Switches the connector on for an open channel.
pub(crate) async fn switch_on(client: &Client<'_>, line: u64) -> Result<(), Failure> {
    let connector = &client.portal.settings.connector_code;
    client
        .act("imconnector.activate", &json!({ "CONNECTOR": connector, "LINE": line, "ACTIVE": "1" }))
        .await?;
    let data = json!({ "ID": format!("{connector}_{line}"), "NAME": client.portal.settings.connector_name });
    let body = json!({ "CONNECTOR": connector, "LINE": line, "DATA": data });
    client.act("imconnector.connector.data.set", &body).await?;
    Ok(())
}

/// What is missing for chats of ours to reach the open channel.
pub(crate) async fn findings(client: &Client<'_>) -> Result<Vec<Finding>> {
    match oauth::grant(client.cx).await? {
        Some(grant) if !grant.removed => {}
        known => return Ok(vec![not_installed(known.is_some())]),
    }
    let mut findings = Vec::new();
    let app = client.read("app.info", &json!({})).await?;
    if !wire::is_yes(&app["INSTALLED"]) {
        findings.push(wrong(
            "The application's installation on the portal was never finished, so that no events come.".to_owned(),
            "Developer resources > Integrations > the application: tick *script only*, save, and press Reinstall.",
        ));
    }
    let missing = check::missing(client, &SCOPES).await?;
    if !missing.is_empty() {
        findings.push(wrong(
            format!("The application lacks the permissions {}.", missing.join(", ")),
            "Developer resources > Integrations > the application: add them, save, and press Reinstall.",
        ));
        return Ok(findings);
    }
    if let Some(line) = client.portal.settings.line {
        findings.extend(about_line(client, line).await?);
    }
    Ok(findings)
}

async fn about_line(client: &Client<'_>, line: u64) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let body = json!({ "CONNECTOR": client.portal.settings.connector_code, "LINE": line });
    let status = client.read("imconnector.status", &body).await?;
    if !wire::is_yes(&status["STATUS"]) || wire::is_yes(&status["ERROR"]) {
        findings.push(wrong(
            format!("The connector is not switched on for the open channel {line}."),
            "Install the connection again, or choose the open channel in Contact Center > our connector.",
        ));
    }
    // Our own passes such a session on at once.
    let ours = bot::remembered_number(client.cx).await;
    let greets = line::get(client, line, true).await?.and_then(|line| line.bot);
    if greets.is_some_and(|bot| Some(bot) != ours) {
        findings.push(warning(
            format!("A chat bot greets in the open channel {line}: whoever comes from our assistant meets it first."),
            "Take an open channel of its own, without a chat bot (WELCOME_BOT_ENABLE = N).",
        ));
    }
    Ok(findings)
}

fn not_installed(before: bool) -> Finding {
    let problem = match before {
        true => "The local application was removed from the portal.",
        false => "The local application is not installed on the portal.",
    };
    wrong(
        problem.to_owned(),
        "Developer resources > Other > Local application: tick *script only*, give this connection's webhook \
         address as handler and as path of the first installation, add the permissions imopenlines, imconnector, im \
         and user, and put its client_id and client_secret into the connection. Then save or press Reinstall.",
    )
}
