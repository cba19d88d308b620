//! What platforms tell before a chat leaves: what can be chosen, and whether live agents are there.
//!
//! Both are asked of a connector, kept for a short time, and asked once however many want to know.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use handoff_model::{
    ConnectionId, Timestamp,
    connector::{AskAvailability, Availability, Choice, Manifest, OptionKind, Options},
};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Runtime;
use crate::{
    handoff::Handoff,
    world::{Call, Connectors},
};

/// How long an answer counts.
const CHOICES_FRESH: Duration = Duration::from_secs(60);
const AVAILABILITY_FRESH: Duration = Duration::from_secs(15);
/// Longest time for an answer: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(8);

/// An answer on its way, or there.
type Asked<T> = Shared<BoxFuture<'static, Result<T, String>>>;

/// Answers by question.
pub(super) struct Shelf<T>(Mutex<BTreeMap<String, (Timestamp, Asked<T>)>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Shelf<T> {
    /// Whatever was asked before counts no more.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl<T: Clone + Send + Sync + 'static> Shelf<T> {
    /// The answer to a question: one from a short while ago, or the one that `ask` gets. A failure is not kept.
    fn get(
        &self,
        question: String,
        now: Timestamp,
        fresh: Duration,
        ask: impl FnOnce() -> BoxFuture<'static, Result<T, String>>,
    ) -> Asked<T> {
        let mut shelf = self.0.lock();
        shelf.retain(|_, (at, asked)| now.since(*at) < fresh && !matches!(asked.peek(), Some(Err(_))));
        shelf.entry(question).or_insert_with(|| (now, ask().shared())).1.clone()
    }
}

impl Runtime {
    /// What can be chosen for a field: of an action's options, or of a connection's settings.
    ///
    /// # Errors
    /// Why the platform does not tell, for people.
    pub async fn choices(&self, connection: &ConnectionId, field: &str) -> Result<Arc<Vec<Choice>>, String> {
        if let Some(fixed) = self.fixed_choices(connection, field) {
            return Ok(Arc::new(fixed));
        }
        let request = json!(Options { field: field.to_owned() });
        let asked = self.0.choices.get(
            json!([connection, field]).to_string(),
            self.0.parts.clock.now(),
            CHOICES_FRESH,
            || ask(self.0.parts.connectors.clone(), connection.clone(), "options", request),
        );
        asked.await
    }

    /// What can be chosen where that is the same for every account: the connector's manifest says it.
    fn fixed_choices(&self, connection: &ConnectionId, field: &str) -> Option<Vec<Choice>> {
        let manifest = self.manifest(connection)?;
        let option =
            manifest.capabilities.options.iter().find(|option| option.name == field && !option.live)?;
        Some(option.among.clone())
    }

    /// Whether live agents are there who would get a chat with these options. What cannot be found out is *unknown*.
    pub async fn availability(&self, connection: &ConnectionId, options: &Value) -> Availability {
        let Some(manifest) = self.0.parts.connectors.manifest(connection) else {
            return Availability::Unknown;
        };
        if !manifest.capabilities.availability {
            return Availability::Unknown;
        }
        let options = routing(&manifest, options);
        let question = json!([connection, options]).to_string();
        let request = json!(AskAvailability { options });
        let asked = self.0.availability.get(question, self.0.parts.clock.now(), AVAILABILITY_FRESH, || {
            ask(self.0.parts.connectors.clone(), connection.clone(), "availability", request)
        });
        asked.await.unwrap_or_else(|cause| {
            tracing::warn!(connection.id = %connection, %cause, "It could not be found out whether live agents are there");
            Availability::Unknown
        })
    }

    /// Whether it is sure that no live agent would get this chat. Only then it does not leave.
    pub(super) async fn nobody_is_there(&self, handoff: &Handoff) -> bool {
        self.availability(&handoff.connection, &handoff.options).await == Availability::No
    }
}

/// The options by which a chat is routed; what is written for one person is not among them.
fn routing(manifest: &Manifest, options: &Value) -> Value {
    let chosen = manifest.capabilities.options.iter().filter(|field| field.kind == OptionKind::Choice);
    let member = |name: &String| Some((name.clone(), options.get(name)?.clone()));
    Value::Object(chosen.filter_map(|field| member(&field.name)).collect::<Map<_, _>>())
}

fn ask<T: DeserializeOwned + 'static>(
    connectors: Arc<dyn Connectors>,
    connection: ConnectionId,
    verb: &'static str,
    request: Value,
) -> BoxFuture<'static, Result<T, String>> {
    async move {
        let call = Call { verb, request, deadline: PATIENCE, checkpoints: None };
        let answer = connectors.call(&connection, call).await.map_err(|error| error.to_string())?;
        serde_json::from_value(answer)
            .map_err(|error| format!("the connector's answer cannot be read: {error}"))
    }
    .boxed()
}
