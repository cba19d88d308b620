//! What the operator configures: one file, and the environment over it.
//!
//! Unknown keys are refused with their line. A variable `HANDOFF__SERVER__LISTEN` stands for the key
//! `listen` of the section `server`.

mod secret;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use handoff_core::plugins::{Mode, Policy};
use handoff_model::{AssistantId, ChannelId, ConnectionId, ConnectorId, Plan, connector::Quota};
use handoff_server::FileTypes;
use serde::Deserialize;

pub(crate) use secret::Secret;

/// Seconds in a year: no test sets a clock further.
const YEAR: u64 = 365 * 24 * 3600;

/// Everything that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Folder for the database, keys and files.
    #[serde(default = "data_dir")]
    pub(crate) data_dir: PathBuf,
    #[serde(default)]
    pub(crate) server: Server,
    #[serde(default)]
    pub(crate) workspace: Workspace,
    /// Lowest plan by connector.
    #[serde(default = "lowest_plans")]
    pub(crate) plans: BTreeMap<ConnectorId, Plan>,
    #[serde(default)]
    pub(crate) plugins: Plugins,
    #[serde(default)]
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) audit: Audit,
    #[serde(default)]
    pub(crate) clock: ClockConfig,
    #[serde(default)]
    pub(crate) console: Console,
    #[serde(default)]
    pub(crate) channels: BTreeMap<ChannelId, ChannelConfig>,
    #[serde(default)]
    pub(crate) connections: BTreeMap<ConnectionId, ConnectionConfig>,
    #[serde(default)]
    pub(crate) api_keys: BTreeMap<String, ApiKeyConfig>,
}

/// Where the server listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port; port 0 takes any that is free.
    pub(crate) listen: SocketAddr,
    /// Address under which browsers and platforms reach the server.
    pub(crate) public_url: Option<url::Url>,
    /// Sites that may embed the webchat.
    pub(crate) webchat_origins: Vec<String>,
    /// Title of the webchat.
    pub(crate) webchat_title: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            webchat_origins: Vec::new(),
            webchat_title: "Chat".to_owned(),
        }
    }
}

/// The tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Workspace {
    /// What it pays for.
    pub(crate) plan: Plan,
}

impl Default for Workspace {
    fn default() -> Self {
        Self { plan: Plan::Free }
    }
}

/// Plugin files.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plugins {
    /// The folder into which they are dropped.
    pub(crate) folder: PathBuf,
    /// Lets connectors call this very machine without TLS. For trying things out.
    pub(crate) allow_loopback_http: bool,
    /// What a file needs before it is opened: `locked`, `signed`, `allow_listed`, `any`.
    pub(crate) policy: Policy,
    /// Keys whose signatures count: as minisign writes them in one line, or names of `.pub` files.
    pub(crate) keys: Vec<String>,
    /// Connectors that may come unsigned under `allow_listed`.
    pub(crate) allowed: Vec<ConnectorId>,
    /// The lock file.
    pub(crate) lock_file: PathBuf,
    /// Where connectors run: `in_process`, `worker`. Unless set, files that nobody vouches for run in workers.
    pub(crate) mode: Option<Mode>,
    /// The same for single connectors.
    pub(crate) modes: BTreeMap<ConnectorId, Mode>,
    /// Whether a second process stands by for each connector in worker mode.
    pub(crate) standby: bool,
    /// Hosts that a connector may ask for; unless set, what its manifest asks for.
    pub(crate) hosts: BTreeMap<ConnectorId, Vec<String>>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("plugins"),
            allow_loopback_http: false,
            // Whoever builds the program while working on it builds the plugins too, and signs none.
            policy: if cfg!(debug_assertions) { Policy::Any } else { Policy::Signed },
            keys: Vec::new(),
            allowed: Vec::new(),
            lock_file: PathBuf::from("connectors.lock"),
            mode: None,
            modes: BTreeMap::new(),
            standby: true,
            hosts: BTreeMap::new(),
        }
    }
}

/// Logging.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,handoff_core=debug`.
    pub(crate) level: String,
    /// Form of the lines.
    pub(crate) format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The auditor, which proves the promises on the rows while the server works.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// Conversations that it looks at in a second; 0 turns it off.
    pub(crate) conversations_per_second: u32,
    /// Seconds between two rounds over all of them.
    pub(crate) pause_seconds: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { conversations_per_second: 50, pause_seconds: 60 }
    }
}

/// The server's time. For tests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClockConfig {
    /// How much faster than the world's time runs.
    pub(crate) factor: u32,
    /// How far ahead of the time that it would show, in seconds; below zero: behind. A server that is started with
    /// another number finds its clock set.
    pub(crate) ahead_seconds: i64,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self { factor: 1, ahead_seconds: 0 }
    }
}

/// The console.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Console {
    /// Password of the first user; otherwise one is drawn and written to a file.
    pub(crate) admin_password: Option<Secret>,
}

