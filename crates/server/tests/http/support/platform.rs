//! A platform that takes every chat, and whose webhook says itself what it means.

use std::sync::Arc;

use futures::future::BoxFuture;
use handoff_core::world::{Call, CallError, Connectors};
use handoff_model::{
    ConnectionId, ConnectorId, Route, TicketRef,
    connector::{Capabilities, ConnectorError, Manifest, Receive, Received, Transferred},
};
use serde_json::{Value, json};

/// The connector `deskpro` of the connection `desk`.
pub(crate) struct Platform;

impl Connectors for Platform {
    fn call(&self, _: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>> {
        Box::pin(async move {
            match call.verb {
                "transfer" => Ok(json!(Transferred { ticket: ticket(), queued: false, remarks: Vec::new() })),
                "receive" => receive(serde_json::from_value(call.request).unwrap()).await,
                verb => Err(ConnectorError::Unsupported { verb: verb.to_owned() }.into()),
            }
        })
    }

    fn manifest(&self, _: &ConnectionId) -> Option<Arc<Manifest>> {
        Some(Arc::new(Manifest {
            id: ConnectorId::new("deskpro"),
            version: "1.0.0".into(),
            name: "Deskpro".into(),
            abi: [1, 0],
            model: 1,
            requires: Vec::new(),
            hosts: Vec::new(),
            secrets: Vec::new(),
            plan: None,
            quota: None,
            capabilities: Capabilities {
                routes: vec![Route::Bridge],
                redelivers: true,
                ..Capabilities::default()
            },
            settings: json!({}),
        }))
    }
}

fn ticket() -> TicketRef {
    TicketRef { chat: "chat-1".into(), label: Some("#1".into()), url: None }
}

/// The path says what happens; a body at `secret` is the answer of the verb itself.
async fn receive(request: Receive) -> Result<Value, CallError> {
    match request.path.as_str() {
        "secret" => {
            let read: Result<Received, _> = serde_json::from_str(&request.body);
            let unreadable =
                |error: serde_json::Error| ConnectorError::Unreadable { detail: error.to_string() };
            Ok(json!(read.map_err(unreadable)?))
        }
        "echo" => Ok(json!(Received { status: 418, body: json!(request).to_string(), events: Vec::new() })),
        "panic" => panic!("the connector's fault"),
        "hang" => std::future::pending().await,
        "sick" => Err(CallError::NotBegun("not loaded".into())),
        _ => Err(ConnectorError::Unverified { detail: "wrong secret".into() }.into()),
    }
}
