//! A scenario's platform at an address of its own, for a server that runs.

use std::{
    io::{self, Write},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{front::Front, mask::Masks, scenario::Scenario, scene::Scene};

/// Plays the platform of a scenario until the process is stopped. The first line of output is JSON: `settings`
/// and `secrets` of a connection to it, to be put into a server's configuration.
///
/// # Errors
/// When this process cannot listen.
pub fn play(scenario: &dyn Scenario) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (front, platform) = (Front::open().await?, scenario.platform().await);
        front.show(&Arc::new(Scene::new(platform, Arc::new(Masks::default()))));
        say(&json!({ "settings": scenario.settings(&front.base), "secrets": scenario.secrets() }))?;
        std::future::pending::<io::Result<()>>().await
    })
}

fn say(line: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
