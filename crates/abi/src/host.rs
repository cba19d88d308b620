//! What the host lends to a plugin: one door for every kind of input and output.

use abi_stable::{
    sabi_trait,
    std_types::{RArc, RString, RVec},
};

use crate::Call;

/// Kinds of note that [`HostApi::emit`] takes.
pub mod emit {
    /// A log event as JSON `{"level","target","message","fields"}`.
    pub const LOG: u32 = 1;
    /// A panic that the guard caught, as JSON `{"message","location"}`.
    pub const PANIC: u32 = 2;
    /// A measurement as JSON `{"name","value"}`.
    pub const METRIC: u32 = 3;
}

/// The host, as a plugin sees it.
#[sabi_trait]
pub trait HostApi: Send + Sync + Clone {
    /// Asks the host to do something: `http.send`, `kv.get`, `checkpoint` and so on.
    /// The payload is JSON; an unknown operation is answered with code 501.
    fn call(&self, operation: RString, payload: RVec<u8>) -> Call;

    /// Leaves a note of one of the [`emit`] kinds. Never blocks; notes are dropped when too many wait.
    fn emit(&self, kind: u32, payload: RVec<u8>);

    /// The host's time, in milliseconds since 1970.
    #[sabi(last_prefix_field)]
    fn now_ms(&self) -> u64;
}

/// A host object that may be kept and shared.
pub type Host = HostApi_TO<'static, RArc<()>>;
