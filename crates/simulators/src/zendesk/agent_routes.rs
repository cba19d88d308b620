//! Control routes that play the people: the live agent under `/agent`, and customers on a native channel.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Platform;
use super::options::OnClose;
use super::support;
use super::world::World;
use crate::control::{Json, Refused};

type Answer = Result<Json<Value>, Refused>;

/// The routes, to be put under `/_sim`.
pub(super) fn routes(platform: Platform) -> Router {
    Router::new()
        .route("/agent/accept", post(accept))
        .route("/agent/reply", post(reply))
        .route("/agent/automatic", post(automatic))
        .route("/agent/attach", post(attach))
        .route("/agent/typing", post(typing))
        .route("/agent/solve", post(solve))
        .route("/agent/close", post(close))
        .route("/agent/end", post(end))
        .route("/agent/transfer_email", post(transfer_email))
        .route("/user_message", post(user_message))
        .route("/postback", post(postback))
        .route("/user_merge", post(user_merge))
        .route("/delivery_failure", post(delivery_failure))
        .route("/webhook", post(webhook))
        .merge(support::script_routes())
        .with_state(platform)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chat {
    conversation: String,
}

async fn accept(State(platform): State<Platform>, Json(chat): Json<Chat>) -> Answer {
    let ticket = platform.change(|world| world.agent_accepts(&chat.conversation))?;
    Ok(Json(json!({ "ticket": ticket })))
}

async fn solve(State(platform): State<Platform>, Json(chat): Json<Chat>) -> Answer {
    platform.change(|world| world.agent_solves(&chat.conversation))?;
    Ok(Json(json!({ "solved": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    conversation: String,
    text: String,
}

async fn reply(State(platform): State<Platform>, Json(say): Json<Say>) -> Answer {
    let id = platform.change(|world| world.agent_replies(&say.conversation, &say.text))?;
    Ok(Json(json!({ "message": id })))
}

async fn automatic(State(platform): State<Platform>, Json(say): Json<Say>) -> Answer {
    let id = platform.change(|world| world.trigger_writes(&say.conversation, &say.text))?;
    Ok(Json(json!({ "message": id })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attach {
    conversation: String,
    file_name: String,
    content_base64: String,
    media_type: String,
}

async fn attach(State(platform): State<Platform>, Json(file): Json<Attach>) -> Answer {
    let bytes = STANDARD.decode(&file.content_base64);
    let bytes = Bytes::from(bytes.map_err(|_| Refused::because("content_base64 is no base64."))?);
    let Attach { conversation, file_name, media_type, .. } = &file;
    let id = platform.change(|world| world.agent_attaches(conversation, file_name, media_type, bytes))?;
    Ok(Json(json!({ "message": id })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typing {
    conversation: String,
    #[serde(default)]
    stop: bool,
}

async fn typing(State(platform): State<Platform>, Json(typing): Json<Typing>) -> Answer {
    platform.change(|world| world.agent_types(&typing.conversation, typing.stop))?;
    Ok(Json(json!({ "typing": !typing.stop })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    conversation: String,
    /// In place of the simulator's switch.
    #[serde(default)]
    on_close: Option<OnClose>,
}

async fn close(State(platform): State<Platform>, Json(close): Json<Close>) -> Answer {
    platform.change(|world| world.agent_closes(&close.conversation, close.on_close))?;
    Ok(Json(json!({ "closed": true })))
}

async fn transfer_email(State(platform): State<Platform>, Json(close): Json<Close>) -> Answer {
    platform.change(|world| world.agent_moves_to_email(&close.conversation, close.on_close))?;
    Ok(Json(json!({ "by_email": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    conversation: String,
    /// `agent` (default) or `user`.
    #[serde(default)]
    by: Option<String>,
}

async fn end(State(platform): State<Platform>, Json(end): Json<End>) -> Answer {
    let by_user = match end.by.as_deref() {
        None | Some("agent") => false,
        Some("user") => true,
        Some(other) => {
            return Err(Refused::because(format!("A session is ended by agent or user, not by {other}.")));
        }
    };
    platform.change(|world| world.session_ends(&end.conversation, by_user))?;
    Ok(Json(json!({ "ended": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserMessage {
    /// A new native conversation if absent.
    #[serde(default)]
    conversation: Option<String>,
    /// Who writes: a user id or external id; a new visitor, or the conversation's user, if absent.
    #[serde(default)]
    user: Option<String>,
    /// The name of a new visitor.
    #[serde(default)]
    name: Option<String>,
    text: String,
    /// The payload of a clicked reply button.
    #[serde(default)]
    payload: Option<String>,
}

async fn user_message(State(platform): State<Platform>, Json(said): Json<UserMessage>) -> Answer {
    platform.change(|world| {
        let conversation = match &said.conversation {
            Some(id) => id.clone(),
            None => world.native_conversation(&said)?,
        };
        let user = world.speaker(&conversation, said.user.as_deref())?;
        let mut content = json!({ "type": "text", "text": said.text });
        if let Some(payload) = &said.payload {
            content["payload"] = json!(payload);
        }
        let (author, source) = (world.user_as_author(&user), world.channel_source(&conversation));
        let message = world.new_message(author, content, source, Map::new());
        let id = message.id.clone();
        world.add_message(&conversation, message);
        Ok(Json(json!({ "conversation": conversation, "user": user, "message": id })))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Postback {
    conversation: String,
    payload: String,
    #[serde(default)]
    metadata: Map<String, Value>,
}

async fn postback(State(platform): State<Platform>, Json(click): Json<Postback>) -> Answer {
    platform.change(|world| {
        let user = world.speaker(&click.conversation, None)?;
        world.wake_default(&click.conversation);
        let (user, source) = (world.user_in_event(&user), world.channel_source(&click.conversation));
        let postback = json!({ "payload": click.payload, "metadata": click.metadata });
        let payload = json!({ "user": user, "postback": postback, "source": source });
        world.emit("conversation:postback", &click.conversation, &[], payload);
        Ok(Json(json!({ "clicked": true })))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    surviving: String,
    discarded: String,
}

async fn user_merge(State(platform): State<Platform>, Json(merge): Json<Merge>) -> Answer {
    let merged = platform.change(|world| world.merge_users(&merge.surviving, &merge.discarded));
    merged.map_err(|_| Refused::because("Both users must exist."))?;
    Ok(Json(json!({ "merged": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryFailure {
    conversation: String,
    message: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

async fn delivery_failure(State(platform): State<Platform>, Json(failure): Json<DeliveryFailure>) -> Answer {
    platform.change(|world| {
        let user = world.speaker(&failure.conversation, None)?;
        let source = world.channel_source(&failure.conversation);
        let payload = json!({
            "user": world.user_in_event(&user), "message": { "id": failure.message }, "destination": source,
            "isFinalEvent": true,
            "error": {
                "code": failure.code.as_deref().unwrap_or("uncategorized_error"),
                "message": failure.reason.as_deref().unwrap_or("Unsupported message type `form`"),
            },
        });
        world.emit("conversation:message:delivery:failure", &failure.conversation, &[], payload);
        Ok(Json(json!({ "told": true })))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PointWebhook {
    target: String,
    #[serde(default)]
    secret: Option<String>,
}

async fn webhook(State(platform): State<Platform>, Json(point): Json<PointWebhook>) -> Answer {
    let url = url::Url::parse(&point.target).map_err(|_| Refused::because("The target must be an URL."))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::because("The target must be an http URL."));
    }
    let secret = point.secret.as_deref().unwrap_or(&platform.options().webhook_secret).to_owned();
    platform.change(|world| {
        world.point_webhook(&point.target, &secret);
        let ours = world.own_integration().map(|ours| ours.to_json());
        Ok(Json(json!({ "integration": ours })))
    })
}

impl World {
    /// A conversation that begins on the web channel with a message of its user.
    fn native_conversation(&mut self, said: &UserMessage) -> Result<String, Refused> {
        let user = match &said.user {
            Some(user) => self.user(user).map(|user| user.id.clone()),
            None => {
                let given = said.name.iter().map(|name| ("givenName".to_owned(), json!(name)));
                Ok(self.new_user(None, given.collect(), Map::new()).id.clone())
            }
        };
        let user = user.map_err(|_| Refused::because("There is no such user."))?;
        let web = self.integrations.iter().find(|found| found.kind == "web").map(|found| found.id.clone());
        let made = self.new_conversation("personal", &[user], Map::new(), Map::new(), web);
        let id = made.map_err(|_| Refused::because("This user may have one conversation only."))?;
        self.wake_default(&id);
        let source = self.channel_source(&id);
        self.emit_creation(&id, "message", source);
        Ok(id)
    }

    fn speaker(&mut self, conversation: &str, user: Option<&str>) -> Result<String, Refused> {
        self.find(conversation)?;
        let owner =
            self.conversations.iter().find(|found| found.id == conversation).and_then(|found| found.owner());
        let named = user.map(|user| self.user(user).map(|user| user.id.clone()));
        let speaker = named.and_then(Result::ok).or(owner.filter(|_| user.is_none()));
        speaker.ok_or_else(|| Refused::because("It must be clear which user speaks."))
    }

    fn channel_source(&mut self, conversation: &str) -> Value {
        match self.conversation(conversation).ok().and_then(|found| found.channel.clone()) {
            Some(channel) => json!({ "type": "web", "integrationId": channel }),
            None => json!({ "type": "api:conversations" }),
        }
    }
}
