//! The ways out, and a platform with a server for each.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, QUEUED, line, support, with_handoff},
    bitrix24::{Bitrix24, CLIENT_ID},
    platform::Platform,
    server::Server,
    setup::Setup,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use crate::{FACTOR, disk::Disk, stage::Stage};

/// How long attempts go on, in the server's seconds: longer than almost any storm.
const BUDGET: u64 = 600;

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// From the webchat over a bridge.
    Zendesk,
    /// From the webchat over a bridge.
    OpenChannel,
    /// From the platform's own chat.
    Line,
    /// From the webchat, as a ticket.
    Ticket,
    /// From the platform's own channels.
    Native,
}

/// The platform of an act.
pub(crate) enum Desk {
    Zendesk(Zendesk),
    Bitrix24(Bitrix24),
}

impl Desk {
    pub(crate) fn platform(&self) -> &Platform {
        match self {
            Self::Zendesk(desk) => desk,
            Self::Bitrix24(desk) => desk,
        }
    }
}

impl Route {
    /// All of them, in the order in which acts take them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Zendesk, Self::OpenChannel, Self::Line, Self::Ticket, Self::Native];

    /// Whether persons chat on the platform itself.
    pub(crate) fn is_the_platforms(self) -> bool {
        matches!(self, Self::Line | Self::Native)
    }

    /// What the person is told when live agents have the chat.
    pub(crate) fn accepted_text(self) -> &'static str {
        match self {
            Self::Zendesk | Self::Ticket | Self::Native => ACCEPTED,
            Self::OpenChannel | Self::Line => QUEUED,
        }
    }

    /// Starts everything that persons need to chat and to leave.
    pub(crate) async fn set(self, seed: u32) -> Result<Stage> {
        let (factor, seed) = (FACTOR.to_string(), seed.to_string());
        let flags = ["--clock-factor", &factor, "--seed", &seed];
        let setup = Setup::new()?.with_clock_factor(FACTOR);
        match self {
            Self::Zendesk | Self::Ticket | Self::Native => self.on_zendesk(&flags, setup).await,
            Self::OpenChannel => self.on_open_channel(&flags, setup).await,
            Self::Line => self.on_line(&flags, setup).await,
        }
    }

    async fn on_zendesk(self, flags: &[&str], setup: Setup) -> Result<Stage> {
        let answering: &[&str] = match self {
            Self::Native => &["--channel-responder", "handoff"],
            _ => &[],
        };
        let desk = Zendesk::start(&[flags, answering].concat()).await?;
        let assistant = with_handoff(patient(support("zendesk")), |handoff| {
            if self == Self::Ticket {
                handoff["route"] = json!("ticket");
            }
        });
        let mut setup = setup.with_zendesk(&desk).with_assistant(assistant);
        if self == Self::Native {
            setup.config["connections"]["zendesk"]["assistant"] = json!("support");
        }
        let (server, disk) = serving(setup).await?;
        desk.point_webhook(&server.base).await?;
        Ok(Stage { route: self, desk: Desk::Zendesk(desk), disk, server, ahead: 0 })
    }

    async fn on_open_channel(self, flags: &[&str], setup: Setup) -> Result<Stage> {
        let desk = portal(flags).await?;
        let sales = json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] });
        desk.control("line", sales).await?;
        let mut setup = setup.with_assistant(patient(support("bitrix24")));
        setup.config["connections"]["bitrix24"] = desk.application();
        let (server, disk) = serving(setup).await?;
        let handler = json!({ "handler": format!("{}/webhooks/bitrix24", server.base) });
        desk.control("app/install", handler).await?;
        let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
        desk.until(&format!("the connector of {CLIENT_ID}"), on).await?;
        Ok(Stage { route: self, desk: Desk::Bitrix24(desk), disk, server, ahead: 0 })
    }

    async fn on_line(self, flags: &[&str], setup: Setup) -> Result<Stage> {
        let desk = portal(flags).await?;
        let mut setup = setup.with_bitrix24(&desk).with_assistant(patient(line()));
        // A portal posts an event once; whoever may be down fetches them.
        setup.config["connections"]["bitrix24"]["settings"]["event_mode"] = json!("fetch");
        let (server, disk) = serving(setup).await?;
        desk.until_installed().await?;
        Ok(Stage { route: self, desk: Desk::Bitrix24(desk), disk, server, ahead: 0 })
    }
}

async fn portal(flags: &[&str]) -> Result<Bitrix24> {
    Bitrix24::start(&[flags, &["--rate-limit", "false"]].concat()).await
}

fn patient(assistant: Value) -> Value {
    with_handoff(assistant, |handoff| handoff["budget_seconds"] = json!(BUDGET))
}

/// A server, and the small disk that it keeps its data on, where one can be made.
async fn serving(setup: Setup) -> Result<(Server, Option<Disk>)> {
    let mut server = Server::prepare(setup)?;
    let disk = Disk::under(&server)?;
    server.begin().await?;
    Ok((server, disk))
}
