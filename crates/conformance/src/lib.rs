//! The conformance kit: whether a connector keeps what the server promises.
//!
//! It takes a plugin **file** and drives it through the server's own loader, lanes and capabilities, in both
//! modes. Around it everything is played: the platform, time, kept values, and whatever can go wrong between
//! them. A failure names the promise that cannot be kept with the connector and shows what was said.
//!
//! In a plugin's crate it is one line, in `tests/conformance.rs`:
//!
//! ```ignore
//! handoff_conformance::test!(Acme);
//! ```
//!
//! where `Acme` is a [`Scenario`]: how the connector is configured, and a [`Platform`] for it to talk to. For a
//! file alone there is `handoff connector conformance FILE`. Read [`Kit`] first, then `cases`.

mod cases;
mod elf;
mod fault;
mod front;
mod log;
mod mask;
mod moving;
mod outside;
mod play;
mod program;
mod promise;
mod relay;
mod report;
pub mod scenario;
mod scene;
mod settings;
mod stage;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use play::play;
#[doc(hidden)]
pub use program::play_worker;
pub use promise::Promise;
pub use relay::{Look, Relay, pass_on};
pub use report::{Failure, Outcome, Report, Verdict};
pub use scenario::{Answer, Chat, Kept, Platform, Request, Scenario};

use stage::Terms;

/// Tries one plugin file.
#[derive(Debug, Clone)]
pub struct Kit(Terms);

impl Kit {
    /// The kit for a plugin file. `program` runs workers and probes, as `PROGRAM connector-worker FILE` and
    /// `PROGRAM connector-probe FILE`: the program `handoff`, or one that calls [`play_worker`] first.
    pub fn new(file: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        Self(Terms {
            file: file.into(),
            before: None,
            program: program.into(),
            patience: Duration::from_secs(20),
            hangs_after: Duration::from_secs(5),
        })
    }

    /// The file of the version before this one: upgrades begin with it, and its settings are tried.
    #[must_use]
    pub fn before(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.before = Some(file.into());
        self
    }

    /// How long a connector may take for an answer, and how long it may keep its thread.
    #[must_use]
    pub fn patience(mut self, patience: Duration, hangs_after: Duration) -> Self {
        (self.0.patience, self.0.hangs_after) = (patience, hangs_after);
        self
    }

    /// Tries every case; without a scenario those that need no platform.
    ///
    /// # Errors
    /// When this process cannot do so at all.
    pub fn run(&self, scenario: Option<&dyn Scenario>) -> std::io::Result<Report> {
        if !log::listen() {
            return Err(std::io::Error::other("the log of this process is kept by something else already"));
        }
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build()?;
        let report = runtime.block_on(cases::run(&self.0, scenario));
        // A connector that hangs must not keep anybody from ending.
        runtime.shutdown_background();
        Ok(report)
    }
}

/// The plugin file of a package, as cargo leaves it beside the package's tests.
pub fn beside_tests(package: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let name = format!("lib{}.so", package.replace('-', "_"));
    test.parent().unwrap_or(Path::new("")).join(name)
}

/// Tries the plugin file of a package under test, or another one that `HANDOFF_PLUGIN` names; for [`test!`].
///
/// # Panics
/// With the report, when a case fails.
#[doc(hidden)]
#[expect(clippy::panic, reason = "that is how a test says that it failed")]
pub fn assert_conforms(package: &str, scenario: &dyn Scenario) {
    let file = std::env::var_os("HANDOFF_PLUGIN").map_or_else(|| beside_tests(package), PathBuf::from);
    let kit = Kit::new(file, std::env::current_exe().unwrap_or_default());
    match kit.run(Some(scenario)) {
        Ok(report) if report.passed() => tell(&report),
        Ok(report) => panic!("\n{report}"),
        Err(error) => panic!("the kit cannot run: {error}"),
    }
}

#[expect(clippy::print_stdout, reason = "a test talks to whoever runs it")]
fn tell(report: &Report) {
    println!("{report}");
}

/// The kit as a test of a plugin's crate: `handoff_conformance::test!(Acme);` in `tests/conformance.rs`, where
/// `Acme` gives a [`Scenario`]. Several of them have names: `test! { by_bridge: Acme(1), by_ticket: Acme(2) }`.
#[macro_export]
macro_rules! test {
    ($scenario:expr) => {
        $crate::plays_workers!();

        #[test]
        fn the_connector_keeps_every_promise() {
            $crate::assert_conforms(env!("CARGO_PKG_NAME"), &$scenario);
        }
    };
    ($($name:ident: $scenario:expr),+ $(,)?) => {
        $crate::plays_workers!();

        $(
            mod $name {
                use super::*;

                #[test]
                fn the_connector_keeps_every_promise() {
                    $crate::assert_conforms(env!("CARGO_PKG_NAME"), &$scenario);
                }
            }
        )+
    };
}

/// Lets a test program be a worker, too, before its tests begin.
#[macro_export]
macro_rules! plays_workers {
    () => {
        #[used]
        #[allow(unsafe_code)]
        #[unsafe(link_section = ".init_array")]
        static AT_START: extern "C" fn() = {
            extern "C" fn at_start() {
                $crate::play_worker();
            }
            at_start
        };
    };
}
