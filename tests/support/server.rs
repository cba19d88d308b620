//! The program under test: started, killed, started again, asked by its API and its command line.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, time::Instant};

use rustix::process::Signal;

use crate::{
    PACE, PATIENCE,
    built::built,
    process::{Running, children, process_name, signal, whole},
    search,
    setup::{ADMIN_KEY, Setup},
    web::Web,
};

/// Keeps the folders of servers, for whoever wants to look at them afterwards.
const KEEP: &str = "HANDOFF_TESTS_KEEP";

/// A server in a folder of its own.
#[derive(Debug)]
pub struct Server {
    /// Its address; the same after a restart.
    pub base: String,
    program: PathBuf,
    setup: Setup,
    running: Option<Running>,
    dir: TempDir,
}

/// What a command said.
#[derive(Debug, Clone)]
pub struct Told {
    /// Exit code; none when it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Server {
    /// Makes the folder and starts the server, with its assistants published.
    ///
    /// # Errors
    /// When anything of it fails.
    pub async fn start(setup: Setup) -> Result<Self> {
        let mut server = Self::prepare(setup)?;
        server.begin().await?;
        Ok(server)
    }

    /// Publishes the assistants and starts the server, whose folder is made.
    ///
    /// # Errors
    /// When anything of it fails.
    pub async fn begin(&mut self) -> Result<()> {
        self.publish_all().await?;
        self.restart().await
    }

