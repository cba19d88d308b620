//! Opens a plugin file in a process of its own first, so that a file which ends its process ends no server.

use std::{
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    inspect::inspect,
    load,
    report::{Refusal, Stage},
};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks at the process.
const TICK: Duration = Duration::from_millis(2);
/// What the process says when all is well.
const GOOD: &[u8] = b"\"good\"";

/// Lets `program connector-probe FILE` open the file, and says what came of it.
pub(super) fn probe(program: &Path, file: &Path) -> Result<(), Refusal> {
    let refuse =
        |reason: String| Refusal::new(Stage::Probe, reason, "ask the plugin's author for a mended file");
    let mut command = Command::new(program);
    command.arg("connector-probe").arg(file).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        let remedy = "let the server's user start processes";
        Refusal::new(Stage::Probe, format!("no process could be started to try the file: {error}"), remedy)
    })?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if began.elapsed() < PATIENCE => thread::sleep(TICK),
            Ok(None) => {
                // It does not matter whether it ends by itself at this very moment.
                drop(child.kill());
                drop(child.wait());
                return Err(refuse(format!("opening it did not end within {} s", PATIENCE.as_secs())));
            }
            Err(error) => return Err(refuse(format!("the process that tried it is lost: {error}"))),
        }
    };
    if let Some(signal) = status.signal() {
        return Err(refuse(format!("it ended the process that tried to open it (signal {signal})")));
    }
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        // What does not fit is no verdict.
        drop(output.take(64 * 1024).read_to_end(&mut said));
    }
    if status.success() && said == GOOD {
        return Ok(());
    }
    Err(serde_json::from_slice(&said)
        .unwrap_or_else(|_| refuse(format!("it ended the process that tried to open it ({status})"))))
}

/// The other side: opens a file of the private store and writes the verdict. The process ends after it.
///
/// # Errors
/// When the verdict cannot be written.
pub fn probe_here(file: &Path, mut verdict: impl Write) -> std::io::Result<()> {
    let opened = inspect(file).and_then(|inspection| load::open(file, &inspection));
    match opened {
        Ok(_) => verdict.write_all(GOOD),
        Err(refusal) => verdict.write_all(&serde_json::to_vec(&refusal)?),
    }
}
