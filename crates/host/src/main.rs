//! The `handoff` program: the server, and the commands of its operator.
//!
//! `config` reads what the operator wrote, `compose` puts the parts together and is the only place that
//! knows every concrete type, `commands` has one file for each verb.

mod blobs;
mod clock;
mod commands;
mod compose;
mod config;
mod keyring;
mod receipt_key;
mod telemetry;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use commands::{
    assistant, backup, check, conformance, connection, connector, conversation, doctor, handoffs, probe,
    receipt, serve, signing, worker,
};

/// Runs AI-assistant chats and gives them away for good to live-agent platforms.
#[derive(Parser)]
#[command(name = "handoff", version)]
struct Cli {
    /// The configuration file.
    #[arg(long, global = true, env = "HANDOFF_CONFIG", default_value = "handoff.toml")]
    config: PathBuf,
    /// Prints JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server until it is told to stop.
    Serve,
    /// Checks the configuration, the plugin files, and every account on its platform.
    Check,
    /// Looks for everything that may be wrong with a server, whether it runs or not, and says what to do.
    Doctor,
    /// Imports, exports, validates and publishes assistants.
    #[command(subcommand)]
    Assistant(assistant::Verb),
    /// Shows, checks and sets up accounts on platforms.
    #[command(subcommand)]
    Connection(connection::Verb),
    /// Shows plugin files.
    #[command(subcommand)]
    Connector(connector::Verb),
    /// Shows handoffs.
    #[command(subcommand)]
    Handoff(handoffs::Verb),
    /// Shows conversations, up to their handoff.
    #[command(subcommand)]
    Conversation(conversation::Verb),
    /// Opens a plugin file and says what came of it, for a server that shall not do so itself.
    #[command(hide = true)]
    ConnectorProbe {
        /// The file.
        file: PathBuf,
    },
    /// Runs the connectors of a plugin file for the server at the other end of the socket that is its input.
    #[command(hide = true)]
    ConnectorWorker {
        /// The file.
        file: PathBuf,
    },
    /// Copies the database, also while the server runs, and reads the copy again.
    Backup(backup::Make),
    /// Puts a backup back, while the server does not run. Whatever may have been done since is looked up first.
    Restore(backup::Restore),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Connector(connector::Verb::Inspect { file }) => return connector::inspect(file, cli.json),
        Command::Connector(connector::Verb::Conformance(options)) => return conformance::run(options),
        Command::Connector(connector::Verb::Keygen { name }) => return signing::keygen(name),
        Command::Connector(connector::Verb::Sign { file, key }) => return signing::sign(file, key),
        Command::Handoff(handoffs::Verb::VerifyReceipt { file, key, signature }) => {
            return receipt::verify(file, key, signature.as_deref());
        }
        Command::ConnectorProbe { file } => return probe::run(file),
        Command::ConnectorWorker { file } => return worker::run(file),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(run_async(cli));
    // A connector that hangs must not keep the program from ending.
    runtime.shutdown_background();
    code
}

async fn run_async(cli: &Cli) -> anyhow::Result<ExitCode> {
    let (json, config) = (cli.json, || config::load(&cli.config));
    match &cli.command {
        // Also when the configuration is what is wrong.
        Command::Doctor => doctor::run(&cli.config, json).await,
        Command::Serve => serve::run(config()?).await,
        Command::Check => check::run(&config()?, json).await,
        Command::Assistant(verb) => assistant::run(&config()?, verb, json).await,
        Command::Connection(verb) => connection::run(&config()?, verb, json).await,
        Command::Connector(verb) => connector::run(&config()?, verb, json).await,
        Command::Handoff(verb) => handoffs::run(&config()?, verb, json).await,
        Command::Conversation(verb) => conversation::run(&config()?, verb, json).await,
        Command::ConnectorProbe { file } => probe::run(file),
        Command::ConnectorWorker { file } => worker::run(file),
        Command::Backup(make) => backup::make(&config()?, make, json),
        Command::Restore(restore) => backup::restore(&config()?, restore, json),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn no_two_arguments_of_the_command_line_collide() {
        super::Cli::command().debug_assert();
    }
}