    /// Makes the folder, and starts nothing.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn prepare(setup: Setup) -> Result<Self> {
        let mut dir = tempfile::Builder::new().prefix("handoff-test-").tempdir()?;
        dir.disable_cleanup(keeps_folders());
        let program = built()?.handoff.clone();
        let server = Self { base: setup.base(), program, setup, running: None, dir };
        fs::create_dir(server.plugins())?;
        for id in &server.setup.plugins {
            server.put_plugin(id)?;
        }
        server.write_config()?;
        Ok(server)
    }

    /// Starts the server, after it ended or was killed.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "the server is running");
        let running = Running::start(self.command(&["serve"]), &self.log_file()).await?;
        ensure!(running.base == self.base, "the server listens on {}, not on {}", running.base, self.base);
        self.running = Some(running);
        Ok(())
    }

    /// Starts the server unless it runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn ensure_running(&mut self) -> Result<()> {
        if self.running.is_none() { self.restart().await } else { Ok(()) }
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill9(&mut self) -> Result<()> {
        self.running.take().context("the server does not run")?.kill9().await
    }

    /// Tells the server to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(&mut self) -> Result<()> {
        let status = self.running.take().context("the server does not run")?.stop().await?;
        ensure!(status.success(), "the server ended with {status}: {}", self.log());
        Ok(())
    }

    /// Numbers of the processes in which it runs connectors.
    ///
    /// # Errors
    /// When it does not run.
    pub fn workers(&self) -> Result<Vec<u32>> {
        self.children_called("handoff-worker")
    }

    /// Numbers of the processes that stand by for those.
    ///
    /// # Errors
    /// When it does not run.
    pub fn standbys(&self) -> Result<Vec<u32>> {
        self.children_called("handoff-standby")
    }

    fn children_called(&self, name: &str) -> Result<Vec<u32>> {
        let server = self.running.as_ref().and_then(Running::pid).context("the server does not run")?;
        Ok(children(server)?.into_iter().filter(|child| process_name(*child) == name).collect())
    }

    /// `kill -9` for all of them.
    ///
    /// # Errors
    /// When there are none.
    pub fn kill9_workers(&self) -> Result<()> {
        let workers = self.workers()?;
        ensure!(!workers.is_empty(), "the server has no workers");
        workers.into_iter().try_for_each(|worker| signal(worker, Signal::KILL))
    }

    /// Whether it runs, as far as we started and ended it.
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// Changes the configuration. What runs does not notice.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Value)) -> Result<()> {
        change(&mut self.setup.config);
        self.write_config()
    }

    /// Runs another command of the program on the same configuration.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn cli(&self, arguments: &[&str]) -> Result<Told> {
        told(self.command(arguments)).await
    }

    /// The same for a command that has much to do.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn long_cli(&self, arguments: &[&str]) -> Result<Told> {
        told_within(self.command(arguments), PATIENCE * 8).await
    }

    /// Imports and publishes an assistant.
    ///
    /// # Errors
    /// When the program refuses.
    pub async fn publish(&self, assistant: &Value) -> Result<()> {
        let file = self.write("assistant.json", assistant.to_string().as_bytes())?;
        let told = self.cli(&["assistant", "import", &file.display().to_string(), "--publish"]).await?;
        ensure!(told.code == Some(0), "the assistant was not published: {told:?}");
        Ok(())
    }

    /// Speaks to the server as nobody in particular.
    pub fn web(&self) -> Web {
        Web::new(&self.base)
    }

    /// Speaks to the server as its administrator.
    pub fn admin(&self) -> Web {
        self.web().with_bearer(ADMIN_KEY)
    }

    /// All handoffs, the latest first, each in full.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn handoffs(&self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for row in self.handoff_rows().await? {
            all.push(self.handoff(id(&row)?).await?);
        }
        Ok(all)
    }

    /// All handoffs, the latest first, as they are listed.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn handoff_rows(&self) -> Result<Vec<Value>> {
        Ok(rows(&self.admin().get("/v1/handoffs?limit=200").await?).to_vec())
    }

    /// A handoff in full.
    ///
    /// # Errors
    /// When there is none.
    pub async fn handoff(&self, id: &str) -> Result<Value> {
        self.admin().get(&format!("/v1/handoffs/{id}")).await
    }

    /// The only handoff of a conversation.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub async fn handoff_of(&self, conversation: &str) -> Result<Value> {
        let all = self.handoff_rows().await?;
        let mut ours = all.into_iter().filter(|handoff| handoff["conversation"] == conversation);
        match (ours.next(), ours.next()) {
            (Some(row), None) => self.handoff(id(&row)?).await,
            (None, _) => bail!("conversation {conversation} has no handoff"),
            (Some(one), Some(two)) => bail!("more than one handoff: {one:#} {two:#}"),
        }
    }

    /// Waits until the only handoff of a conversation is in this state, and gives it.
    ///
    /// # Errors
    /// When that does not happen; the error tells the server's log.
    pub async fn until_state(&self, conversation: &str, wanted: &str) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let handoff = self.handoff_of(conversation).await;
            if let Ok(handoff) = &handoff
                && state(handoff) == wanted
            {
                return Ok(handoff.clone());
            }
            if Instant::now() > end {
                bail!("the handoff never was {wanted}: {handoff:#?}\n{}", self.log_tail());
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Waits until so many words of the person were carried after the only handoff of a conversation.
    ///
    /// # Errors
    /// When that does not happen; the error tells the server's log.
    pub async fn until_carried(&self, conversation: &str, count: u64) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let handoff = self.handoff_of(conversation).await?;
            if handoff["receipt"]["carried_out"] == count {
                return Ok(handoff);
            }
            if Instant::now() > end {
                bail!("{count} messages were never carried: {handoff:#}\n{}", self.log_tail());
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// A conversation as the Inbox shows it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn conversation(&self, id: &str) -> Result<Value> {
        self.admin().get(&format!("/v1/conversations/{id}")).await
    }

    /// All conversations, as the Inbox lists them.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn conversations(&self) -> Result<Vec<Value>> {
        let list = self.admin().get("/v1/conversations?limit=200").await?;
        Ok(rows(&list).to_vec())
    }

    /// Files of the server, and of its log, in which these bytes occur.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn files_with(&self, needle: &str) -> Result<Vec<PathBuf>> {
        search::files_with(self.dir.path(), needle)
    }

    /// The server's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The folder with its plugin files.
    pub fn plugins(&self) -> PathBuf {
        self.dir.path().join("plugins")
    }

    /// Puts a connector's plugin file into the folder.
    ///
    /// # Errors
    /// When there is no such connector, or no room.
    pub fn put_plugin(&self, id: &str) -> Result<PathBuf> {
        let file = built()?.plugin(id)?;
        let to = self.plugins().join(file.file_name().context("a file without a name")?);
        fs::copy(file, &to)?;
        Ok(to)
    }

    /// Writes a file into the server's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }

    /// All that the server has said, over all its lives.
    pub fn log(&self) -> String {
        whole(&self.log_file())
    }

    /// The last lines of it.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// The number of the server's process.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().and_then(Running::pid)
    }

    /// A command of the program, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = self.program.display().to_string();
        let mut words = self.setup.through.iter().chain([&program]);
        let mut command = Command::new(words.next().map_or("", String::as_str));
        command.args(words);
        command.current_dir(self.dir.path()).env_remove("HANDOFF_CONFIG").env_remove("RUST_LOG");
        command.arg("--config").arg(self.dir.path().join("handoff.toml")).args(arguments);
        command
    }

    /// The file in which everything that it says is kept.
    pub fn log_file(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    async fn publish_all(&self) -> Result<()> {
        for assistant in &self.setup.assistants {
            self.publish(assistant).await?;
        }
        Ok(())
    }

    fn write_config(&self) -> Result<()> {
        self.write("handoff.toml", self.setup.to_toml()?.as_bytes()).map(drop)
    }
}

/// Whether the folders of servers stay when they are done with.
pub fn keeps_folders() -> bool {
    std::env::var_os(KEEP).is_some()
}

/// A handoff's state in one word, as the API shows it.
pub fn state(handoff: &Value) -> &str {
    const NAMES: [&str; 8] =
        ["requested", "waiting", "transferring", "in_doubt", "accepted", "carrying", "closed", "failed"];
    match handoff["state"].as_str() {
        Some(name) => name,
        None => NAMES.into_iter().find(|name| handoff.get(*name).is_some()).unwrap_or("unknown"),
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, or does not end.
pub async fn told(command: Command) -> Result<Told> {
    told_within(command, PATIENCE).await
}

async fn told_within(mut command: Command, patience: Duration) -> Result<Told> {
    command.kill_on_drop(true);
    let ended = tokio::time::timeout(patience, command.output()).await.context("a command does not end")?;
    let output = ended.context("a command cannot be started")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Told { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
}

/// The rows of a page of the API.
pub fn rows(page: &Value) -> &[Value] {
    let lists = page.as_object().into_iter().flat_map(|page| page.values());
    lists.filter_map(Value::as_array).next().map_or(&[], Vec::as_slice)
}

fn id(row: &Value) -> Result<&str> {
    row["id"].as_str().context("a row without an id")
}
