//! A scenario's platform at an address of its own, for a server that runs, with a live agent who can be led by hand.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use futures::future::BoxFuture;
use handoff_model::connector::Receive;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    front::Front,
    mask::Masks,
    relay::pass_on,
    scenario::{Answer, Chat, Kept, Platform, Request, Scenario},
    scene::Scene,
};

/// Where the live agent is led from.
const AGENT: &str = "/_desk/agent";
/// Longest body that is shown, in characters.
const SHOWN: usize = 400;

/// Plays the platform of a scenario until the process is stopped, at the port of the argument `--port`, or at one that
/// is free. The first line of output is JSON: `address`, and `settings` and `secrets` of a connection to it, to be put
/// into a server's configuration. What it is asked is shown on the error output.
///
/// `POST /_desk/agent?chat=ID&webhook=URL` posts the next of the scenario's deliveries for that chat to the server's
/// webhook.
///
/// # Errors
/// When this process cannot listen, or an argument is none.
pub fn play(scenario: &dyn Scenario) -> io::Result<()> {
    let port = port(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (front, platform) = (Front::open(port).await?, scenario.platform().await);
        let base = front.base.clone();
        let open = Open { platform, base: base.clone(), posted: Mutex::default() };
        front.show(&Arc::new(Scene::new(Arc::new(open), Arc::new(Masks::default()))));
        let (settings, secrets) = (scenario.settings(&base), scenario.secrets());
        say(&json!({ "address": base, "settings": settings, "secrets": secrets }))?;
        std::future::pending::<io::Result<()>>().await
    })
}

/// The port of `--port N`; 0, which is any, without one.
fn port(mut arguments: impl Iterator<Item = String>) -> io::Result<u16> {
    let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "the only argument is --port and a number");
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Ok(0),
        (Some("--port"), Some(port), None) => port.parse().map_err(|_| unfit()),
        _ => Err(unfit()),
    }
}

fn say(line: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// A platform that shows what it is asked, and whose live agent does what a request says.
struct Open {
    platform: Arc<dyn Platform>,
    base: String,
    /// Deliveries that were posted, by chat.
    posted: Mutex<BTreeMap<String, usize>>,
}

impl Platform for Open {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            if let Some(query) = request.path.strip_prefix(AGENT) {
                return self.lead(query).await;
            }
            let asked = format!("{} {} {}", request.method, request.path, shown(&request.body));
            let answer = self.platform.answer(request).await;
            let line = format!("{asked}\n  {} {}", answer.status, shown(&answer.body));
            // Nobody need be looking.
            let _unseen = writeln!(io::stderr(), "{line}");
            answer
        })
    }

    fn chats<'a>(&'a self, key: &'a str, kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        self.platform.chats(key, kept)
    }
}

impl Open {
    /// Lets the live agent do the next thing in a chat.
    async fn lead(&self, query: &str) -> Answer {
        let asked = url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
        let asked: BTreeMap<_, _> = asked.into_owned().collect();
        let (Some(chat), Some(webhook)) = (asked.get("chat"), asked.get("webhook")) else {
            return Answer::json(400, &json!({ "error": "give ?chat=ID&webhook=URL" }));
        };
        let deliveries = self.platform.deliveries(chat, &self.base).await;
        let (all, next) = (deliveries.len(), self.posted.lock().get(chat).copied().unwrap_or_default());
        let Some(delivery) = deliveries.into_iter().nth(next) else {
            let error = format!("the scenario has {all} deliveries for a chat, and all are posted");
            return Answer::json(410, &json!({ "error": error }));
        };
        let posted = delivery.body.clone();
        let answer = pass_on(webhook, request(delivery)).await;
        if (200..300).contains(&answer.status) {
            self.posted.lock().insert(chat.clone(), next + 1);
        }
        let said = json!({ "posted": posted, "status": answer.status, "answer": answer.body });
        Answer::json(200, &said)
    }
}

/// A delivery as it is posted, below the webhook's address.
fn request(delivery: Receive) -> Request {
    let Receive { method, path, query, headers, body, .. } = delivery;
    let slash = if path.is_empty() { "" } else { "/" };
    let mark = if query.is_empty() { "" } else { "?" };
    Request { method, path: format!("{slash}{path}{mark}{query}"), headers, body }
}

fn shown(body: &str) -> String {
    let mut shown: String = body.chars().take(SHOWN).collect();
    if shown.len() < body.len() {
        shown.push('\u{2026}');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_behind_its_name() {
        let port = |text: &str| port(text.split_whitespace().map(str::to_owned)).ok();
        let cases = [("", Some(0)), ("--port 9100", Some(9100))];
        for (text, expected) in cases {
            assert_eq!(port(text), expected, "{text}");
        }
        for text in ["--port", "--port x", "9100", "--port 1 2", "--port 99999"] {
            assert_eq!(port(text), None, "{text}");
        }
    }
}
