//! What can be chosen about the portal: at start as flags, later through `POST /_sim/settings`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::control::Common;

/// Everything about a simulated portal that is fixed at start.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub settings: Settings,
    /// The employee, an administrator, to whom the inbound webhook belongs.
    #[arg(long, default_value_t = 1)]
    pub webhook_user: i64,
    /// The secret part of the inbound webhook's address.
    #[arg(long, default_value = "simulatedwebhook")]
    pub webhook_secret: String,
    /// The OAuth application.
    #[arg(long, default_value = "local.65f0c0ffee0001.12345678")]
    pub client_id: String,
    /// The OAuth application's secret.
    #[arg(long, default_value = "simulatedclientsecret")]
    pub client_secret: String,
    /// The installer's first access token; it expires like any other.
    #[arg(long, default_value = "simulatedaccesstoken")]
    pub access_token: String,
    /// The installer's first refresh token.
    #[arg(long, default_value = "simulatedrefreshtoken")]
    pub refresh_token: String,
    /// Sent in every event; receivers compare it.
    #[arg(long, default_value = "831c76b092f9f135d9b6b36c3a720757")]
    pub application_token: String,
    /// What happens to the bot of line 22 after `bot.session.operator`.
    #[arg(long, value_enum, default_value_t = WelcomeBotLeft::Queue)]
    pub welcome_bot_left: WelcomeBotLeft,
    /// Simulated seconds until the platform itself takes a chat from the bot of line 22; 0 means never.
    #[arg(long, default_value_t = 600)]
    pub welcome_bot_time: u64,
    /// Simulated seconds an offer of line 22 waits for one operator.
    #[arg(long, default_value_t = 60)]
    pub queue_time: u64,
}

/// The switches that may change while the portal runs.
#[derive(Debug, Clone, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The Enterprise plan's rate limit: 5 requests a second, 250 at once, instead of 2 and 50.
    #[arg(long, default_value_t = false)]
    pub enterprise: bool,
    /// Whether the rate limit applies at all.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub rate_limit: bool,
    /// Whether a newly registered open channel bot becomes the welcome bot of line 22, if that has none.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub assign_bot: bool,
    /// When `transfer` to a person with `LEAVE=N` takes the bot out of the chat.
    #[arg(long, value_enum, default_value_t = LeaveN::Never)]
    pub leave_n: LeaveN,
    /// Which of the events of a new session comes first.
    #[arg(long, value_enum, default_value_t = JoinOrder::Random)]
    pub join_order: JoinOrder,
    /// Whether a chat goes on naming its last session when that is closed; otherwise it names session 0. Documented is
    /// neither.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub closed_session_named: bool,
    /// Whether a customer's message `0` is taken as a wish for a person.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub zero_hands_over: bool,
    /// Whether bots may leave open channel chats by `Chat.leave`.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub chat_leave: bool,
    /// Whether events carry the tokens of the user who caused them.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub event_tokens: bool,
    /// Simulated seconds an access token lives.
    #[arg(long, default_value_t = 3600)]
    pub access_token_seconds: u64,
    /// Whether a refresh token works a second time.
    #[arg(long, default_value_t = false)]
    pub refresh_token_reuse: bool,
    /// The scopes of the application and the webhook, with commas.
    #[arg(long, default_value = "imbot,imopenlines,imconnector,im,user,crm")]
    pub scope: String,
    /// Whether the installation was finished; without, no events leave the portal.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub installed: bool,
    /// The portal's new address: every call is answered 302 to it. Empty means not moved.
    #[arg(long, default_value = "")]
    pub moved_to: String,
    /// Simulated seconds the portal waits for an answer to an event.
    #[arg(long, default_value_t = 5)]
    pub event_timeout: u64,
    /// Whether events carry a wrong application token, as a forger's would.
    #[arg(long, default_value_t = false)]
    pub forge_events: bool,
    /// The portal's language.
    #[arg(long, default_value = "en")]
    pub language: String,
}

/// `WELCOME_BOT_LEFT` of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WelcomeBotLeft {
    /// The bot leaves when the chat goes to the queue.
    Queue,
    /// The bot stays until the session is closed.
    Close,
}

/// What `LEAVE=N` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveN {
    /// As observed: the bot stays until the session is closed.
    Never,
    /// As documented: the bot leaves when the transfer is confirmed.
    AtAccept,
}

/// The order of the two events that begin a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinOrder {
    /// As observed.
    Random,
    JoinFirst,
    MessageFirst,
}

impl WelcomeBotLeft {
    /// The value of the line's setting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Close => "close",
        }
    }
}

impl Settings {
    /// A copy with the given fields replaced, or a sentence about the field that is wrong.
    pub(super) fn patched(&self, patch: &serde_json::Value) -> Result<Self, String> {
        let Some(patch) = patch.as_object() else { return Err("Settings are a JSON object.".to_owned()) };
        let mut whole = serde_json::to_value(self).map_err(|why| why.to_string())?;
        for (key, value) in patch {
            whole[key.as_str()] = value.clone();
        }
        serde_json::from_value(whole).map_err(|why| format!("These settings make no sense: {why}."))
    }

    /// Whether the application was given this scope.
    pub(super) fn has_scope(&self, wanted: &str) -> bool {
        self.scope.split(',').any(|scope| scope.trim() == wanted)
    }
}
