//! What a governor lets go, and when.

use futures::{FutureExt, future::BoxFuture};
use proptest::prelude::*;
use tokio::sync::watch;

use super::*;

/// Time that passes when told.
struct StillClock(watch::Sender<i64>);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.borrow())
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let until = self.now().after(wait).0;
        let mut now = self.0.subscribe();
        Box::pin(async move { drop(now.wait_for(|now| *now >= until).await) })
    }
}

struct Bench {
    clock: Arc<StillClock>,
    governor: Governor,
}

impl Bench {
    fn new(quota: Option<Quota>) -> Self {
        let clock = Arc::new(StillClock(watch::Sender::new(1_000)));
        let governor = Governor::new(ConnectionId::new("desk"), quota, clock.clone());
        Self { clock, governor }
    }

    fn pass(&self, wait: Duration) {
        self.clock.0.send_modify(|now| *now = Timestamp(*now).after(wait).0);
    }

    fn now(&self, answer: Result<HttpResponse, HttpError>) -> Option<Result<HttpResponse, HttpError>> {
        self.governor.send(Class::Reply, async { answer }).now_or_never()
    }

    /// How many requests go at once, answered well.
    fn go(&self) -> usize {
        std::iter::from_fn(|| self.now(Ok(status(200)))?.ok()).take(1_000).count()
    }
}

fn quota(per_second: f64, burst: u32, at_once: u32) -> Option<Quota> {
    Some(Quota { per_second, burst, at_once })
}

fn status(status: u16) -> HttpResponse {
    HttpResponse { status, headers: BTreeMap::new(), body: String::new(), blob: None }
}

fn lost() -> Result<HttpResponse, HttpError> {
    Err(HttpError::Lost { detail: "no answer".to_owned() })
}

#[test]
fn a_bucket_takes_its_burst_and_then_what_leaks() {
    let bench = Bench::new(quota(2.0, 50, 20));
    assert_eq!(bench.go(), 50);
    bench.pass(Duration::from_millis(500));
    assert_eq!(bench.go(), 1);
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.go(), 20);
    bench.pass(Duration::from_secs(3_600));
    assert_eq!(bench.go(), 50);
}

proptest! {
    #[test]
    fn no_window_of_time_holds_more_than_burst_and_rate_allow(
        pauses in prop::collection::vec(0_u64..4_000, 1..40),
        per_second in 1_u32..8,
        burst in 1_u32..30,
    ) {
        let bench = Bench::new(quota(f64::from(per_second), burst, 100));
        let mut sent = Vec::new();
        for pause in pauses {
            bench.pass(Duration::from_millis(pause));
            let now = *bench.clock.0.borrow();
            sent.extend(std::iter::repeat_n(now, bench.go()));
        }
        for (first, from) in sent.iter().enumerate() {
            for (last, until) in sent.iter().enumerate().skip(first) {
                let most = f64::from(burst) + (until - from) as f64 / 1_000.0 * f64::from(per_second);
                prop_assert!((last - first + 1) as f64 <= most + 0.01, "{} in {} ms", last - first + 1, until - from);
            }
        }
    }
}

/// A pause that lasts until a time of the old clock would keep everybody waiting for as long as it was set back.
#[test]
fn a_clock_that_is_set_back_makes_no_pause_longer() {
    for (exchange, wait) in [(Exchange::Busy(Duration::from_secs(3)), 3), (Exchange::Away, 5)] {
        let mut state = State::default();
        let started = Timestamp(10_000_000);
        let times = if wait == 3 { 1 } else { TOO_MANY };
        (0..times).for_each(|_| state.end(exchange, started, &ConnectionId::new("desk")));
        let set_back = Timestamp(started.0 - 284_045);
        let key = (Class::Handoff, 1);
        state.waiting.insert(key);
        let pause = match state.ask(key, None, set_back) {
            Turn::Wait(Some(pause)) => pause,
            _ => Duration::ZERO,
        };
        assert!(!pause.is_zero() && pause <= Duration::from_secs(wait), "{pause:?}");
        assert!(matches!(state.ask(key, None, set_back.after(pause)), Turn::Go));
    }
}

