//! Whatever is posted to the webhook, by a stranger or by the portal: an answer or an error, never a panic.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run events` in this folder's parent.

#![no_main]

use std::sync::{Arc, LazyLock};

use handoff_bitrix24::Bitrix24;
use handoff_sdk::{
    Connector,
    model::{
        Timestamp,
        connector::{HttpError, Receive},
    },
    testing::FakeHost,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// A connection with a bot and a connector.
static BITRIX24: LazyLock<(FakeHost, Bitrix24)> = LazyLock::new(|| {
    let nobody = |_| Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _;
    let host = FakeHost::new(&[("application_token", "T")], Arc::new(nobody));
    let settings = json!({
        "portal": "https://acme.bitrix24.eu", "webhook_user_id": 1, "client_id": "local.1",
        "bot_code": "acme_assistant", "line": 22,
    });
    let bitrix24 = host.connector(&settings).expect("these settings are good");
    (host, bitrix24)
});

fuzz_target!(|data: &[u8]| {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let (host, bitrix24) = &*BITRIX24;
    for tail in ["", "&auth[application_token]=T"] {
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: Default::default(),
            body: format!("{body}{tail}"),
            at: Timestamp(1_789_551_402_000),
        };
        let _ = futures::executor::block_on(bitrix24.receive(&host.cx(), request));
    }
});
