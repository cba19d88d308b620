//! Whatever a portal, or something in between, answers: fetched events, and the sessions of open chats that are read
//! again. Events or an error, never a panic.
//!
//! `cargo +nightly fuzz run answers` in this folder's parent.

#![no_main]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use handoff_bitrix24::Bitrix24;
use handoff_sdk::{
    Connector,
    model::{
        HandoffKey, Timestamp,
        connector::{HttpRequest, HttpResponse, Poll, Receive},
    },
    testing::FakeHost,
};
use libfuzzer_sys::fuzz_target;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What every request is answered.
static ANSWER: LazyLock<Arc<Mutex<String>>> = LazyLock::new(Arc::default);

/// A connection whose portal answers [`ANSWER`], with one chat under way.
static BITRIX24: LazyLock<(FakeHost, Bitrix24)> = LazyLock::new(|| {
    let answer = |request: HttpRequest| {
        let body = match request.url.ends_with("app.info") {
            true => json!({ "result": { "CODE": "local.1" } }).to_string(),
            false => ANSWER.lock().clone(),
        };
        Box::pin(async move { Ok(HttpResponse { status: 200, headers: BTreeMap::new(), body, blob: None }) }) as _
    };
    let host = FakeHost::new(&[("application_token", "T"), ("client_secret", "S"), ("bot_token", "B")], Arc::new(answer));
    let settings = json!({
        "portal": "https://acme.bitrix24.eu", "webhook_user_id": 1, "client_id": "local.1",
        "bot_code": "acme_assistant", "event_mode": "fetch", "line": 22,
    });
    let bitrix24: Bitrix24 = host.connector(&settings).expect("these settings are good");
    let install = "event=ONAPPINSTALL&auth[access_token]=A&auth[refresh_token]=R&auth[member_id]=M\
                   &auth[application_token]=T";
    let dialog = "event=ONIMCONNECTORDIALOGSTART&data[CONNECTOR]=handoff&data[LINE]=22\
                  &data[DATA][0][connector][chat_id]=h1&data[DATA][0][session][id]=7&data[DATA][0][chat][id]=8\
                  &auth[application_token]=T&auth[member_id]=M";
    for body in [install, dialog] {
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: BTreeMap::new(),
            body: body.into(),
            at: Timestamp(1_789_551_402_000),
        };
        futures::executor::block_on(bitrix24.receive(&host.cx(), request)).expect("it is the portal's");
    }
    *ANSWER.lock() = json!({ "result": { "bots": [{ "id": 456, "code": "acme_assistant" }] } }).to_string();
    let poll = Poll { cursor: None, open: Vec::new() };
    let _ = futures::executor::block_on(bitrix24.poll(&host.cx(), poll));
    (host, bitrix24)
});

/// One answer that serves as the list of events, as the batch of dialogs, and as the session, so that what is read
/// gets as far as it can.
fn answer(data: &str) -> String {
    match serde_json::from_str::<Value>(data) {
        Ok(whole) => json!({ "result": {
            "events": whole, "nextOffset": 9, "message": whole, "users": whole, "files": whole,
            "result": { "c0": { "last_message_id": u64::MAX, "entity_data_1": whole, "owner": whole } },
        } })
        .to_string(),
        Err(_) => data.to_owned(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(data) = std::str::from_utf8(data) else { return };
    let (host, bitrix24) = &*BITRIX24;
    *ANSWER.lock() = answer(data);
    let poll = Poll { cursor: None, open: vec![HandoffKey::new("h1")] };
    let _ = futures::executor::block_on(bitrix24.poll(&host.cx(), poll));
});
