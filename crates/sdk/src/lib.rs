//! What a connector is written against: the one crate a plugin imports.
//!
//! Implement [`Connector`] for a type, export it with [`export!`], and everything else follows: the
//! plugin file, its manifest section, guards against panics, logging. A connector translates
//! between the model's nouns and its platform. It keeps nothing between calls, starts no threads
//! and opens no sockets; what it needs from the world it asks of its [`Cx`].

mod connector;
mod cx;
#[doc(hidden)]
pub mod export;
mod guard;
mod http;
mod logging;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;

pub use connector::Connector;
pub use cx::{Cx, Kept, Lease, Leased};
pub use handoff_model as model;
pub use handoff_model::connector::{Advice, ConnectorError};
pub use http::{Request, Response};
pub use tracing;

/// What a verb gives.
pub type Result<T, E = ConnectorError> = std::result::Result<T, E>;
