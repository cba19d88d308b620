//! `handoff connector`: which plugin files there are, what one of them is, and whose are opened.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use handoff_core::{
    plugins::{self, FileReport, FileState, History, Locked, Quarantine, Record},
    world::Clock,
};
use handoff_model::ConnectorId;
use serde_json::{Value, json};

use super::{
    conformance,
    live::{self, Live},
    say, say_json, signing,
};
use crate::{
    clock::WorldClock,
    compose::{self, Role},
    config::Config,
};

/// What to do with connectors.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Lists the plugin folder: what can be loaded, why the rest cannot, and what is in quarantine.
    List,
    /// Looks at a plugin file without running anything of it.
    Inspect {
        /// The file.
        file: PathBuf,
    },
    /// Tries whether a plugin file keeps what the server promises. Runs its code, in processes of its own and here.
    Conformance(conformance::Options),
    /// Says whether this server would trust a file, and why.
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// Writes files into the lock file: exactly these bytes are trusted from now on.
    Lock {
        /// The files; without any, all of the plugin folder.
        files: Vec<PathBuf>,
    },
    /// Goes back to the file that served before.
    Rollback {
        /// The connector's id.
        id: String,
    },
    /// Lets files out of quarantine.
    Release {
        /// The connector's id, or the SHA-256 of one file.
        which: String,
    },
    /// Makes a pair of keys for signing plugin files: `NAME.key` and `NAME.pub`.
    Keygen {
        /// Where, without an ending.
        name: PathBuf,
    },
    /// Signs a plugin file; the signature is put beside it.
    Sign {
        /// The file.
        file: PathBuf,
        /// The secret key.
        #[arg(long)]
        key: PathBuf,
    },
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::List => list(config, json).await,
        Verb::Inspect { file } => inspect(file, json),
        Verb::Conformance(options) => conformance::run(options),
        Verb::Verify { file } => verify(config, file),
        Verb::Lock { files } => lock(config, files),
        Verb::Rollback { id } => rollback(config, &ConnectorId::new(id)),
        Verb::Release { which } => release(config, which),
        Verb::Keygen { name } => signing::keygen(name),
        Verb::Sign { file, key } => signing::sign(file, key),
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let host = compose::host(config, Role::Command, "").await?;
    let (files, connections) = (host.registry.report(), host.registry.connections());
    let quarantine = Quarantine::of(&compose::vault(config)).list();
    if json {
        say_json(&json!({ "files": files, "connections": connections, "quarantine": quarantine }))?;
    } else {
        let live = live::serving(config).await.unwrap_or_default();
        files.iter().for_each(|file| say_file(file, &live));
        for connection in &connections {
            let state = match connection.problems.as_slice() {
                [] => "ready".to_owned(),
                problems => problems.join("; "),
            };
            say(format!("connection {} ({}): {state}", connection.id, connection.connector));
        }
        quarantine.iter().for_each(say_record);
    }
    let refused = files.iter().any(|file| matches!(file.state, FileState::Refused(_)));
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn say_file(file: &FileReport, live: &[Live]) {
    let serving = live.iter().find(|serving| Some(&serving.sha256) == file.sha256.as_ref());
    let about = [file.trust.map(|trust| trust.name().to_owned()), serving.map(Live::words)];
    let about: Vec<_> = about.into_iter().flatten().collect();
    if about.is_empty() { say(file) } else { say(format!("{file} ({})", about.join(", "))) }
}

fn say_record(record: &Record) {
    let Record { id, version, sha256, reason, remedy, at, .. } = record;
    say(format!("quarantine {id} {version} {sha256} since {at}: {reason}; {remedy}"));
}

pub(crate) fn inspect(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    match plugins::inspect(file) {
        Ok(inspection) if json => say_json(&inspection)?,
        Ok(inspection) => {
            let manifest = &inspection.manifest;
            say(format!("{} {} ({})", manifest.name, manifest.version, manifest.id));
            say(format!("sha256   {}", inspection.sha256));
            say(format!("size     {} bytes", inspection.size));
            say(format!("edge     {}.{}, model {}", manifest.abi[0], manifest.abi[1], manifest.model));
            let routes = json!(manifest.capabilities.routes);
            let routes: Vec<_> = routes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            say(format!("routes   {}", routes.join(", ")));
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

fn verify(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    let judged = plugins::inspect(file).and_then(|inspection| {
        let bytes = fs::read(file).unwrap_or_default();
        let signature = fs::read_to_string(signing::signature_of(file)).ok();
        let trust = compose::trust(config);
        trust.judge(&bytes, &inspection.sha256, &inspection.manifest, signature.as_deref())
    });
    match judged {
        Ok(standing) => {
            say(format!("trusted: {}", standing.name()));
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            say(format!("not trusted ({}): {refusal}", refusal.stage.name()));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A connector stands in the lock file once for each version, so locking it again replaces its line.
fn lock(config: &Config, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let files = if files.is_empty() { folder(config)? } else { files.to_vec() };
    let mut lock = compose::trust(config).lock().map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    for file in &files {
        let inspection = match plugins::inspect(file) {
            Ok(inspection) => inspection,
            Err(refusal) => bail!("{} is not locked, because it cannot be loaded: {refusal}", file.display()),
        };
        let (id, version) = (inspection.manifest.id.clone(), inspection.manifest.version.clone());
        lock.plugins.retain(|known| known.id != id || known.version != version);
        say(format!("locked       {id} {version} sha256 {}", inspection.sha256));
        lock.plugins.push(Locked { id, version, sha256: inspection.sha256 });
    }
    lock.plugins.sort_by(|one, other| (&one.id, &one.version).cmp(&(&other.id, &other.version)));
    let path = &config.plugins.lock_file;
    let fresh = path.with_extension("lock.new");
    fs::write(&fresh, toml::to_string(&lock)?)
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("the lock file {} cannot be written", path.display()))?;
    say(format!("lock file    {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn folder(config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let folder = &config.plugins.folder;
    let entries = fs::read_dir(folder)
        .with_context(|| format!("the plugin folder {} cannot be read", folder.display()))?;
    let plugin = |path: &PathBuf| {
        path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.ends_with(".so") && !name.starts_with('.')
        })
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(plugin).collect();
    files.sort();
    Ok(files)
}

fn rollback(config: &Config, id: &ConnectorId) -> anyhow::Result<ExitCode> {
    let (vault, now) = (compose::vault(config), WorldClock::new(&config.clock).now());
    let record = plugins::set_back(&vault, id, now).map_err(anyhow::Error::msg)?;
    say_record(&record);
    let before = History::of(&vault);
    let next = before.latest_first(id).find(|served| served.sha256 != record.sha256);
    if let Some(next) = next {
        say(format!(
            "{id} {} from {} serves within two seconds, or when the server starts",
            next.version, next.file
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn release(config: &Config, which: &str) -> anyhow::Result<ExitCode> {
    let released = plugins::release(&compose::vault(config), which).map_err(anyhow::Error::msg)?;
    for record in released {
        say(format!("released     {} {} ({})", record.id, record.version, record.file));
    }
    Ok(ExitCode::SUCCESS)
}
