//! The live agent at work: what happens in the account when they reply, solve, close or move on.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::options::OnClose;
use super::support::Ticket;
use super::world::{Message, World};
use crate::control::Refused;

/// The source of everything that comes out of the Agent Workspace.
const WORKSPACE: &str = "zd:agentWorkspace";

impl World {
    /// The agent takes the chat.
    pub(super) fn agent_accepts(&mut self, conversation: &str) -> Result<u64, Refused> {
        let agent = self.options.live_agent_id;
        let ticket = self.agent_ticket(conversation)?;
        ticket.assignee = Some(agent);
        if ticket.status == "new" {
            ticket.status = "open".to_owned();
        }
        Ok(ticket.id)
    }

    /// The agent writes; who writes has taken the chat.
    pub(super) fn agent_replies(&mut self, conversation: &str, text: &str) -> Result<String, Refused> {
        self.agent_accepts(conversation)?;
        let agent = self.options.live_agent_id.to_string();
        let message = self.workspace_message(json!({ "type": "text", "text": text }), &agent);
        Ok(self.post_from_workspace(conversation, message))
    }

    /// A trigger writes in the agent's place.
    pub(super) fn trigger_writes(&mut self, conversation: &str, text: &str) -> Result<String, Refused> {
        self.agent_ticket(conversation)?;
        let message = self.workspace_message(json!({ "type": "text", "text": text }), "__trigger");
        Ok(self.post_from_workspace(conversation, message))
    }

    /// The agent sends a file, readable within this conversation only.
    pub(super) fn agent_attaches(
        &mut self,
        conversation: &str,
        file_name: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<String, Refused> {
        self.agent_accepts(conversation)?;
        let (private, size) = (self.options.private_attachments, bytes.len());
        let owner = Some(conversation.to_owned());
        let url = self.add_attachment(file_name, media_type, bytes, owner, private);
        let kind = if media_type.starts_with("image/") { "image" } else { "file" };
        let content = json!({
            "type": kind, "mediaUrl": url, "mediaType": media_type, "mediaSize": size, "altText": file_name,
        });
        let agent = self.options.live_agent_id.to_string();
        let message = self.workspace_message(content, &agent);
        Ok(self.post_from_workspace(conversation, message))
    }

    /// The agent types, or stops.
    pub(super) fn agent_types(&mut self, conversation: &str, stops: bool) -> Result<(), Refused> {
        self.agent_ticket(conversation)?;
        let author = json!({ "type": "business", "displayName": self.options.live_agent_name });
        let kind = if stops { "typing:stop" } else { "typing:start" };
        self.emit_activity("conversation:typing", conversation, kind, author, json!({ "type": WORKSPACE }));
        Ok(())
    }

    /// Solved is not the end: the next message of the user opens the ticket again.
    pub(super) fn agent_solves(&mut self, conversation: &str) -> Result<(), Refused> {
        self.agent_ticket(conversation)?.status = "solved".to_owned();
        Ok(())
    }

    /// The ticket is closed for good, and control goes where the switch says.
    pub(super) fn agent_closes(
        &mut self,
        conversation: &str,
        on_close: Option<OnClose>,
    ) -> Result<(), Refused> {
        let number = self.agent_ticket(conversation)?.id;
        self.workspace_notice(conversation, "ticket:closed", "The ticket was closed.");
        if let Some(ticket) = self.support.ticket(number) {
            ticket.status = "closed".to_owned();
        }
        self.give_control_back(conversation, on_close, "ticketClosed");
        Ok(())
    }

    /// The agent goes on by e-mail; the chat is over, the ticket is not.
    pub(super) fn agent_moves_to_email(
        &mut self,
        conversation: &str,
        on_close: Option<OnClose>,
    ) -> Result<(), Refused> {
        self.agent_ticket(conversation)?.by_email = true;
        self.workspace_notice(conversation, "ticket:transfer:email", "The conversation continues by e-mail.");
        self.leave_ticket(conversation);
        self.give_control_back(conversation, on_close, "transferToEmail");
        Ok(())
    }

    /// The session ends without touching the ticket; the next message starts anew with the default.
    pub(super) fn session_ends(&mut self, conversation: &str, by_user: bool) -> Result<(), Refused> {
        self.find(conversation)?;
        if by_user {
            let text = "The conversation was ended by the user.";
            self.workspace_notice(conversation, "conversation:endedByUser", text);
        }
        self.leave_ticket(conversation);
        self.let_go(conversation, Map::new(), None);
        Ok(())
    }

    /// Refuses a conversation that does not exist.
    pub(super) fn find(&mut self, conversation: &str) -> Result<(), Refused> {
        let known = self.conversation(conversation).is_ok();
        let missing = || Refused::because(format!("There is no conversation {conversation}."));
        known.then_some(()).ok_or_else(missing)
    }

    fn agent_ticket(&mut self, conversation: &str) -> Result<&mut Ticket, Refused> {
        self.find(conversation)?;
        let number = self.conversation(conversation).ok().and_then(|found| found.ticket);
        let ticket = number.and_then(|number| self.open_ticket(number)).filter(|ticket| !ticket.ai_agent);
        ticket.ok_or_else(|| {
            Refused::because(format!("No live agent has a ticket of conversation {conversation}."))
        })
    }

    fn workspace_message(&mut self, content: Value, agent: &str) -> Message {
        let author = json!({
            "type": "business", "displayName": self.options.live_agent_name, "subtypes": ["agent"],
        });
        let mut metadata = Map::new();
        metadata.insert("__zendesk_msg.agent.id".to_owned(), json!(agent));
        metadata.insert("__zendesk_msg.id".to_owned(), json!(self.id()));
        metadata.insert("__zendesk_msg.source_type".to_owned(), json!("sunco_web"));
        self.new_message(author, content, json!({ "type": WORKSPACE }), metadata)
    }

    fn post_from_workspace(&mut self, conversation: &str, message: Message) -> String {
        let id = message.id.clone();
        self.add_message(conversation, message);
        id
    }

    /// A text made by the system, marked by its activity.
    fn workspace_notice(&mut self, conversation: &str, activity: &str, text: &str) {
        let author = json!({ "type": "business", "subtypes": ["activity"] });
        let content = json!({ "type": "text", "text": text });
        let mut message = self.new_message(author, content, json!({ "type": WORKSPACE }), Map::new());
        message.activity = Some(json!({ "type": activity, "data": {} }));
        self.add_message(conversation, message);
    }

    fn leave_ticket(&mut self, conversation: &str) {
        if let Ok(found) = self.conversation(conversation) {
            found.ticket = None;
        }
    }

    fn give_control_back(&mut self, conversation: &str, on_close: Option<OnClose>, reason: &str) {
        let active = self.conversation(conversation).ok().and_then(|found| found.active.clone());
        let held = active.filter(|active| self.is_agent_workspace(active));
        let Some(workspace) = held else { return };
        let next = self.member(&workspace).and_then(|member| member.next.clone());
        match (on_close.unwrap_or(self.options.on_close), next) {
            (OnClose::Nothing, _) => {}
            (OnClose::PassToNext, Some(next)) => self.hand_over(conversation, next, Map::new(), Some(reason)),
            (OnClose::PassToNext, None) | (OnClose::Release, _) => {
                self.let_go(conversation, Map::new(), Some(reason));
            }
        }
    }
}
