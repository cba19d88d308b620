//! What an operator configures, and what follows from it.

use serde::Deserialize;

/// What an operator configures. The secrets are described in the manifest.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the portal, such as `https://acme.bitrix24.eu`.
    pub portal: String,
    /// Number of the user who made the inbound webhook: in the webhook's address, what follows `/rest/`. An administrator, so that every chat can be read. 0 when there is only a local application.
    #[serde(default)]
    pub webhook_user_id: u64,
    /// Application ID (client_id) of the local application, which brings chats of other channels to an open channel. Left empty, only chats that are on Bitrix24 already can be passed on.
    #[serde(default)]
    pub client_id: String,
    /// Address of the authorisation server, when it is another one than the portal names.
    #[serde(default)]
    pub oauth_server: String,
    /// Whether the assistant is also the chat bot of open channels.
    #[serde(default = "yes")]
    pub native: bool,
    /// How the chat bot's events come: the portal posts them, or we fetch them, which takes up to five seconds and needs no public address.
    #[serde(default)]
    pub event_mode: EventMode,
    /// Which methods of the portal the chat bot uses.
    #[serde(default)]
    pub bot_api: BotApi,
    /// Internal name of the chat bot. Another one makes another bot.
    #[serde(default = "bot_code")]
    pub bot_code: String,
    /// Name of the chat bot as persons and live agents see it.
    #[serde(default = "bot_name")]
    pub bot_name: String,
    /// Internal name of the connector by which chats of other channels come: small letters, digits and `_`.
    #[serde(default = "connector_code")]
    pub connector_code: String,
    /// Name of that connector as it stands in the contact center.
    #[serde(default = "connector_name")]
    pub connector_name: String,
    /// Number of the open channel whose live agents take the chats, unless the author chose otherwise. Left empty, they stay in the open channel they came from.
    #[serde(default)]
    pub line: Option<u64>,
    /// Trusts the application token of the bot's first event and from then on no other. For bots whose application token is not known beforehand.
    #[serde(default)]
    pub pin_application_token: bool,
    /// Messages that begin with one of these are not the person's own words and are ignored, such as the copies some messenger connectors make of outgoing messages.
    #[serde(default)]
    pub ignored_prefixes: Vec<String>,
}

/// How the chat bot's events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventMode {
    /// The portal posts them to our webhook.
    #[default]
    Webhook,
    /// We ask for them.
    Fetch,
}

/// Which methods of the portal the chat bot uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BotApi {
    /// Those of today, `imbot.v2`.
    #[default]
    V2,
    /// The older ones, `imbot`, for portals that do not know the others. Events cannot be fetched.
    V1,
}

impl BotApi {
    /// The word for it in the settings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl EventMode {
    /// The word for it on Bitrix24.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Fetch => "fetch",
        }
    }
}

fn bot_code() -> String {
    "handoff_assistant".to_owned()
}

fn yes() -> bool {
    true
}

fn connector_code() -> String {
    "handoff".to_owned()
}

fn connector_name() -> String {
    "Assistant chats".to_owned()
}

impl Settings {
    /// Whether there is a local application, and with it the way for chats of other channels.
    pub(crate) fn has_application(&self) -> bool {
        !self.client_id.trim().is_empty()
    }
}

fn bot_name() -> String {
    "Assistant".to_owned()
}

/// The settings, found to make sense.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    /// Scheme and host, without a slash at the end.
    pub(crate) base: String,
    /// Host, with the port when one is given.
    pub(crate) host: String,
    /// The rest.
    pub(crate) settings: Settings,
}

impl Portal {
    /// Checks the settings; the error is a sentence for the operator.
    pub(crate) fn new(mut settings: Settings) -> Result<Self, String> {
        let (scheme, host) = address(settings.portal.trim())?;
        let (base, host) = (format!("{scheme}://{host}"), host.to_owned());
        settings.ignored_prefixes.retain(|prefix| !prefix.is_empty());
        match &settings {
            Settings { webhook_user_id: 0, .. } if !settings.has_application() => Err(
                "webhook_user_id must be the number that follows /rest/ in the webhook's address, or client_id the \
                 id of a local application"
                    .to_owned(),
            ),
            Settings { connector_code, .. } if !is_code(connector_code) => {
                Err("connector_code must consist of small letters, digits and _".to_owned())
            }
            Settings { connector_name, .. } if connector_name.trim().is_empty() => {
                Err("connector_name must not be empty".to_owned())
            }
            Settings { oauth_server, .. } if !oauth_server.is_empty() && address(oauth_server).is_err() => {
                Err("oauth_server must be an address such as https://oauth.bitrix24.tech".to_owned())
            }
            Settings { bot_api: BotApi::V1, event_mode: EventMode::Fetch, .. } => {
                Err("event_mode must be webhook where bot_api is v1: the older methods cannot fetch events".to_owned())
            }
            Settings { bot_code, .. } if bot_code.trim().is_empty() => {
                Err("bot_code must not be empty".to_owned())
            }
            Settings { bot_name, .. } if bot_name.trim().is_empty() => {
                Err("bot_name must not be empty".to_owned())
            }
            Settings { line: Some(0), .. } => {
                Err("line must be the number of an open channel; leave it out to stay in the chat's own"
                    .to_owned())
            }
            _ => Ok(Self { base, host, settings }),
        }
    }

