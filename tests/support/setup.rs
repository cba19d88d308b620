//! What a server under test is configured with.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{assistants, bitrix24::Bitrix24, built::CONNECTORS, zendesk::Zendesk};

/// The key for everything.
pub const ADMIN_KEY: &str = "an-admin-key-of-these-tests";
/// The key that may only chat.
pub const CHAT_KEY: &str = "a-chatting-key-of-these-tests";
/// The console's first user.
pub const PASSWORD: &str = "a long password of these tests";
/// Ports below those which the system hands out by itself, so that a server that was killed finds
/// its own port free.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A server's configuration, its plugin files and its assistants.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The configuration, to be written as TOML.
    pub config: Value,
    /// Connectors whose plugin files are put into the folder.
    pub plugins: Vec<String>,
    /// Assistants that are imported and published.
    pub assistants: Vec<Value>,
    /// A program, with arguments, that starts the server in its own place; none when it is empty.
    pub through: Vec<String>,
}

impl Setup {
    /// A server without platforms: a webchat `web`, an API channel `api`, the Enterprise plan.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new() -> Result<Self> {
        let config = json!({
            "data_dir": "data",
            "server": { "listen": format!("127.0.0.1:{}", free_port()?) },
            "workspace": { "plan": "enterprise" },
            "plugins": { "folder": "plugins", "policy": "any", "allow_loopback_http": true },
            "log": { "level": "debug" },
            "console": { "admin_password": PASSWORD },
            "channels": {
                "web": { "kind": "webchat", "assistant": "support" },
                "api": { "kind": "api", "assistant": "support" },
            },
            "connections": {},
            "api_keys": {
                "admin": { "key": ADMIN_KEY, "scopes": ["admin", "channel:api"] },
                "chat": { "key": CHAT_KEY, "scopes": ["channel:api"] },
            },
        });
        let plugins = CONNECTORS.iter().map(|id| (*id).to_owned()).collect();
        Ok(Self { config, plugins, assistants: Vec::new(), through: Vec::new() })
    }

    /// Adds an account on Zendesk, and the assistant `support` that hands over to it.
    pub fn with_zendesk(mut self, zendesk: &Zendesk) -> Self {
        self.config["connections"]["zendesk"] = zendesk.connection();
        self.with_assistant(assistants::support("zendesk"))
    }

    /// Adds a portal of Bitrix24, and the assistant `line` that is its bot.
    pub fn with_bitrix24(mut self, bitrix24: &Bitrix24) -> Self {
        self.config["connections"]["bitrix24"] = bitrix24.connection();
        self.with_assistant(assistants::line())
    }

    /// Adds an account of the example connector, which talks to nobody.
    pub fn with_loopback(mut self, echo: bool) -> Self {
        self.config["connections"]["loopback"] =
            json!({ "connector": "loopback", "settings": { "echo": echo } });
        self.with_assistant(assistants::support("loopback"))
    }

    /// Adds an assistant, or replaces the one of the same id.
    pub fn with_assistant(mut self, assistant: Value) -> Self {
        self.assistants.retain(|known| known["id"] != assistant["id"]);
        self.assistants.push(assistant);
        self
    }

    /// Only these plugin files are put into the folder.
    pub fn with_plugins(mut self, connectors: &[&str]) -> Self {
        self.plugins = connectors.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    /// Lets the server's time run faster.
    pub fn with_clock_factor(mut self, factor: u32) -> Self {
        self.config["clock"] = json!({ "factor": factor });
        self
    }

    /// The workspace pays for this plan.
    pub fn with_plan(mut self, plan: &str) -> Self {
        self.config["workspace"]["plan"] = json!(plan);
        self
    }

    /// The configuration as the server reads it.
    ///
    /// # Errors
    /// When it cannot be said in TOML.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(&toml(&self.config)?)?)
    }

    /// The server's address.
    pub fn base(&self) -> String {
        format!("http://{}", self.config["server"]["listen"].as_str().unwrap_or_default())
    }
}

/// The same value in TOML. Not by serde: in a build of the whole workspace a number of JSON may be of
/// any length, and is then written in a form of its own.
fn toml(value: &Value) -> Result<toml::Value> {
    Ok(match value {
        Value::Null => bail!("TOML knows no null"),
        Value::Bool(value) => toml::Value::Boolean(*value),
        Value::Number(number) => {
            toml::Value::Integer(number.as_i64().context("TOML takes whole numbers here")?)
        }
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(list) => toml::Value::Array(list.iter().map(toml).collect::<Result<_>>()?),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), toml(value)?)));
            toml::Value::Table(members.collect::<Result<_>>()?)
        }
    })
}

/// A port on which nobody listens, and which nobody else was told in this process.
///
/// # Errors
/// When all are taken.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_micros();
    // Processes that start together begin at different places.
    let begin = (process::id().wrapping_mul(7919) ^ began) % u32::from(PORTS.end - PORTS.start);
    let _ = NEXT.compare_exchange(0, begin as u16 + 1, Ordering::SeqCst, Ordering::SeqCst);
    for _ in PORTS {
        let port = PORTS.start + NEXT.fetch_add(1, Ordering::SeqCst) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}
