//! The plugin edge: everything that crosses between the host and a plugin file, and nothing else.
//!
//! Bytes cross, never domain types: each side reads JSON with its own version of the model.
//! This crate has a version of its own. Within major 1 a release may append methods with a
//! default body to [`HostApi`] and [`PluginApi`], and fields to [`Module`] after the last prefix
//! field. Nothing else may change, or plugins in the field stop loading.
//!
//! Plugin authors do not use this crate; the SDK wraps it.

// The expansion of `sabi_trait` places impls inside constants, which newer compilers warn about.
#![allow(non_local_definitions)]

mod host;
mod module;
mod plugin;

pub use abi_stable;
pub use async_ffi;

pub use host::{Host, HostApi, HostApi_TO, emit};
pub use module::{Module, ModuleRef};
pub use plugin::{Plugin, PluginApi, PluginApi_TO};

use abi_stable::{
    StableAbi,
    std_types::{RResult, RVec},
};
use async_ffi::FfiFuture;

/// Major number of the edge. A plugin is loaded only when its own equals the host's.
pub const ABI_MAJOR: u32 = 1;
/// Minor number of the edge. Plugins of older and newer minors load.
pub const ABI_MINOR: u32 = 0;
/// Name of the ELF section in which a plugin carries its manifest as JSON.
pub const MANIFEST_SECTION: &str = ".handoff.meta";

/// Why a call across the edge gave no answer.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct AbiError {
    /// A status in the manner of HTTP: 400 bad payload, 422 the connector's own error (its body says
    /// more), 500 panic, 501 not offered, 503 not available, 504 deadline passed.
    pub code: u32,
    /// JSON that says more; for 422 the connector's error, otherwise `{"message": "…"}`.
    pub body: RVec<u8>,
}

/// What a call across the edge gives: bytes of JSON, or why there are none.
pub type Reply = RResult<RVec<u8>, AbiError>;

/// A call under way. Dropping it cancels the call.
pub type Call = FfiFuture<Reply>;
