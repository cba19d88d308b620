//! Keeps a connection's requests within what its platform takes, and spares a platform that is down.
//!
//! A [`Governor`] belongs to a connection and outlives the generations of its connector. Requests wait here in
//! the order of what they are for, then in the order in which they came. What cannot be sent soon is not sent at
//! all, and the connector is told so: nothing that waits here may have had its effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use handoff_model::{
    ConnectionId, Timestamp,
    connector::{HttpError, HttpResponse, Quota},
};
use parking_lot::Mutex;
use reqwest::header::RETRY_AFTER;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::world::Clock;

/// Longest wait of a request for its turn.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest pause that a platform can ask for; what it asks beyond is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Requests in a row without an answer from the platform after which none is sent for a while.
const TOO_MANY: u32 = 8;
/// How long none is sent the first time; each further time it is twice as long.
const FIRST_BREAK: Duration = Duration::from_secs(1);
/// Longest time for which none is sent.
const LONGEST_BREAK: Duration = Duration::from_secs(16);
/// Statuses of a gateway whose service is away.
const AWAY: [u16; 3] = [502, 503, 504];

/// What a request is for. Earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plugins) enum Class {
    /// A handoff: a person waits for it.
    Handoff,
    /// What person and live agent write over a bridge.
    Carried,
    /// Replies of the assistant, and what platforms tell us.
    Reply,
    /// Everything that can wait: polling, checks, choices, availability.
    Other,
}

impl Class {
    /// The class of what a verb asks.
    pub(in crate::plugins) fn of(verb: &str) -> Self {
        match verb {
            "transfer" | "find" => Self::Handoff,
            "forward" | "fetch" | "withdraw" => Self::Carried,
            "send" | "receive" => Self::Reply,
            _ => Self::Other,
        }
    }
}

/// How one exchange went, as far as the governor cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exchange {
    /// The platform answered.
    Answered,
    /// It asks to be left alone for so long.
    Busy(Duration),
    /// Nobody answered, or a gateway in place of the platform.
    Away,
}

/// Lets a connection's requests go.
pub(in crate::plugins) struct Governor {
    connection: ConnectionId,
    quota: Option<Quota>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Something changed that a waiting request may have waited for.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Requests in the leaky bucket at the time `at`.
    level: f64,
    at: Timestamp,
    /// When somebody last looked at the clock.
    looked: Timestamp,
    under_way: u32,
    waiting: BTreeSet<(Class, u64)>,
    next: u64,
    /// The platform wants no request before this.
    paused_until: Timestamp,
    breaker: Breaker,
}

/// Whether the platform is there.
#[derive(Default)]
struct Breaker {
    /// Requests in a row that nobody answered.
    unanswered: u32,
    /// How often in a row it opened.
    opened: u32,
    /// No request before this.
    open_until: Timestamp,
    /// A single request tries whether the platform is back.
    trying: bool,
}

/// What a request may do now.
enum Turn {
    Go,
    Wait(Option<Duration>),
}

/// The governors of all connections. They outlive the generations of connectors.
#[derive(Default)]
pub(in crate::plugins) struct Governors(BTreeMap<ConnectionId, Arc<Governor>>);

impl Governors {
    /// The governor of a connection; a new one when its quota is another one now.
    pub(in crate::plugins) fn of(
        &mut self,
        connection: &ConnectionId,
        quota: Option<Quota>,
        clock: &Arc<dyn Clock>,
    ) -> Arc<Governor> {
        let kept = self.0.get(connection).filter(|governor| governor.quota == quota);
        let governor = kept
            .cloned()
            .unwrap_or_else(|| Arc::new(Governor::new(connection.clone(), quota, clock.clone())));
        self.0.insert(connection.clone(), governor.clone());
        governor
    }
}

impl Governor {
    pub(in crate::plugins) fn new(
        connection: ConnectionId,
        quota: Option<Quota>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State { at: clock.now(), ..State::default() };
        Self { connection, quota, clock, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Sends a request when its turn has come.
    pub(in crate::plugins) async fn send(
        &self,
        class: Class,
        exchange: impl Future<Output = Result<HttpResponse, HttpError>>,
    ) -> Result<HttpResponse, HttpError> {
        let permit = match self.turn(class).await {
            Ok(permit) => permit,
            Err(instead) => return instead,
        };
        let answer = exchange.await;
        permit.ends(Self::read(&answer));
        answer
    }

    fn read(answer: &Result<HttpResponse, HttpError>) -> Exchange {
        match answer {
            Err(_) => Exchange::Away,
            Ok(answer) => match (answer.status, retry_after(answer)) {
                (429 | 503, Some(wait)) => Exchange::Busy(wait.min(LONGEST_PAUSE)),
                (status, _) if AWAY.contains(&status) => Exchange::Away,
                _ => Exchange::Answered,
            },
        }
    }

    /// Waits for the turn of a request; what the connector is told instead when that takes too long.
    async fn turn(&self, class: Class) -> Result<Permit<'_>, Result<HttpResponse, HttpError>> {
        let place = self.queue(class);
        let out_of_patience = self.clock.sleep(PATIENCE);
        tokio::pin!(out_of_patience);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let turn = self.state.lock().ask(place.key, self.quota, self.clock.now());
            let soon = match turn {
                Turn::Go => break,
                Turn::Wait(Some(wait)) if wait > PATIENCE => return Err(self.instead()),
                Turn::Wait(wait) => wait,
            };
            let due = async {
                match soon {
                    Some(wait) => self.clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = changed => {}
                () = due => {}
                () = &mut out_of_patience => return Err(self.instead()),
            }
        }
        drop(place);
        Ok(Permit { governor: self, ended: false })
    }

    fn queue(&self, class: Class) -> Place<'_> {
        let mut state = self.state.lock();
        state.next += 1;
        let key = (class, state.next);
        state.waiting.insert(key);
        Place { governor: self, key }
    }

