//! A platform, a server, and how persons reach them, by route.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use handoff_tests::{
    PACE, PATIENCE,
    assistants::{ACCEPTED, CLOSED, line, support, with_handoff},
    bitrix24::{Bitrix24, CLIENT_ID},
    chat::Chat,
    platform::Platform,
    server::{Server, state},
    setup::Setup,
    zendesk::Zendesk,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{FACTOR, books::Book};

/// How long attempts go on, in the server's seconds: longer than any storm.
const BUDGET: u64 = 900;
/// How long a doubt may last after its person was told of the delay, before an operator decides.
const HESITATION: Duration = Duration::from_secs(20);

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// From the webchat over a bridge.
    Zendesk,
    /// From the webchat over a bridge.
    OpenChannel,
    /// From the platform's own chat.
    Line,
}

/// The platform of an act.
pub(crate) enum Desk {
    Zendesk(Zendesk),
    Bitrix24(Bitrix24),
}

/// Everything an act needs.
pub(crate) struct Stage {
    pub(crate) route: Route,
    pub(crate) desk: Desk,
    pub(crate) server: Server,
}

/// Where persons come in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) route: Route,
    /// The server's address, or the platform's on its own chat.
    pub(crate) base: String,
}

impl Desk {
    pub(crate) fn platform(&self) -> &Platform {
        match self {
            Self::Zendesk(desk) => desk,
            Self::Bitrix24(desk) => desk,
        }
    }
}

/// Whether live agents have the chat, or had it.
pub(crate) fn is_taken(handoff: &Value) -> bool {
    matches!(state(handoff), "accepted" | "carrying" | "closed")
}

