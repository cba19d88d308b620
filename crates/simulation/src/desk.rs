//! The platform and its live agents: the simulator without a listener.

use anyhow::{Result, bail, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use futures::FutureExt;
use handoff_core::plugins::{ConnectionSetup, Make};
use handoff_model::{ConnectionId, ConnectorId, connector::Manifest};
use handoff_simulators::{bitrix24, clock::Clock, control::Surroundings, deliveries::Outlet, zendesk};
use handoff_tests::{bitrix24::OPERATOR, chat::Chat};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{cluster::SERVER, plan::Route, time::BEGAN};

/// Where the platform is.
const BASE: &str = "https://platform.example";
/// Largest answer of a simulator, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// The platform of a run. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) route: Route,
    router: Router,
}

/// Options of the portal's simulator, as its command line has them.
#[derive(clap::Parser)]
#[command(no_binary_name = true)]
struct Portal {
    #[command(flatten)]
    options: bitrix24::Options,
}

impl Desk {
    pub(crate) fn open(route: Route, seed: u64, outlet: Outlet) -> Result<Self> {
        let surroundings = Surroundings { clock: Clock::starting(BEGAN), outlet };
        let seed = seed.to_string();
        let router = match route {
            Route::Zendesk => {
                let options = zendesk::Options::from_args(["--seed", &seed])?;
                zendesk::service(BASE.to_owned(), options, surroundings)
            }
            Route::OpenChannel | Route::Line => {
                // A portal posts once that a chat is over. Whoever was away can only look, and sees it where a chat that is
                // over names no session.
                let flags = ["--seed", &seed, "--rate-limit", "false", "--closed-session-named", "false"];
                let Portal { options } = clap::Parser::try_parse_from(flags)?;
                bitrix24::service(BASE.to_owned(), options, surroundings)
            }
        };
        Ok(Self { route, router })
    }

