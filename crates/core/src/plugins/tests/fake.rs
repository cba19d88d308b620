//! A connector made without the SDK, linked into the test: does as it is told, also what no
//! connector should do.

use std::{
    collections::HashMap,
    future::pending,
    sync::{LazyLock, mpsc},
};

use handoff_abi::{
    AbiError, Host, Module, ModuleRef, Plugin, PluginApi, PluginApi_TO, Reply,
    abi_stable::{
        prefix_type::PrefixTypeTrait,
        sabi_trait::TD_Opaque,
        std_types::{RBox, RResult, RString, RVec},
    },
    async_ffi::FutureExt,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::{plugins::load::Image, world::Connectors};

/// The test's end of a gate: hears from the connector, and lets it go on.
pub(super) struct Gate {
    pub(super) open: mpsc::Sender<()>,
    pub(super) heard: tokio::sync::mpsc::UnboundedReceiver<Value>,
}

type FarEnd = (mpsc::Receiver<()>, tokio::sync::mpsc::UnboundedSender<Value>);

static GATES: LazyLock<Mutex<HashMap<String, FarEnd>>> = LazyLock::new(Mutex::default);

/// A gate under a name that no other test uses.
pub(super) fn gate(name: &str) -> Gate {
    let (open, wait) = mpsc::channel();
    let (say, heard) = tokio::sync::mpsc::unbounded_channel();
    GATES.lock().insert(name.to_owned(), (wait, say));
    Gate { open, heard }
}

/// The connector's image, with these hosts in its manifest.
pub(super) fn image(hosts: &[&str]) -> Image {
    let manifest = json!({
        "id": "fake", "version": "1.0.0", "name": "Fake", "abi": [1, 0], "model": 1, "hosts": hosts,
        "requires": ["http.form_secret/1", "http.header_secret/1"],
        "secrets": [{ "name": "token", "title": "Token" }, { "name": "spare", "title": "Spare", "optional": true }],
        "capabilities": {}, "settings": { "type": "object", "properties": { "base_url": { "type": "string" } } },
    });
    let module: ModuleRef = Module { describe, create }.leak_into_prefix();
    Image::linked(module, serde_json::from_value(manifest).unwrap())
}

/// A registry in which the connector serves the connections.
pub(super) fn registry(outside: &Outside, options: &Options, hosts: &[&str], settings: &[Value]) -> Registry {
    let connections = settings.iter().enumerate();
    let connections = connections.map(|(n, settings)| connection(&format!("f{n}"), "fake", settings.clone()));
    Registry::start(vec![image(hosts)], connections.collect(), options, outside.world())
}

/// The result of asking the host something through the connector: its answer, or code and body.
pub(super) async fn ask(registry: &Registry, operation: &str, request: Value) -> Value {
    let call = call("ask", json!({ "operation": operation, "request": request }));
    registry.call(&ConnectionId::new("f0"), call).await.unwrap()
}

extern "C" fn describe() -> RVec<u8> {
    RVec::new()
}

extern "C" fn create(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError> {
    let settings: Value = serde_json::from_slice(settings.as_slice()).unwrap();
    if let Some(gate) = settings["wait"].as_str() {
        let _ = GATES.lock().remove(gate).unwrap().0.recv();
    }
    match settings["refuse"].as_str() {
        Some(reason) => RResult::RErr(problem(400, &json!({ "message": reason }))),
        None => RResult::ROk(PluginApi_TO::from_ptr(RBox::new(Fake(host)), TD_Opaque)),
    }
}

struct Fake(Host);

impl PluginApi for Fake {
    fn invoke(&self, verb: RString, payload: RVec<u8>) -> handoff_abi::Call {
        let host = self.0.clone();
        let envelope: Value = serde_json::from_slice(payload.as_slice()).unwrap();
        async move { act(&host, verb.as_str(), &envelope).await }.into_ffi()
    }

    fn control(&self, _verb: RString, _payload: RVec<u8>) -> Reply {
        RResult::RErr(problem(501, &json!({})))
    }
}

async fn act(host: &Host, verb: &str, envelope: &Value) -> Reply {
    let request = &envelope["request"];
    let done = match verb {
        "echo" => Ok(request.clone()),
        "fail" => Err(problem(request["code"].as_u64().unwrap() as u32, &request["body"])),
        "panic" => panic!("{}", request.as_str().unwrap()),
        "ask" => Ok(op(host, envelope, request["operation"].as_str().unwrap(), &request["request"]).await),
        "never" => {
            op(host, envelope, "kv.cas", &json!({ "key": "begun", "expected": 0, "value": true })).await;
            pending().await
        }
        "hog" => {
            let (wait, say) = GATES.lock().remove(request.as_str().unwrap()).unwrap();
            say.send(json!("begun")).unwrap();
            let _ = wait.recv();
            let late =
                op(host, envelope, "kv.cas", &json!({ "key": "late", "expected": 0, "value": true })).await;
            say.send(late).unwrap();
            Ok(Value::Null)
        }
        other => Err(problem(501, &json!({ "message": format!("no verb {other}") }))),
    };
    match done {
        Ok(answer) => RResult::ROk(answer.to_string().into_bytes().into()),
        Err(error) => RResult::RErr(error),
    }
}

async fn op(host: &Host, envelope: &Value, operation: &str, request: &Value) -> Value {
    let payload = json!({ "call": envelope["call"], "request": request }).to_string().into_bytes();
    match host.call(operation.into(), payload.into()).await {
        RResult::ROk(answer) => serde_json::from_slice(answer.as_slice()).unwrap(),
        RResult::RErr(error) => {
            json!({ "code": error.code, "body": serde_json::from_slice::<Value>(error.body.as_slice()).unwrap() })
        }
    }
}

fn problem(code: u32, body: &Value) -> AbiError {
    AbiError { code, body: body.to_string().into_bytes().into() }
}
