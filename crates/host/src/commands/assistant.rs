//! `handoff assistant`: import, export, validate, publish, list.

use std::{fs, io::Read, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::Subcommand;
use handoff_core::{
    assistant::{Finding, read, read::LONGEST},
    runtime::{AssistantError, Runtime},
};
use handoff_model::AssistantId;
use serde_json::json;

use super::{say, say_findings, say_json};
use crate::{
    compose::{self, Role},
    config::Config,
};

/// What to do with assistants.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Takes a JSON file as the assistant's draft.
    Import {
        /// The file; `-` reads standard input.
        file: PathBuf,
        /// Publishes the draft at once.
        #[arg(long)]
        publish: bool,
    },
    /// Prints the draft, or a published version, as JSON.
    Export {
        /// The assistant.
        id: String,
        /// A published version instead of the draft.
        #[arg(long)]
        version: Option<u32>,
    },
    /// Says everything that is wrong with a JSON file, and stores nothing.
    Validate {
        /// The file; `-` reads standard input.
        file: PathBuf,
    },
    /// Makes the draft the next version.
    Publish {
        /// The assistant.
        id: String,
    },
    /// Lists assistants.
    List,
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Validate { file } => validate(config, file, json).await,
        Verb::Import { file, publish } => import(config, file, *publish, json).await,
        Verb::Export { id, version } => export(config, id, *version).await,
        Verb::Publish { id } => {
            publish(&compose::host(config, Role::Command, "").await?.runtime, &AssistantId::new(id), json)
                .await
        }
        Verb::List => list(config, json).await,
    }
}

async fn validate(config: &Config, file: &PathBuf, json: bool) -> anyhow::Result<ExitCode> {
    let runtime = compose::host(config, Role::Command, "").await?.runtime;
    match runtime.look_over_assistant(&text_of(file)?).await {
        Ok((assistant, findings)) if findings.iter().all(|finding| finding.only_a_warning) => {
            say_findings(&findings, json)?;
            if !json {
                say(format!("{} ({}) can be published", assistant.name, assistant.id));
            }
            Ok(ExitCode::SUCCESS)
        }
        Ok((_, findings)) | Err(AssistantError::Invalid(findings)) => refuse(&findings, json),
        Err(error) => Err(error.into()),
    }
}

async fn import(config: &Config, file: &PathBuf, and_publish: bool, json: bool) -> anyhow::Result<ExitCode> {
    let runtime = compose::host(config, Role::Command, "").await?.runtime;
    let text = text_of(file)?;
    match runtime.save_draft(&text, None).await {
        Ok((revision, findings)) => {
            let Ok(assistant) = read(&text) else { bail!("the file changed while it was read") };
            if and_publish {
                return publish(&runtime, &assistant.id, json).await;
            }
            say_findings(&findings, json)?;
            if !json {
                say(format!(
                    "saved {} as draft {revision}; publish it with: handoff assistant publish {}",
                    assistant.name, assistant.id
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(AssistantError::Invalid(findings)) => refuse(&findings, json),
        Err(error) => Err(error.into()),
    }
}

async fn publish(runtime: &Runtime, id: &AssistantId, json: bool) -> anyhow::Result<ExitCode> {
    match runtime.publish(id).await {
        Ok((version, findings)) if json => {
            say_json(&json!({ "assistant": id, "version": version, "findings": findings }))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok((version, findings)) => {
            say_findings(&findings, false)?;
            say(format!("published {id} as version {version}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(AssistantError::Invalid(findings)) => refuse(&findings, json),
        Err(AssistantError::Unknown) => bail!("there is no assistant {id:?}; see: handoff assistant list"),
        Err(error) => Err(error.into()),
    }
}

async fn export(config: &Config, id: &str, version: Option<u32>) -> anyhow::Result<ExitCode> {
    use handoff_core::store::Assistants;
    let store = compose::open_store(config, Role::Command)?;
    let id = AssistantId::new(id);
    let text = match version {
        Some(number) => store.version(&id, number).await?.map(|row| row.definition),
        None => store.assistant(&id).await?.map(|row| row.draft),
    };
    say(text.with_context(|| format!("there is no assistant {id:?}, or no such version of it"))?);
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    use handoff_core::store::Assistants;
    let rows = compose::open_store(config, Role::Command)?.assistants().await?;
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({ "id": row.id, "name": row.name, "revision": row.revision, "published": row.published }))
            .collect();
        say_json(&rows)?;
    } else if rows.is_empty() {
        say("no assistants yet; bring one in with: handoff assistant import FILE");
    } else {
        for row in rows {
            let published =
                row.published.map_or("not published".to_owned(), |number| format!("version {number}"));
            say(format!("{:<24} {:<32} draft {}  {published}", row.id, row.name, row.revision));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse(findings: &[Finding], json: bool) -> anyhow::Result<ExitCode> {
    say_findings(findings, json)?;
    if !json {
        say("nothing was stored: mend the errors above and try again");
    }
    Ok(ExitCode::FAILURE)
}

fn text_of(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        return whole(std::io::stdin()).context("standard input cannot be read as text");
    }
    let open = fs::File::open(file).and_then(whole);
    open.with_context(|| format!("{} cannot be read", file.display()))
}

/// All of it, or a little more than is allowed, which is then refused with its length.
fn whole(source: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(LONGEST as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}
