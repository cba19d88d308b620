//! Turns a connector into a plugin file. Used by [`export!`](crate::export!), not by people.

use std::sync::{Arc, Once};

use handoff_abi::{
    AbiError, Call, Host, Plugin, PluginApi, PluginApi_TO, Reply,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RBox, RResult, RString, RVec},
    },
    async_ffi::FutureExt,
};
use handoff_model::connector::ConnectorError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Connector, Cx,
    guard::{self, Guarded},
    logging,
};

pub use handoff_abi::{
    self as abi, Module, ModuleRef,
    abi_stable::{
        library::{
            __call_root_module_loader as call_root_module_loader, CheckTypeLayout, LibHeader,
            RootModuleResult,
        },
        prefix_type::PrefixTypeTrait,
    },
};

/// Exports a connector: `handoff_sdk::export!(Zendesk, "../manifest.json")`. The path is relative to
/// the calling file.
#[macro_export]
macro_rules! export {
    ($connector:ty, $manifest:literal) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin must be built with panic = \"unwind\": a panic would end the whole server");

        #[doc(hidden)]
        #[allow(unsafe_code, non_snake_case, unreachable_pub, missing_docs)]
        mod __handoff_plugin {
            #[allow(unused_imports)]
            use super::*;
            use sdk::abi::abi_stable::std_types::{RResult, RVec};
            use $crate::export as sdk;

            const MANIFEST: &[u8] = include_bytes!($manifest);

            #[used]
            #[unsafe(link_section = ".handoff.meta")]
            static SECTION: [u8; MANIFEST.len()] = *include_bytes!($manifest);

            extern "C" fn describe() -> RVec<u8> {
                MANIFEST.to_vec().into()
            }

            extern "C" fn create(
                settings: RVec<u8>,
                host: sdk::abi::Host,
            ) -> RResult<sdk::abi::Plugin, sdk::abi::AbiError> {
                sdk::create::<$connector>(settings, host)
            }

            // What `abi_stable`'s own attribute would write; that attribute asks the plugin's crate to
            // depend on `abi_stable` by name.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            pub static HEADER: sdk::LibHeader = {
                extern "C" fn root() -> sdk::RootModuleResult {
                    sdk::call_root_module_loader(|| {
                        use sdk::PrefixTypeTrait as _;
                        sdk::Module { describe, create }.leak_into_prefix()
                    })
                }
                // SAFETY: the constructor and the type it is registered for belong together.
                unsafe { sdk::LibHeader::from_constructor::<sdk::ModuleRef>(root, sdk::CheckTypeLayout::Yes) }
            };
        }
    };
}

/// Makes a connector object for one connection.
pub fn create<C: Connector>(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        guard::install_hook();
        logging::install();
    });
    let made = logging::during(&host, || guard::catch(|| connector::<C>(settings.as_slice())));
    match made.and_then(|made| made) {
        Ok(connector) => {
            let wrapper = Exported { connector: Some(Arc::new(connector)), host };
            RResult::ROk(PluginApi_TO::from_ptr(RBox::new(wrapper), TD_Opaque))
        }
        Err(error) => RResult::RErr(error),
    }
}

/// A connector in a test, without a plugin file around it.
pub fn connector<C: Connector>(settings: &[u8]) -> Result<C, AbiError> {
    let settings = serde_json::from_slice::<Value>(settings)
        .and_then(serde_json::from_value)
        .map_err(|error| guard::error(400, &format!("the settings do not fit: {error}")))?;
    C::new(settings).map_err(|problem| guard::error(400, &problem))
}

struct Exported<C> {
    /// None only while it is dropped.
    connector: Option<Arc<C>>,
    host: Host,
}

impl<C> Drop for Exported<C> {
    /// What the connector's own destructor does wrong ends here.
    fn drop(&mut self) {
        let connector = self.connector.take();
        let dropped = logging::during(&self.host, || guard::catch(|| drop(connector)));
        if let Err(error) = dropped {
            logging::emit_panic(&self.host, error.body.as_slice());
        }
    }
}

