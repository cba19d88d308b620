//! A chat as it stands on the portal right now.

use handoff_sdk::{ConnectorError, Result};
use serde_json::{Value, json};

use crate::{
    bot,
    client::{Client, dialog},
    crm,
    settings::BotApi,
    wire,
};

/// Who has a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The live agent who accepted; none while the bot or the queue has it.
    pub(crate) owner: Option<u64>,
    /// The newest session.
    pub(crate) session: Option<String>,
    /// The open channel.
    pub(crate) line: Option<u64>,
    /// The newest message, 0 when the portal does not say.
    pub(crate) last_message: u64,
    /// Whether our bot is in the chat.
    pub(crate) has_bot: bool,
    /// What the open channel made of it in the CRM, for the receipt.
    pub(crate) crm: Option<String>,
}

impl Standing {
    /// Whether the chat may still be ours to pass on. A bot that is in the chat may have passed it on
    /// all the same, on open channels where it stays until the end.
    pub(crate) fn may_be_ours(&self) -> bool {
        self.owner.is_none() && self.has_bot
    }
}

/// Why there is nothing to see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unseen {
    /// The webhook's user may not see the chat, nor the bot, or there is no such chat.
    Hidden,
    /// The look failed.
    Failed(ConnectorError),
}

impl From<Unseen> for ConnectorError {
    fn from(unseen: Unseen) -> Self {
        match unseen {
            Unseen::Hidden => Self::Refused { detail: HIDDEN.to_owned() },
            Unseen::Failed(error) => error,
        }
    }
}

/// What to tell about a chat that cannot be seen.
pub(crate) const HIDDEN: &str =
    "the webhook's user cannot read the chat: the webhook must belong to an administrator of the portal";

/// Looks at a chat: the session and its owner first, then who is in it.
pub(crate) async fn look(client: &Client<'_>, bot: u64, chat: u64) -> Result<Standing, Unseen> {
    let seen = match client.read("imopenlines.dialog.get", &json!({ "CHAT_ID": chat })).await {
        Ok(seen) => seen,
        Err(failure) if failure.is("ACCESS_ERROR") => look_as_bot(client, bot, chat).await?,
        Err(failure) => return Err(Unseen::Failed(failure.into())),
    };
    let has_bot = bot::is_in(client, bot, chat).await.map_err(|failure| Unseen::Failed(failure.into()))?;
    Ok(standing(&seen, has_bot))
}

/// What the bot itself can see, for as long as it is in the chat.
async fn look_as_bot(client: &Client<'_>, bot: u64, chat: u64) -> Result<Value, Unseen> {
    if client.portal.settings.bot_api == BotApi::V1 {
        return Err(Unseen::Hidden);
    }
    let body = json!({ "botId": bot, "dialogId": dialog(chat) });
    match client.read_as_bot("imbot.v2.Chat.get", &body).await {
        Ok(mut answer) => Ok(answer["chat"].take()),
        Err(failure) if failure.is("ACCESS_DENIED") || failure.is("CHAT_NOT_FOUND") => Err(Unseen::Hidden),
        Err(failure) => Err(Unseen::Failed(failure.into())),
    }
}

/// The two methods spell the same members in two ways.
fn standing(seen: &Value, has_bot: bool) -> Standing {
    let either = |one: &str, other: &str| match wire::text(&seen[one]) {
        "" => wire::text(&seen[other]).to_owned(),
        found => found.to_owned(),
    };
    Standing {
        owner: wire::id(&seen["owner"]),
        session: wire::session(&either("entity_data_1", "entityData1")),
        line: wire::line(&either("entity_id", "entityId")),
        last_message: wire::first_id(seen, &["last_message_id", "lastMessageId"]).unwrap_or(0),
        has_bot,
        crm: crm::remark(&either("entity_data_1", "entityData1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_chat_are_read() {
        let dialog = json!({
            "owner": "27", "entity_id": "livechat|22|1775|599", "entity_data_1": "N|NONE|0|N|N|343|1789551400|0|0|0",
            "last_message_id": 86301,
        });
        let expected = Standing {
            owner: Some(27),
            session: Some("343".into()),
            line: Some(22),
            last_message: 86_301,
            has_bot: true,
            crm: None,
        };
        assert_eq!(standing(&dialog, true), expected);
        let chat = json!({
            "owner": 27, "entityId": "livechat|22|1775|599", "entityData1": "N|NONE|0|N|N|343|1789551400|0|0|0",
            "lastMessageId": "86301",
        });
        assert_eq!(standing(&chat, true), expected);
    }

    #[test]
    fn a_chat_is_ours_only_while_the_bot_is_in_it_and_nobody_accepted() {
        let ours = standing(&json!({ "owner": 0 }), true);
        assert!(ours.may_be_ours());
        assert!(!Standing { has_bot: false, ..ours.clone() }.may_be_ours());
        assert!(!Standing { owner: Some(27), ..ours }.may_be_ours());
    }
}