/// A channel of ours.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelConfig {
    /// What it is.
    pub(crate) kind: OwnChannel,
    /// The assistant that serves it.
    pub(crate) assistant: Option<AssistantId>,
    /// Files that persons may send; any unless it says.
    pub(crate) files: Option<FileTypes>,
}

/// What a channel of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OwnChannel {
    /// Over the HTTP API.
    Api,
    /// The widget.
    Webchat,
}

/// An account on a platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    /// The connector that speaks to it.
    pub(crate) connector: ConnectorId,
    /// The assistant that serves the platform's own channel.
    pub(crate) assistant: Option<AssistantId>,
    /// As the connector's schema says.
    #[serde(default)]
    pub(crate) settings: toml::Table,
    /// By name.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// How many requests the platform takes from it.
    pub(crate) quota: Option<Quota>,
}

/// A key for programs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyConfig {
    /// Its secret.
    pub(crate) key: Secret,
    /// What it allows: `admin`, `channel:NAME`.
    pub(crate) scopes: Vec<String>,
}

/// Reads the file and the environment.
///
/// # Errors
/// A sentence with the place of what is wrong.
pub(crate) fn load(path: &Path) -> anyhow::Result<Config> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("the configuration {} cannot be read; name another with --config FILE", path.display())
    })?;
    // First the file alone: only its own parser knows lines.
    toml::from_str::<Config>(&text).with_context(|| format!("{} is not right", path.display()))?;
    let environment =
        config::Environment::with_prefix("HANDOFF").prefix_separator("__").separator("__").try_parsing(true);
    let merged = config::Config::builder()
        .add_source(config::File::from_str(&text, config::FileFormat::Toml))
        .add_source(environment)
        .build()
        .context("the environment's HANDOFF__… variables do not fit the configuration")?;
    let mut config: Config = merged.try_deserialize().context(
        "a HANDOFF__… variable of the environment names a key that does not exist, or has a wrong value",
    )?;
    let base = path.parent().unwrap_or(Path::new("."));
    config.data_dir = base.join(&config.data_dir);
    config.plugins.folder = base.join(&config.plugins.folder);
    config.plugins.lock_file = base.join(&config.plugins.lock_file);
    for key in config.plugins.keys.iter_mut().filter(|key| key.ends_with(".pub")) {
        *key = public_key(&base.join(&*key))?;
    }
    let secrets = config.connections.values_mut().flat_map(|connection| connection.secrets.values_mut());
    let keys = config.api_keys.values_mut().map(|key| &mut key.key);
    secrets.chain(keys).chain(&mut config.console.admin_password).for_each(|secret| secret.beside(base));
    check(&config)?;
    Ok(config)
}

/// The key in a file of minisign: a comment, and the key in a line of its own.
fn public_key(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("plugins.keys: the key {} cannot be read", path.display()))?;
    let key = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    key.map(str::to_owned).with_context(|| format!("plugins.keys: {} holds no key", path.display()))
}

fn check(config: &Config) -> anyhow::Result<()> {
    for id in config.channels.keys() {
        if config.connections.contains_key(&ConnectionId::new(id.as_str())) {
            bail!("a channel and a connection are both named {id:?}; give one of them another name");
        }
    }
    let names = config
        .channels
        .keys()
        .map(ChannelId::as_str)
        .chain(config.connections.keys().map(ConnectionId::as_str));
    for name in names {
        let fits =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fits {
            bail!("{name:?} is no name for a channel or connection: use letters, digits, - and _");
        }
    }
    for (id, connection) in &config.connections {
        if let Some(problem) = connection.quota.as_ref().and_then(Quota::problem) {
            bail!("connections.{id}.quota: {problem}");
        }
    }
    for origin in &config.server.webchat_origins {
        let parsed: Option<url::Url> = origin.parse().ok();
        if parsed.is_none_or(|url| url.origin().ascii_serialization() != *origin) {
            bail!("server.webchat_origins: {origin:?} is no origin; write it like \"https://shop.example\"");
        }
    }
    if config.audit.conversations_per_second > 10_000 {
        bail!("audit.conversations_per_second must lie between 0 (off) and 10000");
    }
    if config.clock.factor == 0 || config.clock.factor > 1_000 {
        bail!("clock.factor must lie between 1 and 1000");
    }
    if config.clock.ahead_seconds.unsigned_abs() > YEAR {
        bail!("clock.ahead_seconds must lie between -{YEAR} and {YEAR}");
    }
    Ok(())
}

fn data_dir() -> PathBuf {
    PathBuf::from("data")
}

fn lowest_plans() -> BTreeMap<ConnectorId, Plan> {
    BTreeMap::from([
        (ConnectorId::new("zendesk"), Plan::Total),
        (ConnectorId::new("bitrix24"), Plan::Enterprise),
    ])
}

#[cfg(test)]
mod tests;
