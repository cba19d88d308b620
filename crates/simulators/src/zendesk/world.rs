//! Everything the fake account holds. Behaviour lives in the file of its noun.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::options::Options;
use super::problem::Problem;
use super::support::Support;
use crate::clock::{Clock, iso};
use crate::deliveries::Delivery;

/// Who a key belongs to, and so what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    App,
    /// One custom integration, by id.
    Integration(String),
}

pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) scope: Scope,
    pub(super) display_name: String,
}

pub(super) struct Webhook {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) triggers: Vec<String>,
    pub(super) secret: String,
    pub(super) full_user: bool,
    pub(super) full_source: bool,
}

pub(super) struct Integration {
    pub(super) id: String,
    /// `custom`, `web`, `zd:agentWorkspace` or `zd:answerBot`.
    pub(super) kind: String,
    pub(super) display_name: String,
    pub(super) webhooks: Vec<Webhook>,
    /// A switchboard integration that answers first on this channel.
    pub(super) default_responder: Option<String>,
}

pub(super) struct SwitchboardIntegration {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) integration_id: String,
    pub(super) integration_type: String,
    pub(super) deliver_standby: bool,
    pub(super) next: Option<String>,
    pub(super) history_count: Option<u64>,
}

pub(super) struct Switchboard {
    pub(super) id: String,
    pub(super) enabled: bool,
    pub(super) default: Option<String>,
    pub(super) integrations: Vec<SwitchboardIntegration>,
}

pub(super) struct User {
    pub(super) id: String,
    pub(super) external_id: Option<String>,
    pub(super) brand_id: Option<String>,
    pub(super) zendesk_id: Option<String>,
    pub(super) signed_up_at: String,
    pub(super) profile: Map<String, Value>,
    pub(super) metadata: Map<String, Value>,
    pub(super) to_be_retained: bool,
}

pub(super) struct Participant {
    pub(super) id: String,
    pub(super) user_id: String,
}

pub(super) struct Conversation {
    pub(super) id: String,
    /// `personal` or `sdkGroup`.
    pub(super) kind: String,
    pub(super) participants: Vec<Participant>,
    pub(super) is_default: bool,
    /// `displayName`, `description`, `iconUrl`, as given.
    pub(super) facts: Map<String, Value>,
    pub(super) metadata: Map<String, Value>,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
    pub(super) business_last_read_ms: Option<i64>,
    /// The switchboard integration in control.
    pub(super) active: Option<String>,
    /// The one control is offered to.
    pub(super) pending: Option<String>,
    pub(super) messages: Vec<Message>,
    /// The channel integration of a native conversation.
    pub(super) channel: Option<String>,
    /// The ticket new messages go to.
    pub(super) ticket: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) received_ms: i64,
    pub(super) author: Value,
    pub(super) content: Value,
    pub(super) source: Value,
    pub(super) metadata: Map<String, Value>,
    pub(super) activity: Option<Value>,
    /// Stored, but not delivered to the user.
    pub(super) silent: bool,
}

pub(super) struct Attachment {
    /// The part of the URL that names it.
    pub(super) key: String,
    pub(super) file_name: String,
    pub(super) media_type: String,
    pub(super) bytes: bytes::Bytes,
    /// The only conversation it may be used in; everywhere if none.
    pub(super) conversation: Option<String>,
    pub(super) private: bool,
}

/// The whole account.
pub(super) struct World {
    pub(super) options: Arc<Options>,
    /// `http://127.0.0.1:PORT`
    pub(super) base: String,
    pub(super) clock: Clock,
    ids: u64,
    pub(super) keys: Vec<Key>,
    pub(super) integrations: Vec<Integration>,
    pub(super) switchboard: Option<Switchboard>,
    pub(super) users: Vec<User>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) support: Support,
    /// Webhook calls this change has caused; taken when the change is over.
    pub(super) outgoing: Vec<Delivery>,
}

impl World {
    /// The account as an admin would have set it up.
    pub(super) fn new(options: Arc<Options>, base: String, clock: Clock) -> Self {
        let mut world = Self {
            options,
            base,
            clock,
            ids: 0,
            keys: Vec::new(),
            integrations: Vec::new(),
            switchboard: None,
            users: Vec::new(),
            conversations: Vec::new(),
            attachments: Vec::new(),
            support: Support::new(),
            outgoing: Vec::new(),
        };
        world.set_up();
        world
    }

    /// A fresh id: 24 hex characters that depend on the seed and the count only.
    pub(super) fn id(&mut self) -> String {
        self.hex(24)
    }

