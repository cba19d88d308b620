//! The live agent's desk as a small page: every chat, a reply box and the buttons of the script.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;

use super::Platform;
use super::inspect::chats;

/// The page, to be put under `/_sim`.
pub(super) fn routes(platform: Platform) -> Router {
    Router::new().route("/", get(page)).with_state(platform)
}

async fn page(State(platform): State<Platform>) -> Html<String> {
    let chats = platform.read(chats);
    let mut body: String = chats.iter().rev().map(chat).collect();
    if body.is_empty() {
        body.push_str("<p class=none>No chat has reached the live agents yet.</p>");
    }
    Html(format!("{HEAD}{body}{TAIL}"))
}

fn chat(chat: &Value) -> String {
    let (id, status) = (plain(&chat["id"]), plain(&chat["status"]));
    let messages: String = chat["messages"].as_array().into_iter().flatten().map(message).collect();
    let fields: String = chat["fields"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escaped(name), plain(value)))
        .collect();
    let assigned =
        if chat["assigned_to"].is_null() { "nobody".to_owned() } else { plain(&chat["assigned_to"]) };
    let tags = chat["tags"].as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(", ");
    format!(
        "<section data-id=\"{id}\"><header><b>#{} {}</b> <span class=\"{status}\">{status}</span> \
         requester {} &middot; assigned to {assigned} &middot; tags {tags}</header><dl>{fields}</dl>\
         <ol>{messages}</ol>{}</section>",
        plain(&chat["ticket"]),
        plain(&chat["subject"]),
        plain(&chat["requester"]["name"]),
        if status == "closed" { "" } else { TOOLS },
    )
}

fn message(message: &Value) -> String {
    let files: String = message["files"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| format!(" <i>[{}]</i>", plain(&file["name"])))
        .collect();
    format!(
        "<li class=\"{}\"><b>{}</b> {}{files}</li>",
        plain(&message["author"]),
        plain(if message["name"].is_null() { &message["author"] } else { &message["name"] }),
        plain(&message["text"]).replace('\n', "<br>"),
    )
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

const TOOLS: &str = "<form><input name=text placeholder=\"Reply to the customer\" autocomplete=off>\
    <button>Send</button> <button type=button data-do=accept>Accept</button> \
    <button type=button data-do=typing>Typing</button> <button type=button data-do=solve>Solve</button> \
    <button type=button data-do=close>Close</button></form>";

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Agent Workspace (simulated)</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:52rem;padding:0 1rem;color:#1f2933;background:#f5f7fa}
section{background:#fff;border:1px solid #d5dbe3;border-radius:8px;margin:1rem 0;padding:1rem}
ol{list-style:none;padding:0;margin:.5rem 0}li{padding:.3rem .6rem;margin:.2rem 0;border-radius:6px;background:#eef1f5}
li.customer{background:#e3f0ff}li.live_agent{background:#e2f6e7}li.system{background:#fff6dd}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem;margin:.5rem 0;font-size:.9em}dd{margin:0}
form{display:flex;gap:.4rem;flex-wrap:wrap}input{flex:1;min-width:12rem;padding:.4rem}button{padding:.4rem .7rem}
.none{color:#66717f}</style><h1>Agent Workspace (simulated)</h1><main>";

/// Refreshes without losing what is being typed.
const TAIL: &str = "</main><script>
const call=(verb,body)=>fetch('/_sim/agent/'+verb,{method:'POST',headers:{'content-type':'application/json'},body:JSON.stringify(body)})
  .then(async r=>{if(!r.ok)alert((await r.json()).error)}).then(()=>draw(true));
document.addEventListener('submit',e=>{e.preventDefault();const box=e.target.elements.text;if(!box.value)return;
  const text=box.value;box.value='';call('reply',{conversation:e.target.closest('section').dataset.id,text})});
document.addEventListener('click',e=>{const verb=e.target.dataset&&e.target.dataset.do;
  if(verb)call(verb,{conversation:e.target.closest('section').dataset.id})});
async function draw(force){const a=document.activeElement;if(!force&&a&&a.tagName==='INPUT'&&a.value)return;
  const id=a&&a.tagName==='INPUT'?a.closest('section').dataset.id:null;
  const page=new DOMParser().parseFromString(await (await fetch('/_sim/')).text(),'text/html');
  document.querySelector('main').replaceWith(page.querySelector('main'));
  if(id){const s=document.querySelector('section[data-id=\"'+id+'\"] input');if(s)s.focus()}}
setInterval(draw,1500);
</script></html>";