    /// What the connector hears in the platform's place.
    fn instead(&self) -> Result<HttpResponse, HttpError> {
        let (state, now) = (self.state.lock(), self.clock.now());
        let pause = state.paused_until.since(now);
        if pause > Duration::ZERO {
            return Ok(too_many_requests(pause));
        }
        let away = state.breaker.open_until > now || state.breaker.trying;
        let detail = if away {
            format!(
                "the platform did not answer the last {} requests; the next one is tried soon",
                state.breaker.unanswered
            )
        } else {
            "more requests wait for the platform than it takes".to_owned()
        };
        Err(HttpError::NotSent { detail })
    }

    fn end(&self, exchange: Exchange) {
        let mut state = self.state.lock();
        state.under_way -= 1;
        state.end(exchange, self.clock.now(), &self.connection);
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    /// Lets a request go, if it is its turn.
    fn ask(&mut self, key: (Class, u64), quota: Option<Quota>, now: Timestamp) -> Turn {
        self.follow(now);
        if self.waiting.first() != Some(&key) {
            return Turn::Wait(None);
        }
        let wait = self.paused_until.since(now).max(self.breaker.open_until.since(now));
        if wait > Duration::ZERO {
            return Turn::Wait(Some(wait));
        }
        if self.breaker.trying || quota.is_some_and(|quota| self.under_way >= quota.at_once) {
            return Turn::Wait(None);
        }
        if let Some(wait) = quota.and_then(|quota| self.pour(quota, now)) {
            return Turn::Wait(Some(wait));
        }
        self.waiting.remove(&key);
        self.under_way += 1;
        self.breaker.trying = self.breaker.opened > 0;
        Turn::Go
    }

    /// Pauses last as long as they were meant to when somebody sets the clock back.
    fn follow(&mut self, now: Timestamp) {
        let back = i64::try_from(self.looked.since(now).as_millis()).unwrap_or(i64::MAX);
        for time in [&mut self.at, &mut self.paused_until, &mut self.breaker.open_until] {
            time.0 = time.0.saturating_sub(back);
        }
        self.looked = now;
    }

    /// Puts a request into the bucket; how long until there is room when there is none.
    fn pour(&mut self, quota: Quota, now: Timestamp) -> Option<Duration> {
        let leaked = now.since(self.at).as_secs_f64() * quota.per_second;
        (self.level, self.at) = ((self.level - leaked).max(0.0), now);
        let over = self.level + 1.0 - f64::from(quota.burst);
        if over > 0.0 {
            // One millisecond more, since the clock counts whole ones.
            return Some(Duration::from_secs_f64(over / quota.per_second) + Duration::from_millis(1));
        }
        self.level += 1.0;
        None
    }

    fn end(&mut self, exchange: Exchange, now: Timestamp, connection: &ConnectionId) {
        self.follow(now);
        if let Exchange::Busy(wait) = exchange {
            self.paused_until = self.paused_until.max(now.after(wait));
        }
        let was_open = self.breaker.opened > 0;
        match (self.breaker.count(exchange, now), was_open) {
            (Some(wait), false) => warn!(
                connection.id = %connection,
                "The platform of connection {connection} did not answer {TOO_MANY} requests in a row; requests pause \
                 for {} ms, and longer if it stays away", wait.as_millis()
            ),
            (None, true) if self.breaker.opened == 0 => {
                info!(connection.id = %connection, "The platform of connection {connection} answers again");
            }
            _ => {}
        }
    }
}

impl Breaker {
    /// Counts an exchange; how long none is sent when it opens.
    fn count(&mut self, exchange: Exchange, now: Timestamp) -> Option<Duration> {
        if exchange != Exchange::Away {
            *self = Self::default();
            return None;
        }
        self.unanswered += 1;
        // Requests that were under way when it opened say nothing new.
        let opens = self.trying || (self.opened == 0 && self.unanswered >= TOO_MANY);
        if !opens {
            return None;
        }
        let wait = (FIRST_BREAK * 2_u32.pow(self.opened.min(10))).min(LONGEST_BREAK);
        self.opened += 1;
        self.trying = false;
        self.open_until = now.after(wait);
        Some(wait)
    }
}

/// A place in the queue. Whoever gives up leaves it.
struct Place<'a> {
    governor: &'a Governor,
    key: (Class, u64),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.governor.state.lock().waiting.remove(&self.key);
        self.governor.changed.notify_waiters();
    }
}

/// A request under way. One that was given up has no known end.
struct Permit<'a> {
    governor: &'a Governor,
    ended: bool,
}

impl Permit<'_> {
    fn ends(mut self, exchange: Exchange) {
        self.ended = true;
        self.governor.end(exchange);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.governor.end(Exchange::Away);
        }
    }
}

/// The pause that an answer asks for. A date instead of seconds counts as none.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    let seconds = answer.headers.get(RETRY_AFTER.as_str())?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the platform would say while it asks for a pause.
fn too_many_requests(pause: Duration) -> HttpResponse {
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    let headers = [(RETRY_AFTER.as_str().to_owned(), seconds.to_string())].into();
    HttpResponse { status: 429, headers, body: String::new(), blob: None }
}

#[cfg(test)]
mod tests;
