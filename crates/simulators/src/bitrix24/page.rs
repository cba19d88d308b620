//! The operator's desk as a small page, for people who want to play the live agent.

use std::fmt::Write;
use std::sync::Arc;

use axum::Form;
use axum::Router;
use axum::extract::State as Shared;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::Portal;
use super::model::{Chat, Holder, Kind, Message};
use super::state::State;
use crate::control::Refused;

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<title>Open channel desk</title><style>body{font:15px/1.45 sans-serif;max-width:46em;margin:2em auto;color:#222}\
article{border:1px solid #bbb;border-radius:6px;padding:0 1em 1em;margin:1em 0}p{margin:.3em 0}\
.system{color:#777}.hidden{color:#946200}.live_agent{color:#0b5f2c}form{display:inline}input[name=text]{width:60%}\
</style><script>setInterval(()=>{if(![...document.querySelectorAll('input')].some(i=>i.value))\
location.reload()},2000)</script><h1>Open channel desk</h1>";

/// The page and its buttons.
pub(super) fn routes(portal: Arc<Portal>) -> Router {
    Router::new().route("/", get(desk)).route("/desk/{chat}/{action}", post(press)).with_state(portal)
}

async fn desk(Shared(portal): Shared<Arc<Portal>>) -> Html<String> {
    Html(portal.read(|state| {
        let mut page = HEAD.to_owned();
        if state.chats.is_empty() {
            page.push_str("<p>No customer has written yet.");
        }
        for chat in state.chats.values().rev() {
            page.push_str(&article(state, chat));
        }
        page
    }))
}

fn article(state: &State, chat: &Chat) -> String {
    let holder = state.holder(chat.id);
    let mut text = format!("<article><h2>{}</h2><p><b>{}</b>", escape(&chat.name), heading(state, holder));
    for message in &chat.messages {
        text.push_str(&paragraph(state, message));
    }
    let buttons: &[(&str, &str)] = match holder {
        Holder::Queue => &[("accept", "Answer")],
        Holder::Bot(_) => &[("intercept", "Take over")],
        Holder::Operator(_) => &[("reply", "Send"), ("close", "Finish")],
        Holder::Closed => &[],
    };
    for (action, label) in buttons {
        let field = if *action == "reply" { "<input name=text autofocus> " } else { "" };
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "<form method=post action=\"/_sim/desk/{}/{action}\">{field}<button>{label}</button></form> ",
            chat.id
        );
    }
    text.push_str("</article>");
    text
}

fn heading(state: &State, holder: Holder) -> String {
    match holder {
        Holder::Bot(bot) => format!("With the bot {}", escape(&state.name_of(bot))),
        Holder::Queue => "Waiting for an operator".to_owned(),
        Holder::Operator(operator) => format!("With {}", escape(&state.name_of(operator))),
        Holder::Closed => "Finished".to_owned(),
    }
}

fn paragraph(state: &State, message: &Message) -> String {
    let author = state.users.get(&message.author);
    let class = match author.map(|user| user.kind) {
        _ if message.system => "system",
        _ if !message.reaches_customer => "hidden",
        Some(Kind::Administrator | Kind::Employee) => "live_agent",
        _ => "",
    };
    let name = author.map(|user| escape(&user.name())).unwrap_or_default();
    let files = message.files.iter().filter_map(|id| state.files.get(id));
    let files: String = files.map(|file| format!(" [file {}]", escape(&file.name))).collect();
    let text = escape(&message.text).replace('\n', "<br>");
    format!("<p class=\"{class}\"><b>{name}</b> {text}{files}")
}

#[derive(Deserialize)]
struct Pressed {
    #[serde(default)]
    text: String,
}

async fn press(
    Shared(portal): Shared<Arc<Portal>>,
    axum::extract::Path((chat, action)): axum::extract::Path<(i64, String)>,
    Form(pressed): Form<Pressed>,
) -> Response {
    let done = portal.act(|state| act(state, chat, &action, &pressed.text));
    match done {
        Ok(()) => Redirect::to("/_sim").into_response(),
        Err(why) => Refused::because(why).into_response(),
    }
}

fn act(state: &mut State, chat: i64, action: &str, text: &str) -> Result<(), String> {
    match (action, state.holder(chat)) {
        ("accept", _) => {
            let operator = next_operator(state, chat)?;
            state.accept(chat, operator)
        }
        ("intercept", _) => {
            let operator = next_operator(state, chat)?;
            state.intercept(chat, operator)
        }
        ("reply", Holder::Operator(operator)) => state.operator_writes(chat, operator, text, None).map(drop),
        ("close", _) => {
            state.close(chat);
            Ok(())
        }
        _ => Err(format!("{action} makes no sense for chat {chat} now.")),
    }
}

/// Whoever the chat is offered to, or the line's first operator.
fn next_operator(state: &State, chat: i64) -> Result<i64, String> {
    let offered = state.open_session(chat).and_then(|session| session.offer.to.first().copied());
    let line = state.chats.get(&chat).and_then(|chat| state.lines.get(&chat.line));
    offered.or_else(|| line?.queue.first().copied()).ok_or_else(|| format!("Chat {chat} has no operator."))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
