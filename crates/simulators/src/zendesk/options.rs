//! What a started Zendesk simulator can be told: its account, and how to behave where Zendesk's
//! own behaviour is not documented.

use std::str::FromStr;

use clap::{ArgAction, Parser, ValueEnum};

use crate::control::Common;

/// Settings of the fake Zendesk account.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,

    /// The Conversations app.
    #[arg(long, default_value = "67a0ecf8f0305f4a391e9d00")]
    pub app_id: String,
    /// A key of app scope.
    #[arg(long, default_value = "app_67a0ecf8f0305f4a391e9d01")]
    pub key_id: String,
    /// Its secret.
    #[arg(long, default_value = "sim-app-key-secret")]
    pub key_secret: String,
    /// A key of integration scope, owned by our integration.
    #[arg(long, default_value = "int_67a0ecf8f0305f4a391e9d02")]
    pub integration_key_id: String,
    /// Its secret.
    #[arg(long, default_value = "sim-integration-key-secret")]
    pub integration_key_secret: String,

    /// Where our integration's webhook goes; it can be set later at `/_sim/webhook`.
    #[arg(long)]
    pub webhook_target: Option<String>,
    /// What the webhook sends as `X-API-Key`.
    #[arg(long, default_value = "sim-webhook-secret")]
    pub webhook_secret: String,
    /// The most events in one webhook call.
    #[arg(long, default_value_t = 10)]
    pub webhook_batch: usize,

    /// The name of our integration in the switchboard.
    #[arg(long, default_value = "handoff")]
    pub integration_name: String,
    /// Whether our integration hears events while it is on standby.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub deliver_standby_events: bool,
    /// Whether a user may have several conversations.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub multi_convo_enabled: bool,
    /// The switchboard integration that answers first.
    #[arg(long, default_value = "zd-answerBot")]
    pub default_responder: String,
    /// The one that answers first on the native channel, if another.
    #[arg(long)]
    pub channel_responder: Option<String>,
    /// What `next` means for the Agent Workspace.
    #[arg(long)]
    pub agent_workspace_next: Option<String>,
    /// Whether the answer bot replies by itself when it is active.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub answer_bot_replies: bool,

    /// The answer to a switchboard action with an unknown target.
    #[arg(long, value_enum, default_value_t = BadTarget::Http400)]
    pub bad_target: BadTarget,
    /// What becomes of control when a ticket is closed.
    #[arg(long, value_enum, default_value_t = OnClose::Release)]
    pub on_close: OnClose,
    /// Whether passing control of an empty conversation makes a ticket at once.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub empty_pass_makes_ticket: bool,
    /// Whether passing control withdraws an offer.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub pass_clears_pending: bool,
    /// Whether the integration that loses control hears of it.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub former_active_hears: bool,
    /// Whether a conversation handled by a bot has a read-only ticket from its start.
    #[arg(long, action = ArgAction::Set, default_value_t = false)]
    pub ai_agent_tickets: bool,
    /// Whether conversation metadata is merged key by key on PATCH.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub metadata_merges: bool,
    /// Whether attachments can be read with credentials only.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub private_attachments: bool,
    /// The answer to reading a private attachment without credentials.
    #[arg(long, default_value_t = 401)]
    pub private_attachment_status: u16,
    /// The answer to a second conversation without `multiConvoEnabled`.
    #[arg(long, default_value_t = 403)]
    pub second_conversation_status: u16,
    /// The answer to a JSON body above 100 kb.
    #[arg(long, default_value_t = 413)]
    pub large_json_status: u16,
    /// The answer to a text above 4096 characters.
    #[arg(long, default_value_t = 400)]
    pub long_text_status: u16,
    /// Messages a conversation can hold.
    #[arg(long, default_value_t = 30_000)]
    pub message_limit: usize,

    /// The live agent's name as customers see it.
    #[arg(long, default_value = "Maria")]
    pub live_agent_name: String,
    /// The live agent's Support user id.
    #[arg(long, default_value_t = 901_234_567)]
    pub live_agent_id: u64,

    #[command(flatten)]
    pub support: SupportOptions,
}

/// Settings of the Support API.
#[derive(Debug, Clone, clap::Args)]
pub struct SupportOptions {
    /// Signs in with an API token, as `{email}/token`.
    #[arg(long, default_value = "admin@example.org")]
    pub support_email: String,
    /// That token.
    #[arg(long, default_value = "sim-support-token")]
    pub support_token: String,
    /// An OAuth client.
    #[arg(long, default_value = "sim-oauth-client")]
    pub oauth_client_id: String,
    /// Its secret.
    #[arg(long, default_value = "sim-oauth-secret")]
    pub oauth_client_secret: String,
    /// Requests the account may make in a simulated minute.
    #[arg(long, default_value_t = 700)]
    pub support_rate_limit: u32,
    /// Simulated seconds by which the search index lags.
    #[arg(long, default_value_t = 60)]
    pub search_lag: u64,
    /// Custom ticket fields that exist; any other id is refused with 422. All exist if none is named.
    #[arg(long, value_delimiter = ',')]
    pub custom_fields: Vec<u64>,
    /// Brands, as `ID=NAME`; the first is the account's default.
    #[arg(long, value_delimiter = ',', default_value = "47=Acme")]
    pub brands: Vec<Brand>,
    /// Brands that are not in use.
    #[arg(long, value_delimiter = ',')]
    pub inactive_brands: Vec<u64>,
    /// Whether the API user is an admin, who alone may see availability.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub support_admin: bool,
    /// Simulated milliseconds that making a ticket takes.
    #[arg(long, default_value_t = 0)]
    pub ticket_latency_ms: u64,
    /// Whether a second request with an idempotency key in use is answered 409, or waits its turn.
    #[arg(long, action = ArgAction::Set, default_value_t = true)]
    pub idempotency_conflict: bool,
}

/// A brand of the account.
#[derive(Debug, Clone)]
pub struct Brand {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
}

impl FromStr for Brand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, name) = text.split_once('=').ok_or("a brand is written as ID=NAME")?;
        let id = id.parse().map_err(|_| format!("{id:?} is no number of a brand"))?;
        Ok(Self { id, name: name.to_owned() })
    }
}

/// The answer to an unknown switchboard target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BadTarget {
    /// Refused at once.
    Http400,
    /// Accepted, then a failure event.
    Http200ThenFailureEvent,
}

/// What becomes of control when a ticket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnClose {
    /// Nobody is active; the default responder is chosen at the next activity.
    Release,
    /// The next of the Agent Workspace; released if it has none.
    PassToNext,
    /// The Agent Workspace stays active.
    Nothing,
}

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Only {
    #[command(flatten)]
    options: Options,
}

impl Options {
    /// Options from command-line arguments, without a program name: for tests.
    ///
    /// # Errors
    ///
    /// When an argument is unknown or has a bad value.
    pub fn from_args<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<Self, clap::Error> {
        Only::try_parse_from(args).map(|only| only.options)
    }
}