impl<C: Connector> PluginApi for Exported<C> {
    fn invoke(&self, verb: RString, payload: RVec<u8>) -> Call {
        let (connector, host) = (self.connector.clone(), self.host.clone());
        let work = async move {
            match &connector {
                Some(connector) => dispatch(&**connector, host, verb.as_str(), payload.as_slice()).await,
                None => RResult::RErr(guard::error(503, "the connector is gone")),
            }
        };
        Guarded::new(work, self.host.clone()).into_ffi()
    }

    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply {
        let done = guard::catch(|| match verb.as_str() {
            "log_level" => {
                logging::set_level(&String::from_utf8_lossy(payload.as_slice()));
                RResult::ROk(RVec::new())
            }
            other => RResult::RErr(guard::error(501, &format!("no control {other}"))),
        });
        done.unwrap_or_else(RResult::RErr)
    }
}

/// A verb's payload: the request, and which call it belongs to.
struct Envelope<T> {
    call: Arc<str>,
    request: T,
}

async fn dispatch<C: Connector>(connector: &C, host: Host, verb: &str, payload: &[u8]) -> Reply {
    macro_rules! verbs {
        ($($name:literal => |$cx:ident, $request:pat_param| $work:expr),* $(,)?) => {
            match verb {
                $($name => match open(payload) {
                    Ok(Envelope { call, request: $request }) => {
                        let $cx = &Cx::new(host, call);
                        reply($work.await)
                    }
                    Err(error) => RResult::RErr(error),
                },)*
                other => RResult::RErr(guard::error(501, &format!("no verb {other}"))),
            }
        };
    }
    verbs! {
        "check" => |cx, serde::de::IgnoredAny| connector.check(cx),
        "install" => |cx, request| connector.install(cx, request),
        "authorise" => |cx, request| connector.authorise(cx, request),
        "receive" => |cx, request| connector.receive(cx, request),
        "poll" => |cx, request| connector.poll(cx, request),
        "send" => |cx, request| connector.send(cx, request),
        "transfer" => |cx, request| connector.transfer(cx, request),
        "find" => |cx, request| connector.find(cx, request),
        "withdraw" => |cx, request| connector.withdraw(cx, request),
        "forward" => |cx, request| connector.forward(cx, request),
        "fetch" => |cx, request| connector.fetch(cx, request),
        "availability" => |cx, request| connector.availability(cx, request),
        "options" => |cx, request| connector.options(cx, request),
    }
}

fn open<T: DeserializeOwned>(payload: &[u8]) -> Result<Envelope<T>, AbiError> {
    let problem = |error: serde_json::Error| guard::error(400, &format!("unreadable payload: {error}"));
    let mut envelope: Value = serde_json::from_slice(payload).map_err(problem)?;
    let call =
        envelope["call"].as_str().ok_or_else(|| guard::error(400, "the payload names no call"))?.into();
    // Everything goes through `Value`: each type is then read by one reader only, which halves the code in a file.
    let request = serde_json::from_value(envelope["request"].take()).map_err(problem)?;
    Ok(Envelope { call, request })
}

fn reply<T: Serialize>(result: Result<T, ConnectorError>) -> Reply {
    let (bytes, failed) = match &result {
        Ok(answer) => (bytes_of(answer), false),
        Err(ConnectorError::Unsupported { verb }) => return RResult::RErr(guard::error(501, verb)),
        Err(error) => (bytes_of(error), true),
    };
    match bytes {
        Ok(bytes) if failed => RResult::RErr(AbiError { code: 422, body: bytes.into() }),
        Ok(bytes) => RResult::ROk(bytes.into()),
        Err(error) => RResult::RErr(guard::error(500, &format!("unwritable answer: {error}"))),
    }
}

fn bytes_of(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&serde_json::to_value(value)?)
}
