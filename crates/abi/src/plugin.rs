//! What a plugin gives to the host: one connector for one configured account.

use abi_stable::{
    sabi_trait,
    std_types::{RBox, RString, RVec},
};

use crate::{Call, Reply};

/// A connector for one connection, as the host sees it.
#[sabi_trait]
pub trait PluginApi: Send + Sync {
    /// Performs a verb (`check`, `receive`, `transfer`, …). The payload is JSON; a verb that the
    /// connector does not offer is answered with code 501.
    fn invoke(&self, verb: RString, payload: RVec<u8>) -> Call;

    /// Small synchronous matters (`log_level`, `status`); must return within 10 milliseconds.
    #[sabi(last_prefix_field)]
    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply;
}

/// A connector object, owned by the host.
pub type Plugin = PluginApi_TO<'static, RBox<()>>;
