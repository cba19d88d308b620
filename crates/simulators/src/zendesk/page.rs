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
        body.push_str(
            "<p class=none>No chat has reached the live agents yet. Ask the assistant for a human.</p>",
        );
    }
    Html(format!("{HEAD}{body}{TAIL}"))
}

fn chat(chat: &Value) -> String {
    let (id, status) = (plain(&chat["id"]), plain(&chat["status"]));
    let messages: String = chat["messages"].as_array().into_iter().flatten().map(message).collect();
    let fields: String = facts(chat)
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<dt>{}</dt><dd>{value}</dd>", escaped(name)))
        .collect();
    // A ticket that the Support API made has no conversation: it is answered by comments.
    let live = chat["id"].as_str().is_some_and(|id| id.parse::<u64>().is_err());
    let tools = match (status.as_str(), live) {
        ("closed", _) => "",
        (_, true) => CHAT_TOOLS,
        (_, false) => TICKET_TOOLS,
    };
    format!(
        "<section data-id=\"{id}\" data-ticket=\"{ticket}\" aria-labelledby=\"t{ticket}\">\
         <header><h2 id=\"t{ticket}\">#{ticket} {}</h2> <span class=\"badge {status}\">{status}</span></header>\
         <dl>{fields}</dl><ol>{messages}</ol>{tools}</section>",
        plain(&chat["subject"]),
        ticket = plain(&chat["ticket"]),
    )
}

/// What stands beside the history.
fn facts(chat: &Value) -> Vec<(String, String)> {
    let tags = chat["tags"].as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(", ");
    let assigned =
        if chat["assigned_to"].is_null() { "nobody".to_owned() } else { plain(&chat["assigned_to"]) };
    let email = plain(&chat["requester"]["email"]);
    let requester = format!("{} {email}", plain(&chat["requester"]["name"]));
    let mut facts = vec![
        ("Requester".to_owned(), requester.trim().to_owned()),
        ("Assigned to".to_owned(), assigned),
        ("Priority".to_owned(), plain(&chat["priority"])),
        ("Group".to_owned(), plain(&chat["group"])),
        ("Tags".to_owned(), tags),
    ];
    let fields = chat["fields"].as_object().into_iter().flatten();
    facts.extend(fields.map(|(name, value)| (format!("Field {name}"), plain(value))));
    facts
}

fn message(message: &Value) -> String {
    let files: String = message["files"].as_array().into_iter().flatten().map(file).collect();
    let internal = message["public"] == false;
    let name = plain(if message["name"].is_null() { &message["author"] } else { &message["name"] });
    let time = message["at"].as_str().and_then(|at| at.get(11..16)).unwrap_or_default();
    format!(
        "<li class=\"{}{}\"><p class=by><b>{name}</b>{} <time>{time}</time></p><p>{}</p>{files}</li>",
        plain(&message["author"]),
        if internal { " internal" } else { "" },
        if internal { " <i>internal note</i>" } else { "" },
        plain(&message["text"]).replace('\n', "<br>"),
    )
}

