//! `handoff check`: the configuration, the plugin files, and every account on its platform.

use std::{process::ExitCode, time::Duration};

use handoff_core::{
    plugins::FileState,
    runtime::AssistantError,
    world::{Call, CallError, Connectors},
};
use handoff_model::{
    ConnectionId,
    connector::{Check, ConnectorError},
};
use serde::Serialize;
use serde_json::Value;

use super::{found, say, say_json};
use crate::{
    compose::{self, Host, Role},
    config::Config,
};

/// Longest time for one account.
const LONGEST: Duration = Duration::from_secs(60);

/// One line of the outcome.
#[derive(Serialize)]
pub(super) struct Line {
    about: String,
    /// `ok`, `warning` or `problem`.
    kind: &'static str,
    text: String,
}

pub(crate) async fn run(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let host = compose::host(config, Role::Command, "").await?;
    let mut lines = vec![line("configuration", "ok", "can be read")];
    keys(config, &mut lines);
    parts(config, &host, &mut lines).await?;
    print(&lines, json)
}

/// Plugin files, assistants and accounts.
pub(super) async fn parts(config: &Config, host: &Host, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    files(host, lines);
    for standing in host.book.list() {
        account(host, &standing.entry.id, lines).await;
    }
    assistants(config, host, lines).await
}

/// Prints all lines; the exit code says whether one of them is a problem.
pub(super) fn print(lines: &[Line], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        say_json(&lines)?;
    } else {
        for Line { about, kind, text } in lines {
            say(format!("{kind:<8} {about}: {text}"));
        }
    }
    let bad = lines.iter().any(|line| line.kind == "problem");
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(super) fn keys(config: &Config, lines: &mut Vec<Line>) {
    if let Err(error) = super::serve::keys(config) {
        lines.push(line("API keys", "problem", &format!("{error:#}")));
    }
}

/// Whether every channel has an assistant that can run under this configuration.
async fn assistants(config: &Config, host: &Host, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    let own = config.channels.iter().map(|(id, channel)| (format!("channel {id}"), &channel.assistant));
    let connections = host.book.list();
    let theirs = connections.iter().map(|standing| &standing.entry).filter(|entry| entry.assistant.is_some());
    let theirs = theirs.map(|entry| (format!("channel of connection {}", entry.id), &entry.assistant));
    for (about, assistant) in own.chain(theirs) {
        let Some(assistant) = assistant else {
            lines.push(line(&about, "warning", "no assistant serves it"));
            continue;
        };
        let row = host.store.assistant(assistant).await?;
        let Some(number) = row.as_ref().and_then(|row| row.published) else {
            let text = format!(
                "its assistant {assistant} is not published; handoff assistant import FILE --publish"
            );
            lines.push(line(&about, "warning", &text));
            continue;
        };
        let Some(version) = host.store.version(assistant, number).await? else { continue };
        match host.runtime.look_over_assistant(&version.definition).await {
            Ok((_, findings)) if findings.iter().all(|finding| finding.only_a_warning) => {
                lines.push(line(&about, "ok", &format!("served by version {number} of {assistant}")));
            }
            Ok((_, findings)) | Err(AssistantError::Invalid(findings)) => {
                let errors = findings.iter().filter(|finding| !finding.only_a_warning);
                lines.extend(
                    errors.map(|finding| line(&about, "problem", &format!("{assistant}: {finding}"))),
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn files(host: &Host, lines: &mut Vec<Line>) {
    for file in host.registry.report() {
        let kind = match file.state {
            FileState::Loaded => "ok",
            FileState::Ignored { .. } => "warning",
            FileState::Refused(ref refusal) if refusal.stage.is_wished() => "warning",
            FileState::Refused(_) => "problem",
        };
        lines.push(line("plugins", kind, &file.to_string()));
    }
}

async fn account(host: &Host, id: &ConnectionId, lines: &mut Vec<Line>) {
    let about = format!("connection {id}");
    let call = Call { verb: "check", request: Value::Null, deadline: LONGEST, checkpoints: None };
    let answer = host.registry.call(id, call).await;
    match answer.map(serde_json::from_value::<Check>) {
        Ok(Ok(check)) if check.findings.is_empty() => lines.push(line(&about, "ok", "the account is set up")),
        Ok(Ok(check)) => {
            for finding in check.findings {
                let kind = if finding.only_a_warning { "warning" } else { "problem" };
                lines.push(line(&about, kind, &found(&finding.problem, &finding.remedy)));
            }
        }
        Ok(Err(error)) => {
            lines.push(line(&about, "problem", &format!("the connector's answer cannot be read: {error}")))
        }
        Err(CallError::Connector(ConnectorError::Unsupported { .. })) => {
            lines.push(line(&about, "ok", "its connector has nothing to check"));
        }
        Err(error) => lines.push(line(&about, "problem", &error.to_string())),
    }
}

pub(super) fn line(about: &str, kind: &'static str, text: &str) -> Line {
    Line { about: about.to_owned(), kind, text: text.to_owned() }
}
