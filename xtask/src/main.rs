//! The jobs of those who work on this project: `cargo xtask <job>`, one file a job.

#![expect(clippy::print_stdout, reason = "these programs talk to whoever runs them")]

mod abi;
mod bench;
mod browser;
mod build;
mod demo;
mod deny;
mod new_connector;
mod prove;
mod shell;
mod simulate;
mod test;
mod tidy;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Jobs of this project.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Runs plugins of every version of the plugin edge in servers of every other.
    AbiMatrix {
        /// Offers this server plugins whose edge is broken on purpose instead; it must refuse each of them.
        #[arg(long)]
        broken: bool,
    },
    /// Writes the reference of the plugin edge.
    AbiReference,
    /// Measures the release program.
    Bench(bench::Options),
    /// Builds the program and its plugin files, and lays them out as they are shipped.
    Build(build::Options),
    /// Plays a chat through to every platform, and checks every promise.
    Demo(demo::Options),
    /// Makes a crate for a new connector, which builds, passes the conformance kit and serves in the demo.
    NewConnector(new_connector::Options),
    /// Runs the long versions of what the tests check in small, and writes down what came of it.
    Prove(prove::Options),
    /// Plays server, platforms, network and persons in one thread, seed after seed.
    Simulate(simulate::Options),
    /// Runs everything that a commit must pass.
    Test(test::Options),
    /// Checks what no compiler checks: the purity of the core, paths, licences, sizes.
    Tidy,
    /// Lets many chats leave while everything goes wrong that can, and compares what all sides hold.
    Torture(torture::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().job {
        Job::AbiMatrix { broken: false } => abi::matrix::run(),
        Job::AbiMatrix { broken: true } => abi::broken::run(),
        Job::AbiReference => abi::reference::run(),
        Job::Bench(options) => bench::run(&options),
        Job::Build(options) => build::run(&options),
        Job::Demo(options) => demo::run(&options),
        Job::NewConnector(options) => new_connector::run(&options),
        Job::Prove(options) => prove::run(&options),
        Job::Simulate(options) => simulate::run(&options),
        Job::Test(options) => test::run(&options),
        Job::Tidy => tidy::run(),
        Job::Torture(options) => torture::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
