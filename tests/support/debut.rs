//! A new connector's first chat: its file is signed and dropped into a server, and its own platform is played.

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    assistants::{QUEUED, WISH, support},
    server::Server,
    setup::Setup,
    visitor::Visitor,
};

/// A server with a new connector, and the connector's platform.
pub struct Debut {
    /// The server.
    pub server: Server,
    /// Who was handed over.
    pub person: Visitor,
    /// What became of the handoff.
    pub handoff: Value,
    /// Address of the platform.
    pub desk: String,
    /// The platform, for as long as this lasts.
    _playing: Child,
}

impl Debut {
    /// Signs the plugin file of the connector `id`, has a server that trusts the signature and nothing else
    /// serve it, and lets a person ask for live agents. `desk` is a program that plays the platform.
    ///
    /// # Errors
    /// When any of it does not work.
    pub async fn play(id: &str, file: &Path, desk: &Path) -> Result<Self> {
        let (connection, playing) = platform(desk).await?;
        let desk = connection["address"].as_str().context("the platform has no address")?.to_owned();
        let mut setup = Setup::new()?.with_plugins(&[]).with_assistant(support(id));
        let (settings, secrets) = (connection["settings"].clone(), connection["secrets"].clone());
        setup.config["connections"][id] =
            json!({ "connector": id, "settings": settings, "secrets": secrets });
        setup.config["plugins"]["policy"] = json!("signed");
        setup.config["plugins"]["keys"] = json!(["maker.pub"]);
        let mut server = Server::prepare(setup.clone())?;
        sign(&server, id, file).await?;
        server.publish(&setup.assistants[0]).await?;
        server.restart().await?;
        let mut person = Visitor::open(&server).await?;
        person.says(WISH).await?;
        person.until_told(QUEUED).await?;
        let handoff = server.until_state(&person.conversation, "carrying").await?;
        Ok(Self { server, person, handoff, desk, _playing: playing })
    }

    /// What to post to, so that the live agent does the next thing in a chat.
    pub fn agent(&self, chat: &str) -> String {
        let connection = self.handoff["connector"].as_str().unwrap_or_default();
        format!("{}/_desk/agent?chat={chat}&webhook={}/webhooks/{connection}", self.desk, self.server.base)
    }
}

/// What a team does with a finished file.
async fn sign(server: &Server, id: &str, file: &Path) -> Result<()> {
    let name = format!("plugins/{id}.so");
    fs::copy(file, server.dir().join(&name))
        .with_context(|| format!("{} cannot be copied", file.display()))?;
    for arguments in
        [vec!["connector", "keygen", "maker"], vec!["connector", "sign", &name, "--key", "maker.key"]]
    {
        let told = server.cli(&arguments).await?;
        ensure!(told.code == Some(0), "{arguments:?}: {told:?}");
    }
    Ok(())
}

/// Starts the platform; its first line says how to reach it.
async fn platform(program: &Path) -> Result<(Value, Child)> {
    let mut command = Command::new(program);
    let mut desk = command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn()?;
    let output = desk.stdout.take().context("the platform has no output")?;
    let line = BufReader::new(output).lines().next_line().await?.context("the platform says nothing")?;
    Ok((serde_json::from_str(&line)?, desk))
}
