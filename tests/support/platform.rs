//! A fake platform in a process of its own, and what every one of them can be asked.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, time::Instant};

use crate::{
    PATIENCE, POLL,
    built::built,
    chat::Chat,
    process::{Running, whole},
    web::{Web, send},
};

/// A running simulator.
#[derive(Debug)]
pub struct Platform {
    /// Its address.
    pub base: String,
    web: Web,
    running: Running,
    dir: TempDir,
}

impl Platform {
    /// Starts a simulator: `zendesk` or `bitrix24`, with its flags.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(name: &str, flags: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut command = Command::new(&built()?.simulators);
        command.arg(name).args(["--port", "0"]).args(flags).current_dir(dir.path());
        let running = Running::start(command, &log(dir.path())).await?;
        let base = running.base.clone();
        Ok(Self { web: Web::new(&base), base, running, dir })
    }

    /// Asks something of the simulator's control, such as `agent/reply`.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn control(&self, path: &str, body: Value) -> Result<Value> {
        self.web.post(&format!("/_sim/{path}"), &body).await
    }

    /// Looks at something of the simulator's control, such as `requests`.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn look(&self, path: &str) -> Result<Value> {
        self.web.get(&format!("/_sim/{path}")).await
    }

    /// Waits until the simulator's state is as wanted, and gives it.
    ///
    /// # Errors
    /// When that does not happen; the error shows the last state.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        let mut seen = self.look("inspect").await?;
        while !wanted(&seen) {
            if Instant::now() > end {
                bail!("never {what}. Live agents see {:#}; control {}", seen["live_agent"], seen["control"]);
            }
            let after = seen["revision"].as_u64().context("no revision")?;
            seen = self.look(&format!("inspect?after={after}&timeout_ms={}", POLL.as_millis())).await?;
        }
        Ok(seen)
    }

    /// Waits until live agents see what is wanted.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn until_chats(&self, what: &str, wanted: impl Fn(&[Chat]) -> bool) -> Result<Vec<Chat>> {
        let seen = self.until(what, |seen| wanted(&Chat::list(seen))).await?;
        Ok(Chat::list(&seen))
    }

    /// Every chat as live agents see it now.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn chats(&self) -> Result<Vec<Chat>> {
        Ok(Chat::list(&self.look("inspect").await?))
    }

    /// Every request that the platform was sent, in order.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn requests(&self) -> Result<Vec<Value>> {
        let all = self.look("requests").await?;
        Ok(all.as_array().cloned().unwrap_or_default())
    }

    /// Lets requests go wrong.
    ///
    /// # Errors
    /// When the fault makes no sense.
    pub async fn fault(&self, fault: Value) -> Result<()> {
        self.control("faults", json!({ "faults": [fault] })).await.map(drop)
    }

    /// Lets what the platform tells next come twice, late, in another order or not at all.
    ///
    /// # Errors
    /// When the fault makes no sense.
    pub async fn delivers(&self, fault: Value) -> Result<()> {
        self.control("deliveries/faults", fault).await.map(drop)
    }

    /// No request and no delivery goes wrong any more; requests that are held go on.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn heal(&self) -> Result<()> {
        send(self.web.request("DELETE", "/_sim/faults")).await?;
        send(self.web.request("DELETE", "/_sim/deliveries/faults")).await?;
        self.release().await
    }

    /// Lets the requests that are held go on.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn release(&self) -> Result<()> {
        self.control("release", json!({})).await.map(drop)
    }

    /// Waits until a request is held.
    ///
    /// # Errors
    /// When none is.
    pub async fn until_held(&self) -> Result<()> {
        self.until("held a request", |seen| seen["control"]["held"] != json!(0)).await.map(drop)
    }

    /// Waits until every request that was held has ended.
    ///
    /// # Errors
    /// When one goes on for ever.
    pub async fn until_settled(&self) -> Result<()> {
        self.until("let go of all requests", |seen| seen["control"]["held"] == json!(0)).await?;
        let open = |request: &Value| {
            request["status"].is_null() && request["fault"].as_str().is_some_and(|f| f.starts_with("hold"))
        };
        let end = Instant::now() + PATIENCE;
        while self.requests().await?.iter().any(open) {
            if Instant::now() > end {
                bail!("a released request never ended");
            }
            tokio::time::sleep(crate::PACE).await;
        }
        Ok(())
    }

    /// Waits until nothing that was asked will have an effect any more that it has not had yet.
    ///
    /// # Errors
    /// When a request goes on for ever.
    pub async fn until_idle(&self) -> Result<()> {
        let goes_on = |request: &Value| {
            request["status"].is_null() && (request["fault"].is_null() || request["fault"].is_object())
        };
        let end = Instant::now() + PATIENCE;
        while self.requests().await?.iter().any(goes_on) {
            if Instant::now() > end {
                bail!("a request never ended");
            }
            tokio::time::sleep(crate::PACE).await;
        }
        Ok(())
    }

    /// Every delivery to the server's webhook, with its attempts.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn deliveries(&self) -> Result<Vec<Value>> {
        let all = self.look("deliveries").await?;
        Ok(all["deliveries"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until everything that the platform had to tell was delivered, or given up.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn until_told(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let revision = self.look("inspect").await?["revision"].clone();
            let all = self.deliveries().await?;
            let open =
                |one: &&Value| matches!(one["state"].as_str(), Some("queued" | "sending" | "retrying"));
            let Some(waits) = all.iter().find(open) else { return Ok(()) };
            if Instant::now() > end {
                bail!("a delivery is stuck: {waits:#}");
            }
            self.look(&format!("inspect?after={revision}&timeout_ms={}", POLL.as_millis())).await?;
        }
    }

    /// The simulator's own log.
    pub fn log(&self) -> String {
        whole(&log(self.dir.path()))
    }

    /// Ends the simulator, as a platform that is down.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub async fn end(self) -> Result<()> {
        self.running.kill9().await
    }
}

fn log(dir: &Path) -> std::path::PathBuf {
    dir.join("simulator.log")
}
