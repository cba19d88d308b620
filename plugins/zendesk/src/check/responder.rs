//! Who answers first on the account's own channels: their default responders.
//!
//! A channel names its own, or takes over the switchboard's. Where an assistant of this server is to answer, that must be us
//! for one of them at least; where none is, it must not be us.

use handoff_sdk::{Result, model::connector::Finding};
use serde_json::Value;

use super::{error, seen, warning};
use crate::{
    address::encoded,
    client::{Client, unavailable},
    support::entries,
    wire::text,
};

/// Pages of integrations that are read at most: an account has a few dozen.
const PAGES: usize = 10;
/// Channels that a sentence names.
const NAMED: usize = 5;

/// The switchboard, as far as it matters who answers first.
pub(super) struct Board<'a> {
    pub(super) board: &'a Value,
    pub(super) members: &'a [Value],
    /// Our own place in it.
    pub(super) ours: &'a Value,
}

/// What is wrong with the default responders, when an assistant of this server is to answer (`answers`) or not.
pub(super) async fn check(client: &Client<'_>, board: &Board<'_>, answers: bool) -> Result<Option<Finding>> {
    let Some(channels) = channels(client).await? else { return Ok(None) };
    let (ours, others): (Vec<_>, Vec<_>) =
        channels.iter().partition(|channel| board.first(channel) == text(board.ours, "id"));
    Ok(match answers {
        true if ours.is_empty() && !others.is_empty() => Some(board.never_asked(&others)),
        false if !ours.is_empty() => Some(board.nobody_answers(&ours)),
        _ => None,
    })
}

/// The account's channels; none when this key may not see them.
async fn channels(client: &Client<'_>) -> Result<Option<Vec<Value>>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let path = format!("/integrations?page%5Bsize%5D=100{after}");
        let Some(page) = seen(client.get(&path).await?)? else { return Ok(None) };
        if !page["integrations"].is_array() {
            return Err(unavailable("Zendesk's list of integrations is no list"));
        }
        found.extend(entries(&page["integrations"]).iter().filter(is_channel).cloned());
        if page["meta"]["hasMore"] != true {
            break;
        }
        after = format!("&page%5Bafter%5D={}", encoded(&text(&page["meta"], "afterCursor")));
    }
    Ok(Some(found))
}

/// Bots and the Agent Workspace are integrations as well.
fn is_channel(integration: &&Value) -> bool {
    let kind = text(integration, "type");
    kind != "custom" && !kind.starts_with("zd:")
}

impl Board<'_> {
    /// Who answers first on a channel.
    fn first(&self, channel: &Value) -> String {
        let own = text(&channel["defaultResponder"], "id");
        if own.is_empty() { text(self.board, "defaultSwitchboardIntegrationId") } else { own }
    }

    fn never_asked(&self, channels: &[&Value]) -> Finding {
        let problem = format!(
            "Our integration is the default responder of no channel, so that the assistant of this connection is never \
             asked: {}.",
            self.named(channels)
        );
        let remedy = format!(
            "Make our integration the default responder with the Conversations API: of a channel by PATCH \
             …/integrations/{} with defaultResponderId {ours}, of all by PATCH …/switchboards/{} with \
             defaultSwitchboardIntegrationId {ours}. Or, on this connection's page, let nobody answer on the platform's own \
             channels.",
            channels.first().map_or_else(String::new, |channel| text(channel, "id")),
            text(self.board, "id"),
            ours = text(self.ours, "id"),
        );
        warning(&problem, &remedy)
    }

    fn nobody_answers(&self, channels: &[&Value]) -> Finding {
        let problem = format!(
            "Our integration is the default responder, and no assistant serves this connection, so that whoever writes \
             there gets no answer: {}.",
            self.named(channels)
        );
        let remedy = "Choose “Assistant for the platform’s own channels” on this connection's page (assistant in its section of \
                      the configuration file), or give these channels another default responder with the Conversations API: \
                      PATCH …/integrations/{id} with defaultResponderId.";
        error(&problem, remedy)
    }

    /// Channels with who answers first on each.
    fn named(&self, channels: &[&Value]) -> String {
        let one = |channel: &&Value| {
            let (name, kind) = (text(channel, "displayName"), text(channel, "type"));
            let name = if name.is_empty() { kind } else { name };
            format!("on {name}, {} answers first", self.name(&self.first(channel)))
        };
        let shown: Vec<_> = channels.iter().take(NAMED).map(one).collect();
        let rest = channels.len().saturating_sub(NAMED);
        let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
        format!("{}{more}", shown.join("; "))
    }

    fn name(&self, member: &str) -> String {
        let named = self.members.iter().find(|known| text(known, "id") == member);
        named.map_or_else(|| "nobody".to_owned(), |known| text(known, "name"))
    }
}
