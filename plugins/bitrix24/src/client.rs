//! Calls to the portal: through its inbound webhook, or as the local application.

use handoff_sdk::{ConnectorError, Cx, Request, Response};
use serde_json::{Value, json};

use crate::{
    answer::{self, Failure, Kind},
    oauth,
    settings::Portal,
};

/// A connection's way to its portal, for the time of one call of ours.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) portal: &'a Portal,
    way: Way,
}

/// How a call shows who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A secret in the address.
    Webhook,
    /// A token that expires.
    Application,
}

/// Where a method wants the bot's secret; the host puts it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    /// Methods of the bot.
    Bot,
    /// Methods of open channels and the older ones of bots, which call it by an older name.
    Client,
    /// Registering the bot that has it.
    New,
}

impl<'a> Client<'a> {
    pub(crate) fn new(cx: &'a Cx, portal: &'a Portal) -> Self {
        let way = if portal.settings.webhook_user_id > 0 { Way::Webhook } else { Way::Application };
        Self { cx, portal, way }
    }

    /// The same as the local application, for what a webhook may not do.
    pub(crate) fn as_application(&self) -> Self {
        Self { way: Way::Application, ..*self }
    }

    /// Asks for something as the webhook's user.
    pub(crate) async fn read(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::None, Kind::Reads).await
    }

    /// Changes something as the webhook's or the application's user.
    pub(crate) async fn act(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::None, Kind::Changes).await
    }

    /// Asks for something as the bot.
    pub(crate) async fn read_as_bot(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::Bot, Kind::Reads).await
    }

    /// Changes something as the bot.
    pub(crate) async fn act_as_bot(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::Bot, Kind::Changes).await
    }

    /// Asks for something as a bot of the older methods.
    pub(crate) async fn read_as_client(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::Client, Kind::Reads).await
    }

    /// Changes something as a bot of the older methods.
    pub(crate) async fn act_as_client(&self, method: &str, body: &Value) -> Result<Value, Failure> {
        self.call(method, body, Token::Client, Kind::Changes).await
    }

    /// Changes a session that the bot holds. The methods answer `true`; anything else proves nothing.
    pub(crate) async fn act_on_session(&self, method: &str, body: &Value) -> Result<(), Failure> {
        match self.call(method, body, Token::Client, Kind::Changes).await? {
            Value::Bool(true) => Ok(()),
            _ => Err(ConnectorError::Lost { detail: format!("{method} did not answer true") }.into()),
        }
    }

    /// Registers the bot. Repeating it gives the same bot.
    pub(crate) async fn register(&self, body: &Value) -> Result<Value, Failure> {
        self.call("imbot.v2.Bot.register", body, Token::New, Kind::Changes).await
    }

    async fn call(&self, method: &str, body: &Value, token: Token, kind: Kind) -> Result<Value, Failure> {
        if self.way == Way::Webhook {
            let request = self.by_webhook(method, body, token);
            return answer::result(&exchange(self.cx, request, kind).await?, kind, self.cx.now());
        }
        let access = oauth::access(self.cx).await?;
        let response = exchange(self.cx, self.by_token(method, body, &access), kind).await?;
        // An expired token refuses a call before it runs, so that repeating it cannot double anything.
        let response = match answer::is_expired(&response) {
            true => {
                let renewed = oauth::renewed(self.cx, self.portal, &access).await?;
                exchange(self.cx, self.by_token(method, body, &renewed), kind).await?
            }
            false => response,
        };
        answer::result(&response, kind, self.cx.now())
    }

    fn by_token(&self, method: &str, body: &Value, access: &str) -> Request {
        let mut body = body.clone();
        body["auth"] = json!(access);
        plain(format!("{}/rest/{method}", self.portal.base)).json(&body)
    }

    fn by_webhook(&self, method: &str, body: &Value, token: Token) -> Request {
        let Portal { base, settings, .. } = self.portal;
        let url = format!("{base}/rest/{}/:webhook_code/{method}", settings.webhook_user_id);
        let request = plain(url).path_secret("webhook_code").json(body);
        match token {
            Token::None => request,
            Token::Bot => request.body_secret("bot_token", "/botToken"),
            Token::Client => request.body_secret("bot_token", "/CLIENT_ID"),
            Token::New => request.body_secret("bot_token", "/fields/botToken"),
        }
    }
}

fn plain(url: String) -> Request {
    Request::new("POST", url)
        .header("accept", "application/json")
        .header("user-agent", concat!("handoff-bitrix24/", env!("CARGO_PKG_VERSION")))
}

async fn exchange(cx: &Cx, request: Request, kind: Kind) -> Result<Response, ConnectorError> {
    match kind {
        Kind::Reads => request.read(cx).await,
        Kind::Changes => request.act(cx).await,
    }
}

/// The name under which messages are sent to a chat.
pub(crate) fn dialog(chat: u64) -> Value {
    json!(format!("chat{chat}"))
}

/// The number of a chat as events and transfers give it.
///
/// # Errors
/// [`ConnectorError::Refused`]: it is no chat of Bitrix24.
pub(crate) fn chat_number(chat: &str) -> Result<u64, ConnectorError> {
    let number = chat.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| ConnectorError::Refused { detail: "this is no chat on Bitrix24".to_owned() })
}
