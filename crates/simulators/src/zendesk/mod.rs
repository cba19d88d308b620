//! A fake Zendesk: the Conversations API with its switchboard and Agent Workspace, and the Support API.
//!
//! `world` holds the account. `conversations`, `messages`, `passing` and `tickets` say how it
//! behaves, `api` and `support` put routes before that, `agent` plays the live agent, and
//! `events` tells our webhook.

mod agent;
mod agent_routes;
mod api;
mod attachments;
mod auth;
mod content;
mod conversations;
mod events;
mod input;
mod inspect;
mod integrations;
mod messages;
mod options;
mod page;
mod passing;
mod problem;
mod support;
mod switchboard;
mod tickets;
mod users;
mod world;

use std::sync::Arc;

use axum::Router;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

pub use options::{BadTarget, OnClose, Options, SupportOptions};
use world::World;

use crate::control::{self, Control, Simulated, Surroundings};

/// Serves the fake Zendesk until the task is dropped.
///
/// # Errors
///
/// When the listener fails or no http client can be made for webhooks.
pub async fn serve(listener: TcpListener, options: Options) -> anyhow::Result<()> {
    let base = format!("http://{}", listener.local_addr()?);
    let control = Control::new(&options.common, problem::error_body)?;
    control::serve(listener, routes(base, options, control)).await
}

/// The fake Zendesk without a listener, known under the address `base`. Needs a runtime.
pub fn service(base: String, options: Options, surroundings: Surroundings) -> Router {
    let control = Control::within(surroundings, options.common.seed, problem::error_body);
    routes(base, options, control)
}

fn routes(base: String, options: Options, control: Control) -> Router {
    let platform = Platform::new(options, base, control.clone());
    let routes = api::routes(platform.clone()).merge(support::routes(platform.clone()));
    let script = agent_routes::routes(platform.clone()).merge(page::routes(platform.clone()));
    control::around(control, Arc::new(platform), routes, script)
}

/// The account behind a lock, with the control that watches it.
#[derive(Clone)]
struct Platform(Arc<Inner>);

struct Inner {
    control: Control,
    options: Arc<Options>,
    base: String,
    world: Mutex<World>,
}

impl Platform {
    fn new(options: Options, base: String, control: Control) -> Self {
        let options = Arc::new(options);
        let world = World::new(Arc::clone(&options), base.clone(), control.clock.clone());
        Self(Arc::new(Inner { control, options, base, world: Mutex::new(world) }))
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn control(&self) -> &Control {
        &self.0.control
    }

    fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.0.world.lock())
    }

    /// Changes what nobody watches.
    fn quietly<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        change(&mut self.0.world.lock())
    }

    /// Changes the account in one step and queues the webhook calls that follow from it.
    fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.0.world.lock();
        let outcome = change(&mut world);
        // Queued under the lock: two changes never swap their events.
        self.0.control.deliveries.push(std::mem::take(&mut world.outgoing));
        drop(world);
        self.0.control.changed();
        outcome
    }
}

impl Simulated for Platform {
    fn inspect(&self) -> Value {
        self.read(inspect::state)
    }

    fn reset(&self) {
        let clock = self.0.control.clock.clone();
        *self.0.world.lock() = World::new(Arc::clone(&self.0.options), self.0.base.clone(), clock);
    }
}
