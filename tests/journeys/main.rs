//! Whole ways of whole chats, promise by promise, through the real program and the real plugins.

mod audit;
mod availability;
mod banking;
mod bridge;
mod consent;
mod doubles;
mod failures;
mod fallback;
mod faults;
mod files;
mod native;
mod open_channel;
mod open_channel_set_up;
mod open_channel_traps;
mod open_line;
mod open_line_traps;
mod plans;
mod quota;
mod receipt;
mod redaction;
mod restore;
mod sealing;
mod setting_up;
mod tickets;
mod transit;
mod zendesk_faults;
mod zendesk_native;

use anyhow::Result;
use handoff_tests::{
    assistants::{WISH, support, with_handoff},
    bitrix24::Bitrix24,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

/// How much faster the server's time runs where a test waits for its budgets.
const FACTOR: u32 = 20;
/// The same for simulators.
const FASTER: [&str; 2] = ["--clock-factor", "20"];

/// A server with an account on Zendesk.
async fn on_zendesk(change: impl FnOnce(Setup) -> Setup) -> Result<(Zendesk, Server)> {
    let zendesk = Zendesk::start(&FASTER).await?;
    let setup = Setup::new()?.with_zendesk(&zendesk).with_clock_factor(FACTOR);
    let server = Server::start(change(setup)).await?;
    zendesk.point_webhook(&server.base).await?;
    Ok((zendesk, server))
}

/// A server with a portal of Bitrix24.
async fn on_bitrix24(flags: &[&str], change: impl FnOnce(Setup) -> Setup) -> Result<(Bitrix24, Server)> {
    on_bitrix24_with(flags, &[], change).await
}

/// A server with a portal that has these open channels beside its first.
async fn on_bitrix24_with(
    flags: &[&str],
    lines: &[Value],
    change: impl FnOnce(Setup) -> Setup,
) -> Result<(Bitrix24, Server)> {
    let flags: Vec<&str> = FASTER.iter().chain(flags).copied().collect();
    let bitrix24 = Bitrix24::start(&flags).await?;
    for line in lines {
        bitrix24.control("line", line.clone()).await?;
    }
    let setup = Setup::new()?.with_bitrix24(&bitrix24).with_clock_factor(FACTOR);
    let server = Server::start(change(setup)).await?;
    bitrix24.until_installed().await?;
    Ok((bitrix24, server))
}

/// The open channel 30.
fn sales() -> Value {
    json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [103] })
}

/// Nothing to change.
fn plain(setup: Setup) -> Setup {
    setup
}

/// The assistant's handoff may take this long, in the server's seconds.
fn patient(seconds: u64) -> Value {
    with_handoff(support("zendesk"), |handoff| handoff["budget_seconds"] = json!(seconds))
}

/// A person whose chat is being transferred: the platform's request after the next `skip` of this
/// path is held.
async fn while_transferring(zendesk: &Zendesk, server: &Server, path: &str, kind: &str) -> Result<Visitor> {
    let mut person = Visitor::open(server).await?;
    zendesk.fault(json!({ "method": "POST", "path": path, "kind": kind })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    Ok(person)
}
