//! Starts one fake platform and prints its address.

use std::io::Write;

use anyhow::Context;
use clap::{Parser, Subcommand};
use handoff_simulators::control::Common;
use handoff_simulators::{bitrix24, zendesk};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Fake live-agent platforms for tests and demonstrations.
#[derive(Parser)]
#[command(name = "handoff-simulators", version)]
struct Cli {
    #[command(subcommand)]
    platform: Platform,
}

#[derive(Subcommand)]
enum Platform {
    /// Zendesk: Sunshine Conversations and the Support API.
    Zendesk(Box<zendesk::Options>),
    /// Bitrix24: open channels and their chat bots.
    Bitrix24(Box<bitrix24::Options>),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().platform {
        Platform::Zendesk(options) => zendesk::serve(listen(&options.common).await?, *options).await,
        Platform::Bitrix24(options) => bitrix24::serve(listen(&options.common).await?, *options).await,
    }
}

/// Binds the port and tells the parent process, in one line, which one it became.
async fn listen(common: &Common) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", common.port)).await.context("binding the port")?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    Ok(listener)
}
