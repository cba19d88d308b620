//! `cargo xtask bench messages`: how many messages a second the server answers, measured as a user would.
//! `cargo xtask bench plugins`: what a call of a plugin costs in each mode, and what it costs to replace one.
//!
//! The release program, one SQLite file, connections that each send the next message when the last
//! one is answered. Every answer is durable before it is given. Driver and server share the machine.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use handoff_tests::built::{self, Profile, build, root};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const KEY: &str = "bench-bench-bench-bench-bench";
const ASSISTANT: &str = r#"{"format":1,"id":"bench","name":"Bench","triggers":[
 {"id":"card","on":{"event":"message_received","phrases":["where is my card"]},"actions":[
   {"id":"say","action":"send_message","texts":["Your card is on its way."]}]},
 {"id":"other","on":{"event":"fallback"},"actions":[{"id":"echo","action":"send_message","texts":["You said: { _user_input }"]}]}]}"#;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What: `messages` or `plugins`.
    #[arg(default_value = "messages")]
    what: String,
    /// Connections that send at the same time.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Seconds for which to send.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Conversations over which each connection spreads its messages.
    #[arg(long, default_value_t = 64)]
    conversations: u64,
    /// A program to measure instead of building one.
    #[arg(long)]
    handoff: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match options.what.as_str() {
        "messages" => messages(options),
        "plugins" => plugins(),
        other => bail!("there is no bench {other:?}; there are `messages` and `plugins`"),
    }
}

/// Runs the bench of the core with the program and a plugin file as they are shipped.
fn plugins() -> Result<()> {
    let built = build(Profile::Release)?;
    for (id, file) in &built.plugins {
        println!("plugin file of {id}: {} KiB", fs::metadata(file)?.len() / 1024);
    }
    let status = built::cargo()
        .current_dir(root())
        .args(["bench", "--package", "handoff-core", "--bench", "plugins"])
        .env("HANDOFF_PROGRAM", &built.handoff)
        .env("HANDOFF_PLUGIN", built.plugin("loopback")?)
        .status()?;
    ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}

fn messages(options: &Options) -> Result<()> {
    let handoff = match &options.handoff {
        Some(program) => program.canonicalize()?,
        None => build(Profile::Release)?.handoff,
    };
    let folder = std::env::temp_dir().join(format!("handoff-bench-{}", std::process::id()));
    fs::create_dir_all(folder.join("plugins"))?;
    let outcome = measure(&handoff, &folder, options);
    let _ = fs::remove_dir_all(&folder);
    outcome
}

fn measure(handoff: &Path, folder: &Path, options: &Options) -> Result<()> {
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"warn\"\n[channels.api]\nkind = \"api\"\nassistant = \"bench\"\n\
         [api_keys.bench]\nkey = \"{KEY}\"\nscopes = [\"channel:api\"]\n"
    );
    let config_file = folder.join("handoff.toml");
    fs::write(&config_file, config)?;
    fs::write(folder.join("bench.json"), ASSISTANT)?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(handoff);
        command.arg("--config").arg(&config_file).args(arguments).current_dir(folder);
        command
    };
    let imported =
        command(&["assistant", "import", "bench.json", "--publish"]).stdout(Stdio::null()).status()?;
    ensure!(imported.success(), "the assistant could not be imported");
    let began = Instant::now();
    let mut server = command(&["serve"]).stdout(Stdio::piped()).spawn()?;
    let outcome = listening(&mut server).and_then(|address| {
        println!("start to ready: {} ms (no connections)", began.elapsed().as_millis());
        println!("idle memory: {} MB", resident_kib(server.id())? / 1024);
        drive(&address, options)?;
        println!("memory after: {} MB", resident_kib(server.id())? / 1024);
        Ok(())
    });
    server.kill()?;
    server.wait()?;
    outcome
}

fn listening(server: &mut Child) -> Result<String> {
    let mut line = String::new();
    let output = server.stdout.take().context("the server has no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://");
    address.map(str::to_owned).with_context(|| format!("the server did not start: {line}"))
}

fn resident_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn drive(address: &str, options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut waits: Vec<Duration> = runtime.block_on(async {
        // One warm-up second, not counted.
        all(address, options, Duration::from_secs(1)).await?;
        all(address, options, Duration::from_secs(options.seconds)).await
    })?;
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{} messages in {} s over {} connections: {} messages/s, p50 {} us, p99 {} us",
        waits.len(),
        options.seconds,
        options.connections,
        waits.len() as u64 / options.seconds,
        at(0.5),
        at(0.99)
    );
    Ok(())
}

async fn all(address: &str, options: &Options, time: Duration) -> Result<Vec<Duration>> {
    let until = Instant::now() + time;
    let senders = (0..options.connections).map(|n| send(address.to_owned(), n, options.conversations, until));
    let senders: Vec<_> = senders.map(|sender| tokio::task::spawn(sender)).collect();
    let mut waits = Vec::new();
    for sender in senders {
        waits.extend(sender.await??);
    }
    Ok(waits)
}

async fn send(address: String, connection: u32, conversations: u64, until: Instant) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut waits = Vec::new();
    let mut answer = vec![0; 64 * 1024];
    let mut n = 0_u64;
    while Instant::now() < until {
        let body = format!("{{\"text\":\"where is my card, the one I ordered {n} days ago?\"}}");
        let request = format!(
            "POST /v1/channels/api/conversations/b{connection}-{}/messages?wait=reply HTTP/1.1\r\nhost: bench\r\n\
             authorization: Bearer {KEY}\r\ncontent-type: application/json\r\nidempotency-key: k{}\r\ncontent-length: {}\r\n\r\n{body}",
            n % conversations,
            unique(connection, n),
            body.len()
        );
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        receive(&mut stream, &mut answer).await?;
        waits.push(began.elapsed());
        n += 1;
    }
    Ok(waits)
}

/// A key that no earlier run of the same server used.
fn unique(connection: u32, n: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{connection}-{n}-{}", now.as_nanos())
}

async fn receive(stream: &mut TcpStream, answer: &mut [u8]) -> Result<()> {
    let mut read = 0;
    loop {
        let more = stream.read(&mut answer[read..]).await?;
        ensure!(more > 0, "the server closed the connection");
        read += more;
        let text = std::str::from_utf8(&answer[..read])?;
        if let Some(end) = text.find("\r\n\r\n") {
            let head = &text[..end];
            if !head.starts_with("HTTP/1.1 200") {
                bail!("the server answered: {text}");
            }
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no length")?;
            if read >= end + 4 + length.parse::<usize>()? {
                return Ok(());
            }
        }
    }
}
