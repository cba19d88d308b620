//! Runs other programs, and says which.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use handoff_tests::built::{self, root};

/// A step of a longer job: says what begins, and how long it took.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let began = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    println!("== {name}: ok, {} s", began.elapsed().as_secs());
    Ok(())
}

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = built::cargo();
    cargo.current_dir(root()).args(arguments);
    cargo
}

/// Runs a program to its end, and expects success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} cannot be started", name(command)))?;
    ensure!(status.success(), "{} ended with {status}", name(command));
    Ok(())
}

/// Whether a program can be run with these arguments.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a program printed; none when it cannot be run or fails.
pub(crate) fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether packages of the system can be installed without asking anybody: root on Debian or Ubuntu.
pub(crate) fn may_install() -> bool {
    printed("id", &["-u"]).is_some_and(|id| id.trim() == "0") && works("apt-get", &["--version"])
}

/// Installs packages of the system, saying so.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("installing {} through apt-get", packages.join(", "));
    let mut update = Command::new("apt-get");
    run(update.args(["update", "-qq"]).stdout(Stdio::null()))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

fn name(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    let words: Vec<_> = [command.get_program().to_string_lossy()].into_iter().chain(arguments).collect();
    words.join(" ")
}
