//! Tickets in the Support API's own words.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Comment, Ticket, Via};
use crate::clock::iso;
use crate::zendesk::world::World;

impl Ticket {
    /// The ticket object.
    pub(in crate::zendesk) fn to_json(&self, world: &World) -> Value {
        let channel = if self.via == Via::Messaging { "native_messaging" } else { "api" };
        let fields = self.custom_fields.iter();
        let fields: Vec<Value> = fields
            .map(|(id, value)| json!({ "id": id.parse::<u64>().unwrap_or_default(), "value": value }))
            .collect();
        json!({
            "id": self.id, "url": format!("{}/api/v2/tickets/{}.json", world.base, self.id),
            "external_id": self.external_id,
            "via": { "channel": channel, "source": { "from": {}, "to": {}, "rel": null } },
            "created_at": seconds(self.created_ms), "updated_at": seconds(self.updated_ms),
            "generated_timestamp": self.updated_ms / 1000, "type": self.kind, "subject": self.subject,
            "raw_subject": self.subject, "description": self.description, "priority": self.priority,
            "status": self.status, "recipient": self.recipient, "requester_id": self.requester,
            "submitter_id": self.requester, "assignee_id": self.assignee, "organization_id": self.organization,
            "group_id": self.group, "brand_id": self.brand, "ticket_form_id": self.form, "problem_id": null,
            "collaborator_ids": [], "follower_ids": [], "email_cc_ids": [], "sharing_agreement_ids": [],
            "followup_ids": [], "has_incidents": false, "due_at": null,
            "is_public": self.comments.iter().all(|comment| comment.public), "tags": self.tags,
            "custom_fields": fields, "satisfaction_rating": { "score": "unoffered" }, "allow_channelback": false,
            "allow_attachments": true, "from_messaging_channel": self.via == Via::Messaging,
        })
    }

    /// The audits: one for the ticket's beginning, which names the conversation of a messaging
    /// ticket, and one for each comment.
    pub(super) fn audits(&self) -> Vec<Value> {
        let began = match &self.conversation {
            Some(conversation) => {
                json!({ "id": self.id, "type": "ChatStartedEvent", "value": { "conversation_id": conversation } })
            }
            None => json!({ "id": self.id, "type": "Create", "field_name": "status", "value": "new" }),
        };
        let first = json!({
            "id": self.id, "ticket_id": self.id, "created_at": seconds(self.created_ms),
            "author_id": self.requester, "metadata": { "custom": self.metadata }, "events": [began],
        });
        let comments = self.comments.iter().map(|comment| {
            json!({
                "id": comment.id, "ticket_id": self.id, "created_at": seconds(comment.at_ms),
                "author_id": comment.author, "events": [comment.to_json()],
            })
        });
        std::iter::once(first).chain(comments).collect()
    }
}

impl Comment {
    /// The comment object.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id, "type": "Comment", "author_id": self.author, "body": self.body,
            "html_body": self.html_body, "plain_body": self.body, "public": self.public,
            "attachments": self.attachments, "created_at": seconds(self.at_ms),
        })
    }
}

/// The number in a path, with or without the `.json` that Support tolerates.
pub(super) fn number(text: &str) -> Result<u64, Refusal> {
    text.trim_end_matches(".json").parse().map_err(|_| Refusal::not_found())
}

/// Support writes times without milliseconds.
pub(super) fn seconds(ms: i64) -> String {
    let text = iso(ms);
    format!("{}Z", &text[..19])
}
