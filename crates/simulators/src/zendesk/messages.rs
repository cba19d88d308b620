//! Messages and activity: what a post must look like and everything it sets in motion.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Platform;
use super::auth::Caller;
use super::content;
use super::input::{Body, bad_page, metadata, string, within};
use super::problem::Problem;
use super::world::{Message, World};

type Answer = Result<Json<Value>, Problem>;

/// Messages on a page; the size asked for is ignored.
const PAGE: usize = 100;
/// What Zendesk fills in for an author without a picture.
const GRAVATAR: &str = "https://www.gravatar.com/avatar/00000000000000000000000000000000.png?d=mm";
/// What the answer bot says when nobody took control from it.
pub(super) const ANSWER_BOT_TEXT: &str = "Hi, I am the help centre's answer bot. What is your question?";

pub(super) async fn post(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let message = platform.change(|world| world.post_message(&id, &caller, &body))?;
    Ok((StatusCode::CREATED, Json(json!({ "messages": [message] }))))
}

pub(super) async fn list(
    State(platform): State<Platform>,
    _: Caller,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    platform.change(|world| {
        let base = world.base.clone();
        let conversation = world.conversation(&id).map_err(|_| Problem::not_found("Resource not found"))?;
        let messages = &conversation.messages;
        let end = match query.get("page[before]") {
            None => messages.len(),
            Some(cursor) => messages.iter().position(|message| message.id == *cursor).ok_or_else(bad_page)?,
        };
        let start = end.saturating_sub(PAGE);
        let shown: Vec<Value> = messages[start..end].iter().map(Message::to_json).collect();
        let (mut meta, mut links) = (json!({ "hasMore": start > 0 }), json!({}));
        if let (true, Some(first)) = (start > 0, messages.get(start)) {
            meta["beforeCursor"] = json!(first.id);
            let path = format!("/sc/v2/apps/{app}/conversations/{id}/messages");
            links["prev"] = json!(format!("{base}{path}?page[before]={}", first.id));
        }
        Ok(Json(json!({ "messages": shown, "meta": meta, "links": links })))
    })
}

pub(super) async fn delete_all(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    platform.change(|world| {
        world.conversation(&id)?.messages.clear();
        Ok(Json(json!({})))
    })
}

pub(super) async fn delete_one(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id, message)): Path<(String, String, String)>,
) -> Answer {
    platform.change(|world| {
        world.conversation(&id)?.messages.retain(|found| found.id != message);
        Ok(Json(json!({})))
    })
}

pub(super) async fn activity(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    platform.change(|world| {
        world.conversation(&id)?;
        let kind = string(&body, "type")?;
        let by_user = body["author"]["type"] == "user";
        let author = world.author(&id, &body["author"])?;
        let event = match (kind, by_user) {
            ("conversation:read", _) => "conversation:read",
            ("typing:start" | "typing:stop", false) => "conversation:typing",
            _ => return Err(Problem::bad_request("Invalid activity type")),
        };
        if event == "conversation:read" && !by_user {
            let now = world.now_ms();
            world.conversation(&id)?.business_last_read_ms = Some(now);
        }
        world.emit_activity(event, &id, kind, author, json!({ "type": "api:conversations" }));
        Ok(Json(json!({})))
    })
}

impl World {
    fn post_message(&mut self, id: &str, caller: &Caller, body: &Value) -> Result<Value, Problem> {
        let full = self.conversation(id)?.messages.len() >= self.options.message_limit;
        let author = self.author(id, &body["author"])?;
        let mut content = content::accept(&body["content"], self.options.long_text_status)?;
        let metadata = metadata(body, "Message")?;
        self.check_destination(id, body)?;
        self.settle_media(id, &mut content)?;
        if full {
            let title = format!("Message limit of {} per conversation reached.", self.options.message_limit);
            return Err(Problem::new(StatusCode::LOCKED, "locked", title));
        }
        let source = json!({ "type": "api:conversations" });
        let mut message = self.new_message(author, content, source, metadata);
        message.silent = body["destination"]["integrationType"] == "none";
        let shown = message.to_json();
        match shorthand(&message).map(str::to_owned) {
            // Such a text passes control and is shown to nobody.
            Some(target) => self.pass_control(id, Some(caller), &target, Map::new())?,
            None => self.add_message(id, message),
        }
        Ok(shown)
    }

    pub(super) fn new_message(
        &mut self,
        author: Value,
        content: Value,
        source: Value,
        metadata: Map<String, Value>,
    ) -> Message {
        let (id, received_ms) = (self.id(), self.now_ms());
        Message { id, received_ms, author, content, source, metadata, activity: None, silent: false }
    }

