//! Worker mode: a connector in a process of its own.
//!
//! The same plugin file runs behind the same edge. `near` is the server's end and gives the lane a connector
//! like any other; `far` is the worker's end and gives the connector a host like any other; `peer` carries
//! what one asks of the other as `frame`s over one socket. `jail` takes from the worker what no connector
//! needs: files, sockets, programs. When the process ends, calls under way have an unknown outcome, as with
//! any other failure, and the lane starts the next one.

mod far;
mod frame;
mod jail;
mod near;
mod peer;

pub use far::work_here;
pub(super) use near::{Recipe, Worker};

/// The first ask: has the file been opened?
const HELLO: &str = "!hello";
/// Makes a connector at a seat from its settings.
const CREATE: &str = "!create";
