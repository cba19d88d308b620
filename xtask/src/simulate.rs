//! `cargo xtask simulate`: the whole server, both platforms and the network in one thread, seed after seed.

use anyhow::Result;

use crate::shell::{cargo, run as start};

/// How the simulation is built: by itself, because the connectors are linked into it and not loaded.
pub(crate) const BUILD: [&str; 4] = ["-p", "handoff-simulation", "--features", "connectors"];

/// Which seeds.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Plays this seed alone and prints everything that happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Puts backups of all ages back, in each seed at least one.
    #[arg(long)]
    restores: bool,
    /// Breaks a rule on purpose, such as `forgets-keys`; a wrong name lists all of them.
    #[arg(long)]
    flaw: Option<String>,
    /// Threads; as many as there are cores, unless said otherwise. Each plays one seed at a time.
    #[arg(long)]
    threads: Option<usize>,
}

/// What every commit has to pass, where nobody waits for it.
pub(crate) fn many() -> Result<()> {
    run(&Options { seeds: 10_000, from: 1, seed: None, restores: false, flaw: None, threads: None })
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = cargo(&["run", "--quiet", "--profile", "bench"]);
    command.args(BUILD).arg("--");
    command.args(["--seeds", &options.seeds.to_string(), "--from", &options.from.to_string()]);
    if options.restores {
        command.arg("--restores");
    }
    let more = [
        ("--seed", options.seed.map(|seed| seed.to_string())),
        ("--flaw", options.flaw.clone()),
        ("--threads", options.threads.map(|threads| threads.to_string())),
    ];
    for (flag, value) in more {
        if let Some(value) = value {
            command.args([flag, &value]);
        }
    }
    start(&mut command)
}
