//! A chat to a connector that is not part of the program, such as one that `cargo xtask new-connector` made.

use anyhow::Result;
use handoff_tests::{
    built::{built, target},
    debut::Debut,
    setup::{ADMIN_KEY, PASSWORD},
};
use serde_json::Value;

use crate::shell::{cargo, run};

/// Builds the connector and the platform that it brings, and has a server hand a chat to it.
pub(super) async fn play(id: &str, script: bool) -> Result<()> {
    let package = format!("handoff-{}", id.replace('_', "-"));
    println!("building the program, {package} and its desk; the first time that takes some minutes");
    built()?;
    run(&mut cargo(&["build", "--quiet", "--package", &package, "--lib", "--example", "desk"]))?;
    let folder = target().join("debug");
    let file = folder.join(format!("lib{}.so", package.replace('-', "_")));
    let debut = Debut::play(id, &file, &folder.join("examples/desk")).await?;
    println!("a person asked for live agents and was told:");
    for text in debut.person.texts() {
        println!("  {text}");
    }
    let chat = debut.handoff.pointer("/receipt/ticket/chat").and_then(Value::as_str).unwrap_or_default();
    println!("the file is signed, and {id} has the chat as {chat}");
    if script {
        println!("main job: ok");
    } else {
        let base = &debut.server.base;
        println!();
        println!("webchat     {base}/webchat/web   (ask for \"a live agent\")");
        println!("console     {base}/console   (user admin, password {PASSWORD:?})");
        println!("API key     {ADMIN_KEY}   (Authorization: Bearer …), for the channel \"api\"");
        println!("platform    {}   (what it is asked is shown here)", debut.desk);
        println!("live agent  each time, what your desk.rs lets the live agent do next in {chat}:");
        println!("            curl -X POST '{}'", debut.agent(chat));
        println!("Ctrl-C ends it.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}
