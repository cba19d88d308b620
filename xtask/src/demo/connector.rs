//! A chat to a connector that is not part of the program, such as one that `cargo xtask new-connector` made.

use anyhow::Result;
use handoff_tests::{
    built::{built, target},
    debut::Debut,
    setup::PASSWORD,
};

use crate::shell::{cargo, run};

/// Builds the connector and the platform that it brings, and has a server hand a chat to it.
pub(super) async fn play(id: &str, script: bool) -> Result<()> {
    let package = format!("handoff-{}", id.replace('_', "-"));
    println!("building the program, {package} and its desk");
    built()?;
    run(&mut cargo(&["build", "--quiet", "--package", &package, "--lib", "--example", "desk"]))?;
    let folder = target().join("debug");
    let file = folder.join(format!("lib{}.so", package.replace('-', "_")));
    let debut = Debut::play(id, &file, &folder.join("examples/desk")).await?;
    println!("a person asked for live agents and was told:");
    for text in debut.person.texts() {
        println!("  {text}");
    }
    let chat = debut.handoff.pointer("/receipt/ticket/chat");
    println!("the file is signed, and {id} has the chat as {}", chat.unwrap_or_default());
    println!("main job: ok");
    if !script {
        println!("webchat  {}/webchat/web", debut.server.base);
        println!("console  {}/console   (user admin, password {PASSWORD:?})", debut.server.base);
        println!("Ctrl-C ends it.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}
