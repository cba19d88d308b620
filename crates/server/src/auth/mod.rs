//! Who calls: API keys and what they allow.

mod caller;
mod keys;
mod scope;

pub(crate) use caller::{Admin, Caller, bearer};
pub use keys::{ApiKey, ApiKeys, KeyError};
pub use scope::{Scope, UnknownScope};
