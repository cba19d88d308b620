//! Rules broken on purpose, one at a time.

/// What is wrong with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// The person is told when the platform is asked.
    TellsFirst,
    /// After a lost answer the platform is asked again at once.
    AsksWithoutLook,
    /// A look counts by when its answer came, not by when it began.
    TrustsOldLooks,
    /// The platform is taken at its word before it had time to settle.
    NoSettleTime,
    /// Once the settle time is over, a handoff fails without a look for what a lost call came to since the last one.
    FailsUnlooked,
    /// A node that lost the handoff goes on.
    NoFence,
    /// A message that comes twice counts twice.
    NoDedupe,
    /// What was typed during the transfer follows after newer words.
    TailLast,
    /// An event that comes too late gives the conversation back to the assistant.
    LateEventUnmutes,
    /// The assistant answers while the transfer is undecided.
    AnswersMeanwhile,
    /// What was typed during a transfer that failed is not offered to the assistant.
    ForgetsWords,
    /// Nobody takes over what a dead node left.
    NoTakeOver,
}
