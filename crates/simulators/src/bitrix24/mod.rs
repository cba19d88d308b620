//! A fake Bitrix24 portal: open channels with chat bots of the second generation, and connectors.
//!
//! `model`, `line` and `state` hold the portal. `sessions`, `handoff` and `offers` say how it behaves,
//! `api` puts the REST methods before that, `events` tells bots, `script` plays the
//! customers and the operators, and `inspect` shows what a live agent would see.
//!
//! Where the documentation says two things, or an observation contradicts it, there
//! is a switch in `settings`.

mod api;
mod bucket;
mod connectors;
mod events;
mod first_events;
mod handoff;
mod inspect;
mod line;
mod model;
mod offers;
mod page;
mod php;
mod script;
mod sessions;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::control::{self, Control, Simulated, Surroundings};
use crate::deliveries::{Delivery, Payload, Policy};

pub use settings::{JoinOrder, LeaveN, Options, Settings, WelcomeBotLeft};
use state::{Post, State, Timer};

/// How the platform's event engine introduces itself.
const USER_AGENT: &str = "Bitrix24 Webhook Engine";

/// Serves the fake portal until the task is dropped.
///
/// # Errors
///
/// When the listener fails or no http client can be made for events.
pub async fn serve(listener: TcpListener, options: Options) -> anyhow::Result<()> {
    let base = format!("http://{}", listener.local_addr()?);
    let control = Control::new(&options.common, api::answer::fault_body)?;
    control::serve(listener, routes(base, options, control)).await
}

/// The fake portal without a listener, known under the address `base`. Needs a runtime.
pub fn service(base: String, options: Options, surroundings: Surroundings) -> Router {
    let control = Control::within(surroundings, options.common.seed, api::answer::fault_body);
    routes(base, options, control)
}

fn routes(base: String, options: Options, control: Control) -> Router {
    let state = State::new(&options, &base, control.clock.now_ms());
    let generation = AtomicU64::new(0);
    let portal =
        Arc::new(Portal { state: Mutex::new(state), control: control.clone(), options, base, generation });
    let script = script::routes(Arc::clone(&portal)).merge(page::routes(Arc::clone(&portal)));
    let simulated = Arc::new(Shown(Arc::clone(&portal)));
    control::around(control, simulated, api::routes(portal), script)
}

/// The portal behind a lock, with the control that watches it.
struct Portal {
    state: Mutex<State>,
    control: Control,
    options: Options,
    base: String,
    /// Grows with every reset, so that timers of an earlier life do nothing.
    generation: AtomicU64,
}

impl Portal {
    fn now_ms(&self) -> i64 {
        self.control.clock.now_ms()
    }

    fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock())
    }

    /// Changes the portal in one step; sends and schedules what follows from it.
    fn act<R>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        state.now_ms = self.now_ms();
        let outcome = change(&mut state);
        let patience = Duration::from_secs(state.settings.event_timeout);
        let posts = std::mem::take(&mut state.posts);
        let timers = std::mem::take(&mut state.timers);
        // Queued under the lock: two changes never swap their events.
        self.control.deliveries.push(posts.into_iter().map(|post| post.into_delivery(patience)));
        let generation = self.generation.load(Ordering::SeqCst);
        drop(state);
        for (wait, timer) in timers {
            self.schedule(wait, timer, generation);
        }
        self.control.changed();
        outcome
    }

    fn schedule(self: &Arc<Self>, wait: Duration, timer: Timer, generation: u64) {
        let portal = Arc::downgrade(self);
        let clock = self.control.clock.clone();
        tokio::spawn(async move {
            clock.sleep(wait).await;
            if let Some(portal) = portal.upgrade()
                && portal.generation.load(Ordering::SeqCst) == generation
            {
                portal.act(|state| state.fire(timer));
            }
        });
    }
}

impl Post {
    /// Sent once: the platform does not try again, whatever the answer.
    fn into_delivery(self, patience: Duration) -> Delivery {
        let headers = [("user-agent", USER_AGENT), ("connection", "close")];
        Delivery {
            label: self.event,
            target: self.url,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            payload: Payload::Text { content_type: "application/x-www-form-urlencoded", body: self.body },
            policy: Policy { spacing: Vec::new(), time_limit: patience, gives_up_on: |_| true },
        }
    }
}

/// The portal as the control sees it.
struct Shown(Arc<Portal>);

impl Simulated for Shown {
    fn inspect(&self) -> Value {
        self.0.read(inspect::state)
    }

    fn reset(&self) {
        let portal = &self.0;
        let mut state = portal.state.lock();
        portal.generation.fetch_add(1, Ordering::SeqCst);
        *state = State::new(&portal.options, &portal.base, portal.now_ms());
    }
}
