//! `cargo xtask demo`: one chat to Zendesk, one to Bitrix24 and one through a crash, against the
//! running programs, and the promises checked on what happened.

mod bridge;
mod connector;
mod crash;
mod native;
mod open;
mod report;
mod theatre;

use anyhow::{Context, Result, ensure};
use handoff_tests::built::{built, target};

use report::Report;
use theatre::Theatre;

/// How to play.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Plays, prints one line for each promise, and ends; without a browser or a terminal.
    #[arg(long)]
    script: bool,
    /// Plays a chat to this connector of `plugins/` alone, and to the platform of its example `desk`.
    #[arg(long)]
    connector: Option<String>,
}

/// Plays, and fails when a promise is not kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(id) = &options.connector {
        return runtime.block_on(connector::play(id, options.script));
    }
    println!("building the program, the simulators and the plugins");
    let theatre = built().and_then(|_| runtime.block_on(play()));
    if options.script {
        println!("main job: {}", if theatre.is_ok() { "ok" } else { "FAILED" });
    }
    match theatre? {
        _ if options.script => Ok(()),
        theatre => runtime.block_on(open::stay_open(theatre)),
    }
}

async fn play() -> Result<Theatre> {
    let mut theatre = Theatre::open().await?;
    let mut report = Report::default();
    let ended = perform(&mut theatre, &mut report).await;
    let kept = report.print();
    report.write(&target().join("demo").join("report.json"))?;
    ended.with_context(|| {
        format!("the play broke off; the server's last words:\n{}", theatre.server.log_tail())
    })?;
    ensure!(kept, "a promise was not kept");
    Ok(theatre)
}

async fn perform(theatre: &mut Theatre, report: &mut Report) -> Result<()> {
    bridge::play(theatre, report).await?;
    native::play(theatre, report).await?;
    crash::play(theatre, report).await
}
