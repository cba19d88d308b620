//! `handoff connection …`: accounts on platforms, asked of the running server.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;

use super::{found, live, say, say_json};
use crate::config::Config;

/// What to do with connections. The server has to run: it serves them.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists connections and what keeps them from working.
    List,
    /// Looks over an account on its platform. Only reads.
    Check {
        /// The connection.
        id: String,
    },
    /// Makes what the platform needs to reach this server, and keeps the secrets that it gives. May be repeated.
    Install {
        /// The connection.
        id: String,
    },
    /// Removes a connection that was added in the console or by the API, once its handoffs are at their end.
    Remove {
        /// The connection.
        id: String,
    },
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List => list(config, json).await,
        Verb::Check { id } => check(config, id, json).await,
        Verb::Install { id } => {
            let done = live::tell(config, &format!("/v1/connections/{id}/install"), None).await?;
            if json {
                say_json(&done)?;
            } else {
                strings(&done["notes"]).for_each(say);
                say(format!("connection {id} is set up"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Remove { id } => {
            let known = live::read(config, &format!("/v1/connections/{id}")).await?;
            let revision = known["revision"].as_u64().context("the server's answer cannot be read")?;
            live::delete(config, &format!("/v1/connections/{id}?revision={revision}")).await?;
            say(format!("connection {id} is removed"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let all = live::read(config, "/v1/connections").await?;
    if json {
        say_json(&all["connections"])?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in all["connections"].as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let place = if one["in_file"] == true { ", in the configuration file" } else { "" };
        say(format!("{:<16} {}{place}, webhook {}", text("id"), text("connector"), text("webhook_url")));
        strings(&one["problems"]).for_each(|problem| say(format!("                 problem: {problem}")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(config: &Config, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    let looked = live::tell(config, &format!("/v1/connections/{id}/check"), None).await?;
    let findings = looked["findings"].as_array().cloned().unwrap_or_default();
    let bad = findings.iter().any(|finding| finding["only_a_warning"] == false);
    if json {
        say_json(&findings)?;
    } else if findings.is_empty() {
        say("the account is set up");
    }
    for finding in findings.iter().filter(|_| !json) {
        let kind = if finding["only_a_warning"] == true { "warning" } else { "problem" };
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        say(format!("{kind:<8} {}", found(&text("problem"), &text("remedy"))));
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn strings(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}