#[tokio::test]
async fn handoffs_go_before_what_can_wait() {
    let bench = Bench::new(quota(1.0, 1, 10));
    assert_eq!(bench.go(), 1);
    let order = Mutex::new(Vec::new());
    let ask = |class| {
        let order = &order;
        bench.governor.send(class, async move {
            order.lock().push(class);
            Ok(status(200))
        })
    };
    let classes = [Class::Other, Class::Reply, Class::Handoff, Class::Carried];
    let mut asked: Vec<_> = classes.into_iter().map(|class| Box::pin(ask(class))).collect();
    for _ in 0..4 {
        // All of them come to wait before time passes.
        for one in &mut asked {
            assert!(one.as_mut().now_or_never().is_none());
        }
        bench.pass(Duration::from_millis(1_001));
        let (_, _, left) = futures::future::select_all(asked).await;
        asked = left;
    }
    assert_eq!(*order.lock(), [Class::Handoff, Class::Carried, Class::Reply, Class::Other]);
}

#[tokio::test]
async fn no_more_are_under_way_than_allowed_and_who_gives_up_makes_room() {
    let bench = Bench::new(quota(100.0, 100, 2));
    let hang = || Box::pin(bench.governor.send(Class::Reply, std::future::pending()));
    let (mut one, mut two) = (hang(), hang());
    assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
    assert_eq!(bench.go(), 0);
    drop(one);
    assert!(bench.now(Ok(status(200))).is_some());
}

#[tokio::test]
async fn a_platform_that_asks_for_a_pause_gets_it() {
    let bench = Bench::new(None);
    let mut busy = status(429);
    busy.headers.insert("retry-after".to_owned(), "10".to_owned());
    assert_eq!(bench.now(Ok(busy.clone())), Some(Ok(busy.clone())));
    assert_eq!(bench.go(), 0);
    bench.pass(Duration::from_secs(9));
    assert_eq!(bench.go(), 0);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.go(), 1_000);
    // Longer than a request waits for its turn: it hears what the platform would say.
    busy.headers.insert("retry-after".to_owned(), "60".to_owned());
    drop(bench.now(Ok(busy.clone())));
    assert_eq!(bench.now(Ok(status(200))), Some(Ok(busy)));
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.go(), 1_000);
}

#[tokio::test]
async fn a_platform_that_is_away_is_tried_by_one_request_at_a_time() {
    let bench = Bench::new(None);
    for _ in 0..TOO_MANY {
        assert_eq!(bench.now(lost()), Some(lost()));
    }
    let mut pause = FIRST_BREAK;
    for _ in 0..6 {
        assert_eq!(bench.go(), 0, "nothing goes for {pause:?}");
        bench.pass(pause);
        // One request tries, and the others wait for how it ends.
        let gate = tokio::sync::Notify::new();
        let trial = async {
            gate.notified().await;
            lost()
        };
        let mut trial = Box::pin(bench.governor.send(Class::Other, trial));
        assert!(trial.as_mut().now_or_never().is_none());
        assert_eq!(bench.go(), 0);
        gate.notify_one();
        assert_eq!(trial.await, lost());
        pause = (pause * 2).min(LONGEST_BREAK);
    }
    let refused = bench.now(Ok(status(200))).expect("nobody waits as long as the break lasts");
    assert!(matches!(refused, Err(HttpError::NotSent { .. })), "{refused:?}");
    bench.pass(LONGEST_BREAK);
    assert_eq!(bench.go(), 1_000);
}

#[tokio::test]
async fn a_request_that_waits_too_long_was_not_sent() {
    let bench = Bench::new(quota(100.0, 100, 1));
    let mut hangs = Box::pin(bench.governor.send(Class::Handoff, std::future::pending()));
    assert!(hangs.as_mut().now_or_never().is_none());
    let mut waits = Box::pin(bench.governor.send(Class::Handoff, async { Ok(status(200)) }));
    assert!(waits.as_mut().now_or_never().is_none());
    bench.pass(PATIENCE);
    let told = waits.await;
    assert!(
        matches!(&told, Err(HttpError::NotSent { detail }) if detail.contains("more requests wait")),
        "{told:?}"
    );
}

#[test]
fn answers_of_the_platform_itself_close_the_breaker() {
    let bench = Bench::new(None);
    for answer in [200, 400, 401, 404, 429, 500] {
        for _ in 1..TOO_MANY {
            drop(bench.now(lost()));
        }
        assert!(bench.now(Ok(status(answer))).is_some(), "{answer}");
    }
    for away in AWAY.into_iter().cycle().take(TOO_MANY as usize) {
        drop(bench.now(Ok(status(away))));
    }
    assert_eq!(bench.go(), 0);
}
