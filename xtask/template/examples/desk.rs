//! Plays Acme Desk until it is stopped, so that a server can hand chats to it.

#[path = "../tests/conformance/desk.rs"]
mod desk;

fn main() -> std::io::Result<()> {
    handoff_conformance::play(&desk::Scene)
}
