//! The plugin's entry, written by hand: what the SDK's guard would prevent is done around it.

use handoff_sdk::export::{
    self, CheckTypeLayout, LibHeader, Module, ModuleRef, PrefixTypeTrait, RootModuleResult,
    abi::{
        AbiError, Call, Host, Plugin, PluginApi, PluginApi_TO, Reply,
        abi_stable::{
            sabi_trait::TD_Opaque,
            std_types::{RBox, RResult, RString, RVec},
        },
        async_ffi::FutureExt,
    },
};
use serde_json::{Value, json};

use crate::{Misbehaving, fault::Fault};

const MANIFEST: &[u8] = include_bytes!("../manifest.json");

#[used]
#[expect(unsafe_code, reason = "the section by which the server knows a plugin")]
#[unsafe(link_section = ".handoff.meta")]
static SECTION: [u8; MANIFEST.len()] = *include_bytes!("../manifest.json");

/// The root symbol.
#[expect(unsafe_code, reason = "the symbol by which the server enters a plugin")]
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
pub(crate) static HEADER: LibHeader = {
    extern "C" fn root() -> RootModuleResult {
        export::call_root_module_loader(|| Module { describe, create }.leak_into_prefix())
    }
    // SAFETY: the constructor and the type it is registered for belong together.
    unsafe { LibHeader::from_constructor::<ModuleRef>(root, CheckTypeLayout::Yes) }
};

/// The version that it says it is.
pub(crate) fn version() -> String {
    let manifest: Value = serde_json::from_slice(std::hint::black_box(MANIFEST)).unwrap_or_default();
    manifest["version"].as_str().unwrap_or_default().to_owned()
}

extern "C" fn describe() -> RVec<u8> {
    MANIFEST.to_vec().into()
}

extern "C" fn create(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError> {
    let asked: Value = serde_json::from_slice(settings.as_slice()).unwrap_or_default();
    let fault = serde_json::from_value(asked["fault"].clone()).unwrap_or_default();
    match export::create::<Misbehaving>(settings, host) {
        RResult::ROk(inner) => {
            RResult::ROk(PluginApi_TO::from_ptr(RBox::new(Raw { inner, fault }), TD_Opaque))
        }
        RResult::RErr(error) => RResult::RErr(error),
    }
}

/// A connector whose answers are spoilt on their way.
struct Raw {
    inner: Plugin,
    fault: Fault,
}

impl PluginApi for Raw {
    fn invoke(&self, verb: RString, payload: RVec<u8>) -> Call {
        let spoilt = match (self.fault, verb.as_str()) {
            (Fault::AnswersJunk, "transfer") => Some(b"\xff{".to_vec()),
            (Fault::AnswersInAnotherShape, "transfer") => Some(br#"{"held":true}"#.to_vec()),
            (Fault::AnswersUnknownVerbs, "kit_no_such_verb") => Some(b"{}".to_vec()),
            _ => None,
        };
        let inner = self.inner.invoke(verb, payload);
        let leaves_open = self.fault == Fault::LeavesJunkOpen;
        let work = async move {
            let reply = inner.await;
            match (spoilt, reply) {
                (Some(bytes), _) => RResult::ROk(bytes.into()),
                (None, RResult::RErr(error)) if leaves_open && error.code == 400 => {
                    let body = json!({ "message": "something went wrong" }).to_string().into_bytes();
                    RResult::RErr(AbiError { code: 500, body: body.into() })
                }
                (None, reply) => reply,
            }
        };
        work.into_ffi()
    }

    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply {
        self.inner.control(verb, payload)
    }
}