    /// Stores a message and does what follows: choosing who is in control, the ticket, the event,
    /// the answer bot.
    pub(super) fn add_message(&mut self, id: &str, message: Message) {
        // What the Agent Workspace says is no activity that anybody would have to respond to.
        let woken = message.source["type"] != "zd:agentWorkspace" && self.wake_default(id);
        let by_user = message.is_by_user();
        let now = self.now_ms();
        let Ok(conversation) = self.conversation(id) else { return };
        conversation.messages.push(message.clone());
        conversation.updated_ms = now;
        self.ticket_on_message(id, &message);
        self.emit_message(id, &message);
        if woken || by_user {
            self.answer_bot_reply(id);
        }
    }

    fn emit_message(&mut self, id: &str, message: &Message) {
        let mut shown = message.to_json();
        if let Some(user) = message.author["userId"].as_str() {
            shown["author"]["user"] = self.user_in_event(user);
        }
        self.emit("conversation:message", id, &[], json!({ "message": shown }));
    }

    /// The default bot answers as soon as it is in control, wanted or not.
    fn answer_bot_reply(&mut self, id: &str) {
        let Some(active) = self.conversation(id).ok().and_then(|found| found.active.clone()) else { return };
        let is_bot = self.member(&active).is_some_and(|member| member.integration_type == "zd:answerBot");
        if !is_bot || !self.options.answer_bot_replies {
            return;
        }
        let author = json!({ "type": "business", "displayName": "Answer Bot", "subtypes": ["bot"] });
        let content = json!({ "type": "text", "text": ANSWER_BOT_TEXT });
        let message = self.new_message(author, content, json!({ "type": "zd:answerBot" }), Map::new());
        self.add_message(id, message);
    }

    /// The author of a post as it is stored.
    fn author(&mut self, conversation: &str, author: &Value) -> Result<Value, Problem> {
        within(author, "displayName", 256)?;
        within(author, "avatarUrl", 2048)?;
        let mut stored = match author["type"].as_str() {
            Some("business") => self.business_author(author)?,
            Some("user") => self.user_author(conversation, author)?,
            _ => return Err(Problem::bad_request("author.type must be business or user")),
        };
        for name in ["displayName", "avatarUrl"] {
            if author[name].is_string() {
                stored[name] = author[name].clone();
            }
        }
        Ok(stored)
    }

    fn business_author(&self, author: &Value) -> Result<Value, Problem> {
        if !author["userId"].is_null() || !author["userExternalId"].is_null() {
            return Err(Problem::bad_request("A business author has no userId"));
        }
        let mut stored = json!({ "type": "business", "avatarUrl": GRAVATAR });
        match &author["subtypes"] {
            Value::Null => {}
            Value::Array(subtypes) if *subtypes == [json!("AI")] || *subtypes == [json!("activity")] => {
                stored["subtypes"] = author["subtypes"].clone();
            }
            _ => return Err(Problem::bad_request("subtypes must be AI or activity")),
        }
        Ok(stored)
    }

    fn user_author(&mut self, conversation: &str, author: &Value) -> Result<Value, Problem> {
        let user = self.named_user(author)?;
        if !self.conversation(conversation)?.has(&user) {
            return Err(Problem::not_found("User is not a member of the conversation"));
        }
        Ok(self.user_as_author(&user))
    }

    pub(super) fn user_as_author(&self, user: &str) -> Value {
        let mut author = json!({ "type": "user", "userId": user });
        if let Some(user) = self.find_user(user) {
            author["displayName"] = json!(user.display_name());
            if let Some(external_id) = &user.external_id {
                author["userExternalId"] = json!(external_id);
            }
        }
        author
    }

    fn check_destination(&mut self, id: &str, body: &Value) -> Result<(), Problem> {
        let destination = &body["destination"];
        if destination.is_null() {
            return Ok(());
        }
        let personal = self.conversation(id)?.kind == "personal";
        if !personal || body["author"]["type"] != "business" {
            return Err(Problem::bad_request(
                "destination needs a business author and a personal conversation",
            ));
        }
        match (destination["integrationId"].as_str(), destination["integrationType"].as_str()) {
            (Some(id), None) => self.integration(id).map(|_| ()),
            (None, Some(_)) => Ok(()),
            _ => Err(Problem::bad_request("destination needs integrationId or integrationType")),
        }
    }

    pub(super) fn emit_activity(
        &mut self,
        event: &str,
        id: &str,
        kind: &str,
        mut author: Value,
        source: Value,
    ) {
        if let Some(user) = author["userId"].as_str().map(str::to_owned) {
            author["user"] = self.user_in_event(&user);
        }
        let activity = json!({ "type": kind, "author": author, "source": source });
        self.emit(event, id, &[], json!({ "activity": activity }));
    }
}

/// The target of a business text that is nothing but a command to pass control.
fn shorthand(message: &Message) -> Option<&str> {
    let text = message.content["text"].as_str().filter(|_| !message.is_by_user())?;
    let command = text.trim().strip_prefix("%((switchboard:passControl")?.strip_suffix("))%");
    match command? {
        "" => Some("next"),
        named => named.strip_prefix(':').filter(|name| !name.is_empty()),
    }
}