/// A file by its name: its address may ask for credentials that a browser does not have.
fn file(file: &Value) -> String {
    let name = if file["name"].is_null() { &file["file_name"] } else { &file["name"] };
    format!("<p class=file>File: {}</p>", plain(name))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

const CHAT_TOOLS: &str = "<form data-verb=reply><input name=text aria-label=\"Reply to the customer\" \
    placeholder=\"Reply to the customer\" autocomplete=off><button class=primary>Send</button></form>\
    <p class=tools><button data-do=accept>Take it</button><button data-do=typing>Type</button>\
    <label class=button>Send a file<input type=file hidden></label><button data-do=solve>Solve</button>\
    <button data-do=end>End the chat</button><button data-do=transfer_email>Go on by e-mail</button>\
    <button data-do=close class=danger>Close</button></p>";

const TICKET_TOOLS: &str = "<form data-verb=comment><input name=text aria-label=\"Comment\" placeholder=\"Comment\" \
    autocomplete=off><label><input type=checkbox name=internal> internal note</label>\
    <button class=primary>Add</button></form>\
    <p class=tools><button data-status=pending>Pending</button><button data-status=solved>Solve</button>\
    <button data-status=closed class=danger>Close</button></p>";

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content=\"width=device-width,initial-scale=1\"><meta name=color-scheme content=\"light dark\">\
<title>Agent Workspace (simulated)</title><style>
:root{color-scheme:light dark;--paper:#f3f5f7;--card:#fff;--ink:#1f2933;--soft:#56616d;--line:#d5dbe3;--accent:#17494d;--on:#fff;
--customer:#e3f0ff;--agent:#e2f6e7;--system:#fff3cd;--bot:#eef1f5;--bad:#a1261d}
@media(prefers-color-scheme:dark){:root{--paper:#14191a;--card:#1d2425;--ink:#e6ebea;--soft:#a7b3b3;--line:#364142;--accent:#86c5c9;
--on:#10201f;--customer:#1c3147;--agent:#1b3a27;--system:#3f3412;--bot:#29312f;--bad:#ff9f94}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:56rem;padding:1.5rem 1rem 4rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:0}.none,.lead,time{color:var(--soft)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;margin:1rem 0;padding:1rem}
header{display:flex;gap:.75rem;align-items:center;justify-content:space-between}
.badge{padding:.1rem .6rem;border-radius:1rem;background:var(--bot);font-size:.85em;font-weight:600}.badge.new,.badge.open{background:var(--system)}.badge.solved{background:var(--agent)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0;font-size:.92em}dt{color:var(--soft)}dd{margin:0}
ol{list-style:none;padding:0;margin:.5rem 0;display:flex;flex-direction:column;gap:.4rem}
li{padding:.45rem .75rem;border-radius:10px;background:var(--bot);max-width:85%;align-self:flex-start}li p{margin:0}
li.live_agent{background:var(--agent);align-self:flex-end}li.customer{background:var(--customer)}li.system{background:var(--system);max-width:100%}
li.internal{border:1px dashed var(--soft);max-width:100%;align-self:stretch}.by{font-size:.85em;color:var(--soft)}.file{font-style:italic}
form,.tools{display:flex;gap:.4rem;flex-wrap:wrap;margin:.5rem 0 0;align-items:center}input[name=text]{flex:1;min-width:12rem}
input,button,.button{font:inherit;padding:.4rem .7rem;border:1px solid var(--soft);border-radius:6px;background:var(--card);color:var(--ink)}
button,.button{cursor:pointer}.primary{background:var(--accent);color:var(--on);border-color:var(--accent)}.danger{color:var(--bad);border-color:var(--bad)}
:focus-visible{outline:3px solid #0b62c4;outline-offset:2px}</style>
<h1>Agent Workspace (simulated)</h1><p class=lead>You play the live agent. Newest first.</p><main>";

/// Refreshes without losing what is being typed.
const TAIL: &str = "</main><script>
const call=(path,body)=>fetch('/_sim/'+path,{method:'POST',headers:{'content-type':'application/json'},body:JSON.stringify(body)})
  .then(async r=>{if(!r.ok)alert((await r.json()).error)}).then(()=>draw(true));
const of=e=>e.target.closest('section').dataset;
document.addEventListener('submit',e=>{e.preventDefault();const form=e.target,box=form.elements.text;if(!box.value)return;
  const text=box.value,internal=form.elements.internal?.checked;box.value='';
  if(form.dataset.verb==='reply')call('agent/reply',{conversation:of(e).id,text});
  else call('agent/comment',{ticket:Number(of(e).ticket),text,public:!internal})});
document.addEventListener('click',e=>{const {do:verb,status}=e.target.dataset||{};
  if(verb)call('agent/'+verb,{conversation:of(e).id});
  if(status)call('agent/status',{ticket:Number(of(e).ticket),status})});
document.addEventListener('change',async e=>{const file=e.target.files?.[0];if(!file)return;
  const bytes=new Uint8Array(await file.arrayBuffer());let text='';for(const byte of bytes)text+=String.fromCharCode(byte);
  call('agent/attach',{conversation:of(e).id,file_name:file.name,media_type:file.type||'application/octet-stream',content_base64:btoa(text)})});
async function draw(force){const a=document.activeElement,box=a&&a.name==='text'?a:null;if(!force&&box&&box.value)return;
  const id=box?box.closest('section').dataset.ticket:null;
  const page=new DOMParser().parseFromString(await (await fetch('/_sim/')).text(),'text/html');
  const fresh=page.querySelector('main');if(fresh.innerHTML===document.querySelector('main').innerHTML)return;
  document.querySelector('main').replaceWith(fresh);
  if(id)document.querySelector('section[data-ticket=\"'+id+'\"] input[name=text]')?.focus()}
setInterval(draw,1500);
</script></html>";
