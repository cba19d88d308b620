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
<meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">\
<title>Open channel desk (simulated)</title><style>
:root{color-scheme:light dark;--paper:#eef3f5;--card:#fff;--ink:#1f2933;--soft:#56616d;--line:#cfd9de;--accent:#0b5c86;--on:#fff;--agent:#dff3e5;--hidden:#fff1cf;--other:#eef1f5}
@media(prefers-color-scheme:dark){:root{--paper:#12181b;--card:#1b2327;--ink:#e6ebea;--soft:#a7b3b8;--line:#35424a;--accent:#8cc8ea;--on:#0c1c25;--agent:#1b3a27;--hidden:#40350f;--other:#273136}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1.5rem 1rem 4rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:0}.lead{color:var(--soft);margin:0}
article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;margin:1rem 0}
article>p{margin:.35rem 0;padding:.4rem .7rem;border-radius:10px;background:var(--other);max-width:85%;width:fit-content}
article>p.at{background:none;padding:0;color:var(--soft)}p.system{background:none;color:var(--soft);padding:0}
p.hidden{background:var(--hidden);border:1px dashed var(--soft);max-width:100%}p.live_agent{background:var(--agent);margin-left:auto}
form{display:inline-flex;gap:.4rem;flex-wrap:wrap;margin:.5rem .4rem 0 0}input[name=text]{flex:1;min-width:14rem}
input,button{font:inherit;padding:.4rem .7rem;border:1px solid var(--soft);border-radius:6px;background:var(--card);color:var(--ink)}
button{cursor:pointer}button.first{background:var(--accent);color:var(--on);border-color:var(--accent)}:focus-visible{outline:3px solid #0b62c4;outline-offset:2px}
</style><script>setInterval(()=>{if(![...document.querySelectorAll('input')].some(i=>i.value))\
location.reload()},2000)</script><h1>Open channel desk (simulated)</h1><p class=lead>You play the operator. Newest first; what only operators see is framed.</p>";

/// The page and its buttons.
pub(super) fn routes(portal: Arc<Portal>) -> Router {
    Router::new().route("/", get(desk)).route("/desk/{chat}/{action}", post(press)).with_state(portal)
}

async fn desk(Shared(portal): Shared<Arc<Portal>>) -> Html<String> {
    Html(portal.read(|state| {
        let mut page = HEAD.to_owned();
        if state.chats.is_empty() {
            page.push_str("<p class=lead>No customer has written yet.");
        }
        for chat in state.chats.values().rev() {
            page.push_str(&article(state, chat));
        }
        page
    }))
}

fn article(state: &State, chat: &Chat) -> String {
    let holder = state.holder(chat.id);
    let mut text = format!("<article><h2>{}</h2><p class=at>{}", escape(&chat.name), heading(state, holder));
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
        let field = if *action == "reply" {
            "<input name=text aria-label=\"Reply to the customer\" placeholder=\"Reply to the customer\" autocomplete=off autofocus> "
        } else {
            ""
        };
        let class = if *action == "close" { "" } else { " class=first" };
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "<form method=post action=\"/_sim/desk/{}/{action}\">{field}<button{class}>{label}</button></form> ",
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