    /// Fresh hex characters, at most 64.
    pub(super) fn hex(&mut self, length: usize) -> String {
        self.ids += 1;
        let mut hash = Sha256::new();
        hash.update(self.options.common.seed.to_be_bytes());
        hash.update(self.ids.to_be_bytes());
        let mut text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(length);
        text
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(super) fn conversation(&mut self, id: &str) -> Result<&mut Conversation, Problem> {
        self.conversations.iter_mut().find(|c| c.id == id).ok_or_else(Problem::conversation_missing)
    }

    /// A user by id or external id.
    pub(super) fn user(&mut self, id: &str) -> Result<&mut User, Problem> {
        let named = |user: &&mut User| user.id == id || user.external_id.as_deref() == Some(id);
        self.users.iter_mut().find(named).ok_or_else(Problem::user_missing)
    }

    pub(super) fn find_user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn integration(&mut self, id: &str) -> Result<&mut Integration, Problem> {
        self.integrations.iter_mut().find(|i| i.id == id).ok_or_else(Problem::integration_missing)
    }

    /// Our own integration: the first custom one.
    pub(super) fn own_integration(&mut self) -> Option<&mut Integration> {
        self.integrations.iter_mut().find(|integration| integration.kind == "custom")
    }

    pub(super) fn member(&self, id: &str) -> Option<&SwitchboardIntegration> {
        self.switchboard.as_ref()?.integrations.iter().find(|member| member.id == id)
    }

    /// The switchboard integration a channel or API integration speaks for.
    pub(super) fn member_of(&self, integration_id: &str) -> Option<&SwitchboardIntegration> {
        self.switchboard.as_ref()?.integrations.iter().find(|member| member.integration_id == integration_id)
    }

    pub(super) fn is_agent_workspace(&self, member: &str) -> bool {
        self.member(member).is_some_and(|member| member.integration_type == "zd:agentWorkspace")
    }

    fn set_up(&mut self) {
        let options = Arc::clone(&self.options);
        let ours = self.add_integration("custom", "Our host");
        let web = self.add_integration("web", "Website");
        let workspace = self.add_integration("zd:agentWorkspace", "Agent Workspace");
        let bot = self.add_integration("zd:answerBot", "Answer Bot");
        self.keys = vec![
            key(&options.key_id, &options.key_secret, Scope::App),
            key(
                &options.integration_key_id,
                &options.integration_key_secret,
                Scope::Integration(ours.clone()),
            ),
        ];
        let id = self.id();
        self.switchboard = Some(Switchboard { id, enabled: true, default: None, integrations: Vec::new() });
        let standby = options.deliver_standby_events;
        let workspace = self.add_member("zd-agentWorkspace", &workspace, "zd:agentWorkspace", true);
        let ours = self.add_member(&options.integration_name, &ours, "custom", standby);
        self.add_member("zd-answerBot", &bot, "zd:answerBot", true);
        self.link_next(&ours, Some(workspace.clone()));
        let next = options.agent_workspace_next.as_deref().and_then(|name| self.member_named(name));
        self.link_next(&workspace, next);
        let default = self.member_named(&options.default_responder);
        let channel = options.channel_responder.as_deref().and_then(|name| self.member_named(name));
        if let Some(switchboard) = &mut self.switchboard {
            switchboard.default = default;
        }
        if let Ok(web) = self.integration(&web) {
            web.default_responder = channel;
        }
        if let Some(target) = &options.webhook_target {
            self.point_webhook(target, &options.webhook_secret);
        }
    }

    fn add_integration(&mut self, kind: &str, display_name: &str) -> String {
        let id = self.id();
        self.integrations.push(Integration {
            id: id.clone(),
            kind: kind.to_owned(),
            display_name: display_name.to_owned(),
            webhooks: Vec::new(),
            default_responder: None,
        });
        id
    }

    fn add_member(&mut self, name: &str, integration_id: &str, kind: &str, standby: bool) -> String {
        let id = self.id();
        if let Some(switchboard) = &mut self.switchboard {
            switchboard.integrations.push(SwitchboardIntegration {
                id: id.clone(),
                name: name.to_owned(),
                integration_id: integration_id.to_owned(),
                integration_type: kind.to_owned(),
                deliver_standby: standby,
                next: None,
                history_count: None,
            });
        }
        id
    }

    fn member_named(&self, name: &str) -> Option<String> {
        let members = &self.switchboard.as_ref()?.integrations;
        members.iter().find(|member| member.name == name).map(|member| member.id.clone())
    }

    fn link_next(&mut self, member: &str, next: Option<String>) {
        let members = self.switchboard.iter_mut().flat_map(|switchboard| &mut switchboard.integrations);
        for found in members.filter(|found| found.id == member) {
            found.next = next.clone();
        }
    }
}

fn key(id: &str, secret: &str, scope: Scope) -> Key {
    Key { id: id.to_owned(), secret: secret.to_owned(), scope, display_name: "Simulator key".to_owned() }
}

impl User {
    pub(super) fn to_json(&self) -> Value {
        let mut user = json!({
            "id": self.id, "signedUpAt": self.signed_up_at, "hasPaymentInfo": false, "identities": [],
            "toBeRetained": self.to_be_retained, "profile": self.profile, "metadata": self.metadata,
        });
        let known =
            [("externalId", &self.external_id), ("brandId", &self.brand_id), ("zendeskId", &self.zendesk_id)];
        for (name, value) in known {
            if let Some(value) = value {
                user[name] = json!(value);
            }
        }
        user
    }

    /// The name others see.
    pub(super) fn display_name(&self) -> String {
        let part = |name: &str| self.profile.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = format!("{} {}", part("givenName"), part("surname")).trim().to_owned();
        if name.is_empty() { format!("Web User {}", &self.id[..6]) } else { name }
    }
}

impl SwitchboardIntegration {
    pub(super) fn short_json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "integrationId": self.integration_id,
            "integrationType": self.integration_type,
        })
    }
}

impl Message {
    pub(super) fn to_json(&self) -> Value {
        let mut message = json!({
            "id": self.id, "received": iso(self.received_ms), "author": self.author, "content": self.content,
            "source": self.source,
        });
        if !self.metadata.is_empty() {
            message["metadata"] = json!(self.metadata);
        }
        if let Some(activity) = &self.activity {
            message["activity"] = activity.clone();
        }
        message
    }

    pub(super) fn is_by_user(&self) -> bool {
        self.author["type"] == "user"
    }
}
