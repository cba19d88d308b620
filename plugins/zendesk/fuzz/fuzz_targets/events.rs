//! Whatever is posted to the webhook, by a stranger or by Zendesk: an answer or an error, never a panic.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run events` in this folder's parent.

#![no_main]

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use handoff_sdk::{
    Connector,
    model::{
        Timestamp,
        connector::{HttpError, Receive},
    },
    testing::FakeHost,
};
use handoff_zendesk::Zendesk;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

static ZENDESK: LazyLock<(FakeHost, Zendesk)> = LazyLock::new(|| {
    let nobody = |_| Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _;
    let host = FakeHost::new(&[("webhook_secret", "S")], Arc::new(nobody));
    let settings = json!({ "base_url": "https://acme.zendesk.com/sc", "app_id": "a", "key_id": "k" });
    let zendesk = host.connector(&settings).expect("these settings are good");
    (host, zendesk)
});

fuzz_target!(|data: &[u8]| {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let (host, zendesk) = &*ZENDESK;
    let event = format!(r#"{{"app":{{"id":"a"}},"events":[{body}]}}"#);
    for (body, secret) in [(body.to_owned(), "S"), (event, "S"), (body.to_owned(), "wrong")] {
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: BTreeMap::from([("x-api-key".to_owned(), secret.to_owned())]),
            body,
            at: Timestamp(1_789_551_402_000),
        };
        let _ = futures::executor::block_on(zendesk.receive(&host.cx(), request));
    }
});