impl Stage {
    pub(crate) async fn set(route: Route, seed: u32) -> Result<Self> {
        let (factor, seed) = (FACTOR.to_string(), seed.to_string());
        let flags = ["--clock-factor", &factor, "--seed", &seed];
        let setup = Setup::new()?.with_clock_factor(FACTOR);
        let patient =
            |assistant| with_handoff(assistant, |handoff| handoff["budget_seconds"] = json!(BUDGET));
        let (desk, server) = match route {
            Route::Zendesk => {
                let desk = Zendesk::start(&flags).await?;
                let setup = setup.with_zendesk(&desk).with_assistant(patient(support("zendesk")));
                let server = Server::start(setup).await?;
                desk.point_webhook(&server.base).await?;
                (Desk::Zendesk(desk), server)
            }
            Route::OpenChannel => {
                let desk = Bitrix24::start(&[&flags[..], &["--rate-limit", "false"]].concat()).await?;
                let sales = json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] });
                desk.control("line", sales).await?;
                let mut setup = setup.with_assistant(patient(support("bitrix24")));
                setup.config["connections"]["bitrix24"] = desk.application();
                let server = Server::start(setup).await?;
                let handler = json!({ "handler": format!("{}/webhooks/bitrix24", server.base) });
                desk.control("app/install", handler).await?;
                let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
                desk.until(&format!("the connector of {CLIENT_ID}"), on).await?;
                (Desk::Bitrix24(desk), server)
            }
            Route::Line => {
                let desk = Bitrix24::start(&[&flags[..], &["--rate-limit", "false"]].concat()).await?;
                let mut setup = setup.with_bitrix24(&desk).with_assistant(patient(line()));
                // A portal posts an event once; whoever may be down fetches them.
                setup.config["connections"]["bitrix24"]["settings"]["event_mode"] = json!("fetch");
                let server = Server::start(setup).await?;
                desk.until_installed().await?;
                (Desk::Bitrix24(desk), server)
            }
        };
        Ok(Self { route, desk, server })
    }

    pub(crate) fn door(&self) -> Door {
        let base = match self.route {
            Route::Line => self.desk.platform().base.clone(),
            Route::Zendesk | Route::OpenChannel => self.server.base.clone(),
        };
        Door { route: self.route, base }
    }

    /// The storm is over: everything runs, and nothing goes wrong any more.
    pub(crate) async fn calm(&mut self) -> Result<()> {
        self.desk.platform().heal().await?;
        self.server.ensure_running().await
    }

    /// The person's handoff, once it is decided; and whether an operator had to do it.
    pub(crate) async fn decided(&self, book: &Book) -> Result<(Value, bool)> {
        let (began, end) = (Instant::now(), Instant::now() + PATIENCE * 2);
        let mut by_hand = false;
        loop {
            let handoff = match &book.conversation {
                Some(id) => self.server.handoff_of(id).await.ok(),
                None => self.of_person(book).await?,
            };
            if let Some(handoff) = &handoff
                && (is_taken(handoff) || matches!(state(handoff), "failed"))
            {
                return Ok((handoff.clone(), by_hand));
            }
            let doubtful = handoff.as_ref().filter(|handoff| state(handoff) == "in_doubt");
            if let Some(handoff) = doubtful.filter(|_| !by_hand && began.elapsed() > HESITATION)
                && handoff["receipt"]["told"].to_string().contains("delayed")
            {
                let id = handoff["id"].as_str().context("a handoff without an id")?;
                let reason = json!({ "reason": "its platform cannot tell" });
                by_hand =
                    self.server.admin().post(&format!("/v1/handoffs/{id}/give-up"), &reason).await.is_ok();
            }
            if Instant::now() > end {
                bail!("{}: undecided: {handoff:#?}", book.name);
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// The handoff of a person on the platform's own chat.
    async fn of_person(&self, book: &Book) -> Result<Option<Value>> {
        for row in self.server.conversations().await? {
            let id = row["id"].as_str().context("a conversation without an id")?;
            let kept = self.server.conversation(id).await?;
            if kept["messages"].to_string().contains(&book.mark()) {
                return Ok(self.server.handoff_of(id).await.ok());
            }
        }
        Ok(None)
    }

    /// The chats in which this person's words stand, as live agents see them.
    pub(crate) async fn chats_of(&self, book: &Book) -> Result<Vec<Chat>> {
        let ours = |chat: &Chat| chat.lines.iter().any(|line| line.text.contains(&book.mark()));
        Ok(self.desk.platform().chats().await?.into_iter().filter(ours).collect())
    }

    /// Waits until live agents see the last word.
    pub(crate) async fn until_carried(&self, book: &Book) -> Result<()> {
        let last = book.said.last().context("nothing was said")?.clone();
        let whole =
            |chats: &[Chat]| chats.iter().any(|chat| chat.lines.iter().any(|line| line.text.contains(&last)));
        let told = self.desk.platform().until_chats(&format!("the word {last:?}"), whole).await;
        told.map(drop).with_context(|| format!("{}: a word did not arrive", book.name))
    }

    /// The live agent writes and closes; on our own channel the person sees both.
    pub(crate) async fn agent_speaks_and_closes(&self, book: &mut Book) -> Result<()> {
        let chats = self.chats_of(book).await?;
        let [chat] = &chats[..] else { return Ok(()) };
        let words = book.agent_words();
        match &self.desk {
            Desk::Zendesk(desk) => {
                desk.replies(&chat.id, &words).await?;
                book.until_shown(&words).await?;
                desk.closes(&chat.id).await?;
            }
            Desk::Bitrix24(desk) => {
                let id = chat.id.parse()?;
                desk.accepts(id).await?;
                desk.replies(id, &words).await?;
                book.until_shown(&words).await?;
                desk.closes(id).await?;
            }
        }
        book.until_shown(CLOSED).await
    }

    /// What the person is told when this platform has the chat.
    pub(crate) fn accepted_text(&self) -> &'static str {
        match self.route {
            Route::Zendesk => ACCEPTED,
            Route::OpenChannel | Route::Line => handoff_tests::assistants::QUEUED,
        }
    }
}
