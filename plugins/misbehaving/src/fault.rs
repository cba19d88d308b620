//! The ways in which it can go wrong.

use std::{future::pending, hint::black_box, time::Duration};

use handoff_sdk::{Cx, Request};
use serde::Deserialize;

use crate::wrong;

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    PanicsInTheFuture,
    PanicsBeforeTheFuture,
    PanicsWhenCancelled,
    PanicsWhenMade,
    PanicsWhenDropped,
    /// Keeps its thread for good, and a core with it.
    LoopsForEver,
    /// Keeps its thread for good, asleep.
    SleepsForEver,
    /// Keeps its thread for a while in every call.
    BlocksAWhile,
    NeverAnswers,
    AnswersJunk,
    AnswersInAnotherShape,
    AnswersUnknownVerbs,
    LeavesJunkOpen,
    LeaksASecret,
    LogsWords,
    CallsAnotherHost,
    StartsAThread,
    AsksTwice,
    DoublesWords,
    ForgetsTheKey,
    FindsWhatIsNotThere,
    FindsNothing,
    SharesState,
    KeepsMemory,
    Aborts,
    Segfaults,
    Exits,
    GoesOnWhenSuperseded,
    DoesNotWait,
    TakesWrongCredentialsForARefusal,
    TakesDoubtForARefusal,
    BelievesAnyone,
    GivesEventsNewKeys,
    SaysDoneTooSoon,
    NamesAnotherChat,
    DropsWords,
    ReordersWords,
    TakesAnySettings,
    WantsMoreSettings,
    InstallsTwice,
    DoublesReplies,
    SaysSomebodyIsThere,
    OffersAChoiceTwice,
    OffersNothingWhenItCannotLook,
    RefusesAfterHandingOver,
    ReadsOnlyItsOwnCheckpoints,
}

impl Fault {
    /// What goes wrong while a connector is made.
    pub(crate) fn at_birth(self) {
        match self {
            Self::PanicsWhenMade => wrong("when it was made"),
            Self::StartsAThread => drop(std::thread::spawn(|| std::thread::sleep(Duration::from_secs(3600)))),
            // Written to, so that it is really there.
            Self::KeepsMemory => drop(black_box(Box::leak(vec![1_u8; 16 * 1024].into_boxed_slice()))),
            _ => {}
        }
    }

    /// What goes wrong in the middle of a call.
    pub(crate) async fn at_work(self, cx: &Cx) {
        match self {
            Self::PanicsInTheFuture => wrong("in the middle of a call"),
            Self::LoopsForEver => loop {
                std::hint::spin_loop();
            },
            Self::SleepsForEver => std::thread::sleep(Duration::from_secs(3600)),
            Self::BlocksAWhile => std::thread::sleep(Duration::from_millis(300)),
            Self::NeverAnswers => pending().await,
            Self::CallsAnotherHost => {
                // What came of it does not matter: it must not have been tried.
                drop(Request::new("GET", "https://elsewhere.example/").read(cx).await);
            }
            Self::Aborts => std::process::abort(),
            Self::Segfaults => segfault(),
            Self::Exits => std::process::exit(3),
            _ => {}
        }
    }
}

#[expect(unsafe_code, reason = "there is no safe way to crash")]
fn segfault() {
    let nowhere = black_box(8_usize) as *mut u8;
    // SAFETY: none; this is to end the process.
    unsafe { nowhere.write_volatile(1) };
}

/// Panics when the call that it belongs to ends.
pub(crate) struct Doomed(pub(crate) Fault);

impl Drop for Doomed {
    fn drop(&mut self) {
        if self.0 == Fault::PanicsWhenCancelled && !std::thread::panicking() {
            wrong("when its call ended");
        }
    }
}
