//! `handoff serve`: runs until it is told to stop.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use handoff_core::{
    connections::{ActError, Book, Entry},
    plugins::Registry,
    runtime::{Pace, Runtime},
    world::{Clock, Connectors},
};
use handoff_model::{ConnectionId, connector::Manifest};
use handoff_server::{
    ApiKey, ApiKeys, AppState, Options,
    console::{self, ConnectorDesk, ConsoleState},
};
use serde_json::Value;
use tokio::{net::TcpListener, signal::unix, sync::watch, task::JoinHandle};

use super::connectors;
use crate::{
    compose::{self, Host, Role},
    config::{Audit, Config},
    telemetry,
};

/// Pause before setting it up is tried again.
const INSTALL_AGAIN: Duration = Duration::from_secs(60);
/// Pause between two rounds of tidying.
const TIDYING: Duration = Duration::from_secs(60 * 60);
/// How long open requests may take after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start(&config.log)?;
    let listener = TcpListener::bind(config.server.listen).await.with_context(|| {
        format!("the address {} cannot be used; choose another one as server.listen", config.server.listen)
    })?;
    let address = listener.local_addr()?;
    let public_url = match &config.server.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    };
    let host = compose::host(&config, Role::Server, &public_url).await?;
    host.keyring.rotate(host.clock.now())?;
    host.store.release_all().await?;
    first_user(&config, &host).await?;
    let desk = desk(&config, &host);
    let receipts = Arc::new(compose::receipt_key(&config)?);
    let state = AppState::new(host.runtime.clone(), keys(&config)?, options(&config), host.keyring.clone())
        .with_connectors(desk.clone())
        .with_connections(host.book.clone())
        .with_receipts(receipts.clone());
    let console = ConsoleState::new(host.runtime.clone(), public_url.parse()?, desk)
        .with_connections(host.book.clone())
        .with_receipts(receipts);
    let app = handoff_server::router(state.clone()).merge(console::router(console));
    spawn_work(&host);
    spawn_audit(&config.audit, &host);
    let told_to_stop = told_to_stop()?;
    // A server serves, whether or not anybody reads this.
    let _unread = writeln!(io::stdout(), "listening on http://{address}");
    tracing::info!("Listening on http://{address}, reached as {public_url}");
    let stop = async move {
        told_to_stop.await;
        tracing::info!("Stopping");
        state.stop();
        tokio::spawn(async {
            tokio::time::sleep(GRACE).await;
            tracing::warn!("Requests were still open and are cut off");
            std::process::exit(0);
        });
    };
    axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>())
        .with_graceful_shutdown(stop)
        .await?;
    Ok(ExitCode::SUCCESS)
}

fn options(config: &Config) -> Options {
    Options {
        webchat_title: config.server.webchat_title.clone(),
        webchat_origins: config.server.webchat_origins.clone(),
        files: config
            .channels
            .iter()
            .filter_map(|(id, channel)| Some((id.clone(), channel.files.clone()?)))
            .collect(),
        ..Options::default()
    }
}

pub(super) fn keys(config: &Config) -> anyhow::Result<ApiKeys> {
    let mut keys = Vec::new();
    for (name, key) in &config.api_keys {
        let secret = key.key.read().with_context(|| format!("the API key {name}"))?;
        let scopes: Result<Vec<_>, _> = key.scopes.iter().map(|scope| scope.parse()).collect();
        keys.push(ApiKey::from_secret(
            name,
            &secret,
            scopes.with_context(|| format!("the API key {name}"))?,
        )?);
    }
    Ok(ApiKeys::new(keys)?)
}

fn spawn_work(host: &Host) {
    let runtime: Runtime = host.runtime.clone();
    tokio::spawn(async move { runtime.run().await });
    tokio::spawn(set_up_all(host.book.clone(), host.registry.clone(), host.clock.clone()));
    let (keyring, blobs, clock) = (host.keyring.clone(), host.blobs.clone(), host.clock.clone());
    tokio::spawn(async move {
        loop {
            clock.sleep(TIDYING).await;
            if let Err(error) = keyring.rotate(clock.now()) {
                tracing::error!("Today's key could not be drawn: {error:#}");
            }
            if let Err(error) = blobs.tidy() {
                tracing::warn!(%error, "Old files could not be deleted");
            }
        }
    });
}