    /// Whether an event's or an address's host is this portal.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        host.trim_end_matches('/').eq_ignore_ascii_case(&self.host)
    }
}

fn is_code(code: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=40).contains(&code.len()) && code.bytes().all(fits)
}

/// Scheme and host of the portal's address.
fn address(portal: &str) -> Result<(&str, &str), String> {
    let wrong = || format!("portal must be an address such as https://acme.bitrix24.eu, not {portal:?}");
    let (scheme, host) = portal.trim_end_matches('/').split_once("://").ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong());
    }
    match scheme {
        "https" => Ok((scheme, host)),
        "http" if is_local(host) => Ok((scheme, host)),
        _ => Err(format!("portal must begin with https://, Bitrix24 takes nothing else: {portal:?}")),
    }
}

fn is_local(host: &str) -> bool {
    matches!(host.split(':').next(), Some("127.0.0.1" | "localhost"))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The portal of the examples.
    pub(crate) fn portal() -> Portal {
        let settings = json!({ "portal": "https://acme.bitrix24.eu", "webhook_user_id": 1, "bot_code": "acme_assistant" });
        made(settings).unwrap()
    }

    fn made(settings: Value) -> Result<Portal, String> {
        Portal::new(serde_json::from_value(settings).map_err(|error| error.to_string())?)
    }

    #[test]
    fn an_address_is_taken_with_or_without_a_final_slash() {
        for portal in ["https://acme.bitrix24.eu", "https://acme.bitrix24.eu/", "http://127.0.0.1:8080"] {
            let made = made(json!({ "portal": portal, "webhook_user_id": 1 })).unwrap();
            assert_eq!(made.base, portal.trim_end_matches('/'));
            assert!(made.is_at(&made.host.to_uppercase()));
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_with_the_name_of_the_setting() {
        let cases = [
            (json!({ "portal": "acme.bitrix24.eu", "webhook_user_id": 1 }), "portal"),
            (json!({ "portal": "http://acme.bitrix24.eu", "webhook_user_id": 1 }), "https"),
            (json!({ "portal": "https://acme.bitrix24.eu/rest/1/secret", "webhook_user_id": 1 }), "portal"),
            (json!({ "portal": "https://u@acme.bitrix24.eu", "webhook_user_id": 1 }), "portal"),
            (json!({ "portal": "https://", "webhook_user_id": 1 }), "portal"),
            (json!({ "portal": "https://a.eu", "webhook_user_id": 0 }), "webhook_user_id"),
            (json!({ "portal": "https://a.eu", "webhook_user_id": 1, "bot_code": " " }), "bot_code"),
            (json!({ "portal": "https://a.eu", "webhook_user_id": 1, "bot_name": "" }), "bot_name"),
            (json!({ "portal": "https://a.eu", "webhook_user_id": 1, "line": 0 }), "line"),
            (json!({ "portal": "https://a.eu", "webhook_user_id": 1, "lines": 1 }), "lines"),
            (json!({ "portal": "https://a.eu", "client_id": " " }), "client_id"),
            (
                json!({ "portal": "https://a.eu", "client_id": "l", "connector_code": "a.b" }),
                "connector_code",
            ),
            (json!({ "portal": "https://a.eu", "client_id": "l", "connector_name": "" }), "connector_name"),
            (json!({ "portal": "https://a.eu", "client_id": "l", "oauth_server": "x" }), "oauth_server"),
        ];
        for (settings, word) in cases {
            let refused = made(settings.clone()).unwrap_err();
            assert!(refused.contains(word), "{settings}: {refused}");
        }
    }
}
