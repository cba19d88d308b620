//! Whatever Zendesk answers to the requests of a handoff: a result or an error, never a panic, and never an endless
//! loop.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run answers` in this folder's parent.

#![no_main]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use handoff_sdk::{
    Connector,
    model::{
        Content, HandoffKey, Person, Route, Timestamp,
        connector::{Find, HttpError, HttpRequest, HttpResponse, Speaker, TranscriptMessage, Transfer, Withdraw},
    },
    testing::FakeHost,
};
use handoff_zendesk::Zendesk;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const STATUSES: [u16; 12] = [200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 429, 503];
/// Requests after which nobody answers any more.
const MOST: usize = 400;

fn transfer(route: Route) -> Transfer {
    let said = TranscriptMessage {
        seq: 1,
        speaker: Speaker::Person,
        name: "Ann".into(),
        content: Content::text("Hello"),
        at: Timestamp(0),
    };
    Transfer {
        key: HandoffKey::new("h1"),
        route,
        chat: Some("c1".into()),
        platform_session: None,
        person: Person { id: "ann".into(), email: Some("ann@example.org".into()), ..Person::default() },
        transcript: vec![said],
        options: json!({ "priority": "high", "fields": { "1": "a" } }),
        checkpoint: None,
    }
}

/// Answers one after the other: a line for each, whose first byte chooses the status.
fn answers(data: &str) -> impl Fn(usize) -> (u16, String) + Send + Sync + 'static + use<> {
    let lines: Vec<String> = data.lines().map(str::to_owned).collect();
    move |n| {
        let line = if lines.is_empty() { "" } else { &lines[n % lines.len()] };
        let status = STATUSES[usize::from(line.bytes().next().unwrap_or(0)) % STATUSES.len()];
        (status, line.chars().skip(1).collect())
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(data) = std::str::from_utf8(data) else { return };
    let (answer, count) = (Arc::new(answers(data)), Arc::new(AtomicUsize::new(0)));
    let reply = move |_: HttpRequest| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        let (status, body) = answer(n);
        Box::pin(async move {
            if n > MOST {
                return Err(HttpError::NotSent { detail: "nobody any more".into() });
            }
            Ok(HttpResponse { status, headers: BTreeMap::new(), body, blob: None })
        }) as _
    };
    let host = FakeHost::new(&[], Arc::new(reply));
    let settings = json!({
        "base_url": "https://acme.zendesk.com/sc", "app_id": "a", "key_id": "k", "support_user": "a@acme.example",
    });
    let zendesk: Zendesk = host.connector(&settings).expect("these settings are good");
    for route in [Route::Bridge, Route::Native, Route::Ticket] {
        let mut chat = transfer(route);
        let _ = futures::executor::block_on(zendesk.transfer(&host.cx(), chat.clone()));
        chat.checkpoint = host.checkpoints().pop();
        let _ = futures::executor::block_on(zendesk.find(&host.cx(), Find { transfer: chat.clone() }));
        let _ = futures::executor::block_on(zendesk.withdraw(&host.cx(), Withdraw { transfer: chat }));
    }
});
