//! The folder of plugin files: what is wrong with a file is said, and everything else serves.

mod copies;
mod folder;
mod hot;
mod made;
mod odd;
mod removal;
mod worker;

use anyhow::{Result, ensure};
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    server::Server,
    visitor::Visitor,
};
use serde_json::Value;

/// Asserts that a chat can leave for the platform of the assistant `support`.
async fn hands_over(server: &Server) -> Result<Visitor> {
    let mut person = Visitor::open(server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    Ok(person)
}

/// What the command line reports of the plugin folder.
async fn report(server: &Server) -> Result<Value> {
    let told = server.cli(&["--json", "connector", "list"]).await?;
    ensure!(told.code.is_some(), "killed: {told:?}");
    serde_json::from_str(&told.out).map_err(|error| anyhow::anyhow!("{error}: {told:?}"))
}