fn spawn_audit(audit: &Audit, host: &Host) {
    if audit.conversations_per_second == 0 {
        tracing::info!("The audit is turned off (audit.conversations_per_second = 0)");
        return;
    }
    let pace = Pace {
        per_second: audit.conversations_per_second as usize,
        between_rounds: Duration::from_secs(audit.pause_seconds.max(1).into()),
    };
    let runtime = host.runtime.clone();
    tokio::spawn(async move { runtime.keep_auditing(pace).await });
}

/// Sets accounts up on their platforms: each until that works, and again whenever another file serves it, it has other
/// settings, or an assistant begins or ends to answer there.
async fn set_up_all(book: Arc<Book>, registry: Arc<Registry>, clock: Arc<dyn Clock>) {
    let mut changes = registry.changes();
    let mut begun = BTreeMap::<ConnectionId, ((Value, bool), Option<Arc<Manifest>>)>::new();
    let mut tasks = BTreeMap::<ConnectionId, JoinHandle<()>>::new();
    loop {
        let entries: Vec<_> = book.list().into_iter().map(|standing| standing.entry).collect();
        let is_there = |id: &ConnectionId| entries.iter().any(|entry| entry.id == *id);
        tasks.retain(|id, task| {
            is_there(id) || {
                task.abort();
                false
            }
        });
        begun.retain(|id, _| is_there(id));
        for Entry { id, settings, assistant, .. } in &entries {
            // What a connector is told of when it sets the account up.
            let told = (settings.clone(), assistant.is_some());
            let serves = registry.manifest(id);
            let same_file = match (begun.get(id).map(|(_, before)| before), &serves) {
                (Some(Some(before)), Some(now)) => Arc::ptr_eq(before, now),
                // Without a file the one attempt says so in the log.
                (Some(_), None) => true,
                (None, _) | (Some(None), Some(_)) => false,
            };
            if same_file && begun.get(id).is_some_and(|(before, _)| *before == told) {
                continue;
            }
            begun.insert(id.clone(), (told, serves));
            let work = set_up(book.clone(), id.clone(), clock.clone(), registry.changes());
            if let Some(earlier) = tasks.insert(id.clone(), tokio::spawn(work)) {
                earlier.abort();
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn set_up(book: Arc<Book>, id: ConnectionId, clock: Arc<dyn Clock>, mut changes: watch::Receiver<u64>) {
    loop {
        match book.install_at_start(&id).await {
            Ok(notes) => {
                notes.iter().for_each(|note| tracing::info!(connection.id = %id, "{note}"));
                return;
            }
            Err(ActError::NotOffered | ActError::Unknown(_)) => return,
            Err(error) => {
                tracing::warn!(connection.id = %id, %error, "Connection {id} is not set up on its platform; trying again");
            }
        }
        // A file that comes may be just what was missing.
        tokio::select! {
            () = clock.sleep(INSTALL_AGAIN) => {}
            _ = changes.changed() => {}
        }
    }
}

/// Makes the first user, so that somebody can sign in.
async fn first_user(config: &Config, host: &Host) -> anyhow::Result<()> {
    let password = config.console.admin_password.as_ref().map(|secret| secret.read()).transpose()?;
    let drawn = console::first_admin(&*host.store, password, &*host.clock).await?;
    if let Some(password) = drawn {
        let path = config.data_dir.join("first-sign-in.txt");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        writeln!(file, "user: admin\npassword: {password}")?;
        tracing::info!("The console's first user and password are in {}", path.display());
    }
    Ok(())
}

/// What the console shows of the plugin folder.
fn desk(config: &Config, host: &Host) -> Arc<dyn ConnectorDesk> {
    let (registry, clock) = (host.registry.clone(), host.clock.clone());
    Arc::new(connectors::Desk { registry, vault: compose::vault(config), clock })
}

/// Listens for the signals to stop from now on, and ends when one arrives.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate =
        unix::signal(unix::SignalKind::terminate()).context("the signal to stop cannot be heard")?;
    let mut interrupt =
        unix::signal(unix::SignalKind::interrupt()).context("the signal to stop cannot be heard")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
