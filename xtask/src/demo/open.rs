//! After the play the curtain stays open, for whoever wants to look around.

use anyhow::Result;
use handoff_tests::setup::{ADMIN_KEY, PASSWORD};

use super::theatre::Theatre;

/// Says where everything is, and waits for Ctrl-C.
pub(super) async fn stay_open(theatre: Theatre) -> Result<()> {
    let Theatre { zendesk, bitrix24, server } = &theatre;
    println!();
    println!("webchat                   {}/webchat/web   (ask for \"a live agent\")", server.base);
    println!("console                   {}/console   (user admin, password {PASSWORD:?})", server.base);
    println!("API key                   {ADMIN_KEY}   (Authorization: Bearer …), for the channel \"api\"");
    println!("live agent on Zendesk     {}/_sim/", zendesk.base);
    println!("live agent on Bitrix24    {}/_sim/", bitrix24.base);
    println!("Ctrl-C ends it.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
