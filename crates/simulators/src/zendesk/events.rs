//! Which webhook hears which event, and what the event looks like.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::world::{Webhook, World};
use crate::clock::iso;
use crate::deliveries::{Delivery, Payload, Policy};

/// Every trigger a webhook can subscribe to.
pub(super) const TRIGGERS: [&str; 26] = [
    "conversation:create",
    "conversation:join",
    "conversation:leave",
    "conversation:message",
    "conversation:message:delivery:channel",
    "conversation:message:delivery:failure",
    "conversation:message:delivery:user",
    "conversation:postback",
    "conversation:read",
    "conversation:referral",
    "conversation:remove",
    "conversation:typing",
    "switchboard:acceptControl",
    "switchboard:acceptControl:failure",
    "switchboard:offerControl",
    "switchboard:offerControl:failure",
    "switchboard:passControl",
    "switchboard:passControl:failure",
    "switchboard:releaseControl",
    "user:merge",
    "user:remove",
    "user:update",
    "client:add",
    "client:remove",
    "client:update",
    "passthrough:messaging",
];

/// Statuses after which Zendesk gives a webhook call up.
fn gives_up_on(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 406)
}

/// Five tries within fifteen minutes, twenty seconds each. The exact spacing is not documented.
fn policy() -> Policy {
    let spacing = [30, 60, 180, 480].map(Duration::from_secs).to_vec();
    Policy { spacing, time_limit: Duration::from_secs(20), gives_up_on }
}

impl World {
    /// Sends our integration's events to this address from now on.
    pub(super) fn point_webhook(&mut self, target: &str, secret: &str) {
        let id = self.id();
        let full_user = false;
        let Some(ours) = self.own_integration() else { return };
        match ours.webhooks.first_mut() {
            Some(webhook) => {
                webhook.target = target.to_owned();
                webhook.secret = secret.to_owned();
            }
            None => ours.webhooks.push(Webhook {
                id,
                target: target.to_owned(),
                triggers: TRIGGERS.map(str::to_owned).to_vec(),
                secret: secret.to_owned(),
                full_user,
                full_source: false,
            }),
        }
    }

    /// An event of a conversation, to whoever may hear it; `also` names switchboard integrations
    /// that hear it in any case.
    pub(super) fn emit(&mut self, kind: &str, conversation: &str, also: &[String], mut payload: Value) {
        let Ok(found) = self.conversation(conversation) else { return };
        let mut hearers: Vec<String> = also.to_vec();
        hearers.extend(found.active.clone());
        hearers.extend(found.pending.clone());
        payload["conversation"] = self.conversation_in_event(conversation);
        self.send(kind, Some(&hearers), payload);
    }

    /// An event of no conversation, to everybody.
    pub(super) fn emit_to_all(&mut self, kind: &str, payload: Value) {
        self.send(kind, None, payload);
    }

    fn send(&mut self, kind: &str, hearers: Option<&[String]>, payload: Value) {
        let id = self.id();
        let event = json!({ "id": id, "createdAt": iso(self.now_ms()), "type": kind, "payload": payload });
        let mut calls = Vec::new();
        for integration in self.integrations.iter().filter(|integration| self.hears(&integration.id, hearers))
        {
            let wanted = |webhook: &&Webhook| webhook.triggers.iter().any(|trigger| trigger == kind);
            calls.extend(
                integration.webhooks.iter().filter(wanted).map(|webhook| self.call(webhook, kind, &event)),
            );
        }
        self.outgoing.extend(calls);
    }

    /// The active and pending hear everything, the others when they asked to. Without a working
    /// switchboard, or outside of it, everybody hears everything.
    fn hears(&self, integration: &str, hearers: Option<&[String]>) -> bool {
        let (Some(hearers), Some(switchboard)) = (hearers, &self.switchboard) else { return true };
        match self.member_of(integration) {
            Some(member) if switchboard.enabled => member.deliver_standby || hearers.contains(&member.id),
            _ => true,
        }
    }

    fn call(&self, webhook: &Webhook, kind: &str, event: &Value) -> Delivery {
        let mut event = event.clone();
        if !webhook.full_user {
            shorten_users(&mut event);
        }
        Delivery {
            label: kind.to_owned(),
            target: webhook.target.clone(),
            headers: vec![("X-API-Key".to_owned(), webhook.secret.clone())],
            payload: Payload::Batch {
                envelope: json!({
                    "app": { "id": self.options.app_id },
                    "webhook": { "id": webhook.id, "version": "v2" },
                }),
                key: "events",
                items: vec![event],
                limit: self.options.webhook_batch.max(1),
            },
            policy: policy(),
        }
    }

    /// A conversation as events show it.
    pub(super) fn conversation_in_event(&self, id: &str) -> Value {
        let Some(conversation) = self.conversations.iter().find(|found| found.id == id) else {
            return Value::Null;
        };
        let mut shown = json!({ "id": conversation.id, "type": conversation.kind });
        if !conversation.metadata.is_empty() {
            shown["metadata"] = json!(conversation.metadata);
        }
        self.show_control(&mut shown, conversation.active.as_deref(), conversation.pending.as_deref());
        shown
    }

    /// Adds who is active and pending; both fields are left out when empty.
    pub(super) fn show_control(&self, shown: &mut Value, active: Option<&str>, pending: Option<&str>) {
        let fields = [("activeSwitchboardIntegration", active), ("pendingSwitchboardIntegration", pending)];
        for (name, member) in fields {
            if let Some(member) = member.and_then(|id| self.member(id)) {
                shown[name] = member.short_json();
            }
        }
    }

    /// A user as events show it, in full; shortened for webhooks that did not ask for that.
    pub(super) fn user_in_event(&self, id: &str) -> Value {
        let Some(user) = self.find_user(id) else { return json!({ "id": id, "authenticated": false }) };
        let mut shown = user.to_json();
        shown["authenticated"] = json!(user.external_id.is_some());
        shown
    }
}

/// Reduces every user in an event to what is sent without `includeFullUser`.
fn shorten_users(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(shorten_users),
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                match (name.as_str(), inner) {
                    ("user" | "surviving" | "discarded", Value::Object(user))
                        if user.contains_key("authenticated") =>
                    {
                        shorten(user);
                    }
                    (_, inner) => shorten_users(inner),
                }
            }
        }
        _ => {}
    }
}

fn shorten(user: &mut Map<String, Value>) {
    user.retain(|name, _| matches!(name.as_str(), "id" | "externalId" | "zendeskId" | "authenticated"));
}