    /// Id of the connector and of its connection.
    pub(crate) fn id(&self) -> &'static str {
        match self.route {
            Route::Zendesk => "zendesk",
            Route::OpenChannel | Route::Line => "bitrix24",
        }
    }

    /// The connector: its manifest, and what makes it.
    pub(crate) fn connector(&self) -> Result<(Manifest, Make)> {
        let (manifest, make): (&[u8], Make) = match self.route {
            Route::Zendesk => (
                include_bytes!("../../../plugins/zendesk/manifest.json"),
                handoff_sdk::export::create::<handoff_zendesk::Zendesk>,
            ),
            Route::OpenChannel | Route::Line => (
                include_bytes!("../../../plugins/bitrix24/manifest.json"),
                handoff_sdk::export::create::<handoff_bitrix24::Bitrix24>,
            ),
        };
        Ok((serde_json::from_slice(manifest)?, make))
    }

    /// The server's connection to it.
    pub(crate) fn setup(&self) -> Result<ConnectionSetup> {
        let mut section = match self.route {
            Route::Zendesk => handoff_tests::zendesk::connection(BASE),
            Route::OpenChannel => handoff_tests::bitrix24::application(BASE),
            Route::Line => handoff_tests::bitrix24::connection(BASE),
        };
        if self.route == Route::Line {
            // A portal posts an event once; whoever may be down fetches them.
            section["settings"]["event_mode"] = json!("fetch");
        }
        let secrets = section["secrets"].as_object().into_iter().flatten();
        let secrets = secrets.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().into()));
        Ok(ConnectionSetup {
            id: ConnectionId::new(self.id()),
            connector: ConnectorId::new(self.id()),
            settings: section["settings"].clone(),
            secrets: secrets.collect(),
            quota: section.get("quota").map(|quota| serde_json::from_value(quota.clone())).transpose()?,
        })
    }

    /// What has to be so on the platform before anybody chats.
    pub(crate) async fn prepare(&self) -> Result<()> {
        match self.route {
            Route::Zendesk => {
                self.control("webhook", json!({ "target": format!("{SERVER}/webhooks/zendesk") })).await?;
            }
            Route::OpenChannel => {
                let sales = json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [OPERATOR] });
                self.control("line", sales).await?;
                self.install().await?;
            }
            Route::Line => {}
        }
        Ok(())
    }

    /// The portal's administrator installs the application.
    pub(crate) async fn install(&self) -> Result<()> {
        let handler = json!({ "handler": format!("{SERVER}/webhooks/bitrix24") });
        self.control("app/install", handler).await.map(drop)
    }

    /// Whether the platform can take chats.
    pub(crate) fn is_prepared(&self) -> bool {
        let seen = self.look("inspect").unwrap_or_default();
        match self.route {
            Route::Zendesk => true,
            Route::OpenChannel => !seen["connectors"]["handoff"]["lines"]["30"].is_null(),
            Route::Line => {
                let bots = seen["bots"].as_object().is_some_and(|bots| !bots.is_empty());
                bots && seen["lines"]["22"]["fields"]["WELCOME_BOT_ENABLE"] == "Y"
            }
        }
    }

    /// A request to the platform's API, or to its simulator's control.
    pub(crate) async fn request(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// Asks something of the simulator's control.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Result<Value> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/_sim/{path}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?;
        let answer = self.request(request).await;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), LARGEST).await?;
        ensure!(status.is_success(), "{path}: {}", String::from_utf8_lossy(&body));
        Ok(serde_json::from_slice(&body)?)
    }

    /// Looks at something of the simulator's control, at once.
    pub(crate) fn look(&self, path: &str) -> Result<Value> {
        let request = Request::builder().uri(format!("/_sim/{path}")).body(Body::empty())?;
        let read = async { to_bytes(self.request(request).await.into_body(), LARGEST).await };
        match read.now_or_never() {
            Some(body) => Ok(serde_json::from_slice(&body?)?),
            None => bail!("the simulator does not answer at once"),
        }
    }

    /// How many conversations a handoff made on Zendesk.
    pub(crate) fn conversations_of(&self, handoff: &str) -> Result<usize> {
        let all = self.look("inspect")?["conversations"].clone();
        let ours = |one: &&Value| one["metadata"]["handoffId"] == handoff;
        Ok(all.as_array().into_iter().flatten().filter(ours).count())
    }

    /// Whether the platform tells us what is written in this chat. Zendesk does so once control was offered to us.
    pub(crate) fn is_heard(&self, chat: &str) -> bool {
        let conversations = self.look("inspect").unwrap_or_default()["conversations"].clone();
        let ours = |one: &&Value| one["id"] == chat && one["pending"] == "handoff";
        self.route != Route::Zendesk || conversations.as_array().into_iter().flatten().any(|one| ours(&one))
    }

    /// Whether something that the platform has to tell us is still on its way.
    pub(crate) fn tells_us_more(&self) -> Result<bool> {
        let open = |one: &Value| matches!(one["state"].as_str(), Some("queued" | "sending" | "retrying"));
        Ok(self.deliveries()?.iter().any(open))
    }

    /// Whether the platform gave up to tell us of this line.
    pub(crate) fn gave_up_telling_us(&self, line: &str) -> bool {
        let lost = |one: &Value| one["state"] == "failed" && one["body"].to_string().contains(line);
        self.deliveries().is_ok_and(|all| all.iter().any(lost))
    }

    /// Everything that the platform had to tell us, and how it stands.
    fn deliveries(&self) -> Result<Vec<Value>> {
        Ok(self.look("deliveries")?["deliveries"].as_array().cloned().unwrap_or_default())
    }

    /// Chats in which words that begin like this stand, as live agents see them.
    pub(crate) fn chats_with(&self, mark: &str) -> Result<Vec<Chat>> {
        let chats = Chat::list(&self.look("inspect")?);
        Ok(chats.into_iter().filter(|chat| chat.lines.iter().any(|line| line.text.contains(mark))).collect())
    }

    /// The same, and those that this handoff made.
    pub(crate) fn chats_of(&self, mark: &str, handoff: &str) -> Result<Vec<Chat>> {
        let chats = Chat::list(&self.look("inspect")?);
        let ours = |chat: &Chat| {
            let said = chat.lines.iter().any(|line| line.text.contains(mark));
            said || chat.raw.to_string().contains(handoff)
        };
        Ok(chats.into_iter().filter(ours).collect())
    }

    /// The live agent writes, having pressed *Answer* where that is asked.
    pub(crate) async fn agent_writes(&self, chat: &str, text: &str) -> Result<()> {
        if self.route == Route::Zendesk {
            return self
                .control("agent/reply", json!({ "conversation": chat, "text": text }))
                .await
                .map(drop);
        }
        let (id, operator): (i64, _) = (chat.parse()?, OPERATOR);
        self.control("operator/accept", json!({ "chat_id": id, "operator": operator })).await?;
        let reply = json!({ "chat_id": id, "operator": operator, "text": text });
        self.control("operator/reply", reply).await.map(drop)
    }

    /// The live agent closes the chat.
    pub(crate) async fn agent_closes(&self, chat: &str) -> Result<()> {
        match self.route {
            Route::Zendesk => self.control("agent/close", json!({ "conversation": chat })).await,
            _ => self.control("operator/close", json!({ "chat_id": chat.parse::<i64>()? })).await,
        }
        .map(drop)
    }
}
