//! `handoff connector`: which plugin files there are, and what one of them is.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use handoff_core::plugins::{self, FileState};
use serde_json::json;

use super::{say, say_json};
use crate::{
    compose::{self, Role},
    config::Config,
};

/// What to do with connectors.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Lists the plugin folder: what can be loaded, and why the rest cannot.
    List,
    /// Looks at a plugin file without running anything of it.
    Inspect {
        /// The file.
        file: PathBuf,
    },
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List => list(config, json),
        Verb::Inspect { file } => inspect(file, json),
    }
}

fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let host = compose::host(config, Role::Command)?;
    let (files, connections) = (host.registry.report(), host.registry.connections());
    if json {
        say_json(&json!({ "files": files, "connections": connections }))?;
    } else {
        files.iter().for_each(say);
        for connection in &connections {
            let state = match connection.problems.as_slice() {
                [] => "ready".to_owned(),
                problems => problems.join("; "),
            };
            say(format!("connection {} ({}): {state}", connection.id, connection.connector));
        }
    }
    let refused = files.iter().any(|file| matches!(file.state, FileState::Refused(_)));
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(crate) fn inspect(file: &std::path::Path, json: bool) -> anyhow::Result<ExitCode> {
    match plugins::inspect(file) {
        Ok(inspection) if json => say_json(&inspection)?,
        Ok(inspection) => {
            let manifest = &inspection.manifest;
            say(format!("{} {} ({})", manifest.name, manifest.version, manifest.id));
            say(format!("sha256   {}", inspection.sha256));
            say(format!("size     {} bytes", inspection.size));
            say(format!("edge     {}.{}, model {}", manifest.abi[0], manifest.abi[1], manifest.model));
            say(format!("routes   {:?}", manifest.capabilities.routes));
            say(format!("hosts    {}", manifest.hosts.join(", ")));
            let plan = manifest.plan.map_or("none".to_owned(), |plan| plan.to_string());
            say(format!("plan     {plan}"));
            for secret in &manifest.secrets {
                say(format!("secret   {}: {}", secret.name, secret.title));
            }
        }
        Err(refusal) => {
            say(format!("this file cannot be loaded ({}): {refusal}", refusal.stage.name()));
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
