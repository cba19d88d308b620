//! Programs that run beside a test: they tell their address, write a log, and can be killed.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::PATIENCE;

const ANNOUNCED: &str = "listening on ";
/// Lines of a log that an error shows.
const TAIL: usize = 40;

/// A program that serves. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Its address, without a slash at the end.
    pub base: String,
    log: PathBuf,
}

impl Running {
    /// Starts a program and waits for the one line that tells its address. All that it prints is
    /// added to `log`.
    ///
    /// # Errors
    /// When it ends before it listens; the error holds what it said.
    pub async fn start(mut command: Command, log: &Path) -> Result<Self> {
        let errors = OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?} cannot be started"))?;
        let stdout = child.stdout.take().context("the program has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let told = timeout(PATIENCE, announced(&mut lines, log)).await;
        match told {
            Ok(Ok(Some(base))) => {
                tokio::spawn(keep(lines, log.to_owned()));
                Ok(Self { child, base, log: log.to_owned() })
            }
            Ok(Ok(None)) => bail!("the program ended with {}: {}", child.wait().await?, tail(log)),
            Ok(Err(error)) => Err(error),
            Err(_) => bail!("the program does not listen: {}", tail(log)),
        }
    }

    /// The number of the process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends the program at once, as `kill -9` does.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill9(mut self) -> Result<()> {
        self.child.kill().await.context("the program cannot be killed")
    }

    /// Asks the program to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        if let Some(pid) = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_process(pid, Signal::TERM)?;
        }
        match timeout(Duration::from_secs(30), self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("the program does not end when it is told to: {}", tail(&self.log)),
        }
    }

    /// The end of what it said so far.
    pub fn said(&self) -> String {
        tail(&self.log)
    }
}

/// Everything a log holds.
pub fn whole(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn tail(log: &Path) -> String {
    let text = whole(log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

async fn announced(lines: &mut Lines<BufReader<ChildStdout>>, log: &Path) -> Result<Option<String>> {
    while let Some(line) = lines.next_line().await? {
        write(log, &line);
        if let Some(base) = line.strip_prefix(ANNOUNCED) {
            return Ok(Some(base.trim_end_matches('/').to_owned()));
        }
    }
    Ok(None)
}

async fn keep(mut lines: Lines<BufReader<ChildStdout>>, log: PathBuf) {
    while let Ok(Some(line)) = lines.next_line().await {
        write(&log, &line);
    }
}

fn write(log: &Path, line: &str) {
    let opened: std::io::Result<File> = OpenOptions::new().create(true).append(true).open(log);
    // A line that cannot be kept is missed by whoever looks for it.
    let _ = opened.and_then(|mut file| writeln!(file, "{line}"));
}

/// Sends a signal to a process.
///
/// # Errors
/// When there is no such process.
pub fn signal(process: u32, signal: Signal) -> Result<()> {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw).context("no process")?;
    Ok(kill_process(process, signal)?)
}

/// Processes that another one started.
///
/// # Errors
/// When processes cannot be listed.
pub fn children(of: u32) -> Result<Vec<u32>> {
    let numbers = fs::read_dir("/proc")?.flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = format!("PPid:\t{of}");
    let ours = |number: &u32| {
        fs::read_to_string(format!("/proc/{number}/status"))
            .is_ok_and(|status| status.lines().any(|line| line == parent))
    };
    Ok(numbers.filter(ours).collect())
}

/// What a process calls itself.
pub fn process_name(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned()
}
