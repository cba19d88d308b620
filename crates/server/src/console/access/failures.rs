//! Wrong passwords: counted in the store by name and by address, refused here once there are too many.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};
use handoff_core::store::{Store, StoreError};
use handoff_model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::token;
use crate::console::ConsoleState;

/// Failures older than this do not count, and a refusal lasts as long.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Wrong passwords for one name.
const MOST_BY_NAME: u64 = 10;
/// Wrong passwords from one address, for whatever names.
const MOST_BY_ADDRESS: u64 = 20;
/// Passwords that are checked at once: each takes 19 MiB and much of a processor.
const AT_ONCE: usize = 2;
/// Refusals that are remembered.
const MOST_REFUSALS: usize = 10_000;

/// Where a request comes from, as far as the server was told.
pub(in crate::console) struct Caller(Option<IpAddr>);

/// Watches over sign-ins.
pub(in crate::console) struct Gate {
    /// Held while a password is checked, so that nobody tries many before the first failure counts.
    pub(in crate::console) checks: Semaphore,
    refused: Mutex<HashMap<String, Timestamp>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { checks: Semaphore::new(AT_ONCE), refused: Mutex::default() }
    }
}

impl Gate {
    /// Minutes after which this name may be tried again from there; none when it may be tried now.
    pub(in crate::console) fn refuses(&self, name: &str, caller: &Caller, now: Timestamp) -> Option<u64> {
        let refused = self.refused.lock();
        let until = keys(name, caller).filter_map(|(key, _)| refused.get(&key).copied()).max()?;
        (until > now).then(|| until.since(now).as_secs().div_ceil(60).max(1))
    }

    /// Counts a wrong password.
    ///
    /// # Errors
    /// When the store cannot count.
    pub(in crate::console) async fn count(
        &self,
        store: &dyn Store,
        name: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let since = Timestamp(now.0.saturating_sub(i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX)));
        for (key, most) in keys(name, caller) {
            if store.count_failure(&key, now, since).await? >= most {
                self.refuse(key, now);
            }
        }
        Ok(())
    }

    fn refuse(&self, key: String, now: Timestamp) {
        let mut refused = self.refused.lock();
        if refused.len() >= MOST_REFUSALS {
            refused.retain(|_, until| *until > now);
        }
        if refused.len() < MOST_REFUSALS {
            refused.insert(key, now.after(WINDOW));
        }
    }
}

/// What is counted, and how often it may happen. Names are hashed: people type passwords into the wrong field.
fn keys(name: &str, caller: &Caller) -> impl Iterator<Item = (String, u64)> {
    let by_name = (format!("sign-in name {}", token::hash(name)), MOST_BY_NAME);
    let by_address = caller.0.map(|address| (format!("sign-in address {address}"), MOST_BY_ADDRESS));
    [Some(by_name), by_address].into_iter().flatten()
}

impl FromRequestParts<ConsoleState> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &ConsoleState) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        // A proxy on this machine names its own client last; everybody else could name whom they like.
        let named = peer.filter(IpAddr::is_loopback).and_then(|_| {
            let line = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            line.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
        });
        Ok(Self(named.or(peer)))
    }
}
