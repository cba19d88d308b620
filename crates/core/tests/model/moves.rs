//! What can happen next, and what becomes of it.

use handoff_core::handoff::{Event, HandoffState, step};
use handoff_model::{
    Author, TicketRef, Timestamp,
    connector::{ConnectorError, Found, Transferred},
};
use serde_json::json;

use crate::{
    flaws::Flaw,
    world::{Answer, Bounds, Node, Packet, Request, SETTLED, Stage, State},
};

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// The person sends their `n`-th message.
    Says(u8),
    /// It comes a second time.
    Repeats(u8),
    /// A node begins an attempt.
    Begins(usize),
    /// A request reaches the platform, which answers like this.
    Arrives(usize, Answer),
    /// A request or an answer is lost.
    Lost(usize),
    /// An answer reaches the node that waits for it, or waited.
    Answered(usize),
    /// A node waits no longer.
    GivesUp(usize),
    /// A node reads how things are on the platform.
    Looks(usize),
    /// It says what it saw.
    Reports(usize),
    /// A node dies.
    Dies(usize),
    /// A dead node comes back, knowing nothing.
    Restarts(usize),
    /// An answer comes a second time.
    Doubles(usize),
    /// An operator looks on the platform, finds nothing, and gives a doubtful handoff up.
    Decides,
    /// A node stands still so long that it loses the handoff, and goes on later.
    StandsStill(usize),
    /// A node takes a handoff over whose node is gone.
    TakesOver(usize),
    /// Live agents end the chat.
    Closes,
    /// Time passes.
    Ticks,
}

impl Move {
    /// Whether it brings a handoff nearer to its end by itself.
    pub(crate) fn moves_on(self) -> bool {
        !matches!(
            self,
            Self::Says(_)
                | Self::Repeats(_)
                | Self::Doubles(_)
                | Self::Dies(_)
                | Self::StandsStill(_)
                | Self::Lost(_)
                | Self::Decides
                | Self::Ticks
        )
    }
}

/// Everything that may happen in a state.
pub(crate) fn possible(state: &State, bounds: &Bounds, flaw: Flaw, moves: &mut Vec<Move>) {
    let next = state.said;
    if next <= bounds.words {
        moves.push(Move::Says(next));
    }
    if next > 0 && state.repeats < bounds.repeats {
        moves.push(Move::Repeats(next - 1));
    }
    if state.tick < bounds.ticks {
        moves.push(Move::Ticks);
    }
    if state.stage() == Stage::Taken && !state.platform.closed {
        moves.push(Move::Closes);
    }
    if matches!(state.handoff.as_ref().map(|handoff| &handoff.state), Some(HandoffState::InDoubt { .. }))
        && state.platform.created == 0
        && state.packets.is_empty()
    {
        moves.push(Move::Decides);
    }
    packets(state, bounds, moves);
    for node in 0..state.nodes.len() {
        works(state, flaw, node, moves);
        fails(state, bounds, node, moves);
    }
}

fn packets(state: &State, bounds: &Bounds, moves: &mut Vec<Move>) {
    for (at, packet) in state.packets.iter().enumerate() {
        match packet {
            Packet::Request { .. } => {
                moves.push(Move::Arrives(at, Answer::Done));
                if state.refusals < bounds.refusals {
                    moves.extend([Move::Arrives(at, Answer::Refused), Move::Arrives(at, Answer::SlowDown)]);
                }
            }
            Packet::Answer { .. } => {
                moves.push(Move::Answered(at));
                if state.repeats < bounds.repeats {
                    moves.push(Move::Doubles(at));
                }
            }
        }
        if state.losses < bounds.losses {
            moves.push(Move::Lost(at));
        }
    }
}

/// What a node may do next.
fn works(state: &State, flaw: Flaw, node: usize, moves: &mut Vec<Move>) {
    let Some(handoff) = &state.handoff else { return };
    let free = state.nodes[node] == Node::Idle && state.holder.is_none_or(|holder| holder == node);
    let now = state.now();
    match &handoff.state {
        HandoffState::Requested if free => moves.push(Move::Begins(node)),
        HandoffState::Waiting { until, .. } if free && *until <= now => moves.push(Move::Begins(node)),
        HandoffState::InDoubt { look_at, .. } if free && *look_at <= now => moves.push(Move::Looks(node)),
        HandoffState::Transferring { .. } if free && state.holder.is_none() && flaw != Flaw::NoTakeOver => {
            moves.push(Move::TakesOver(node))
        }
        _ => {}
    }
    match state.nodes[node] {
        Node::Asking { .. } => moves.push(Move::GivesUp(node)),
        Node::Looked { .. } => moves.push(Move::Reports(node)),
        Node::Dead => moves.push(Move::Restarts(node)),
        Node::Idle => {}
    }
}

/// What may befall a node.
fn fails(state: &State, bounds: &Bounds, node: usize, moves: &mut Vec<Move>) {
    let holds = state.holder == Some(node);
    let works = matches!(state.nodes[node], Node::Asking { .. } | Node::Looked { .. });
    if state.failures >= bounds.failures || state.nodes[node] == Node::Dead {
        return;
    }
    if holds || works {
        moves.push(Move::Dies(node));
    }
    if holds {
        moves.push(Move::StandsStill(node));
    }
}

/// Lets it happen; false when nothing comes of it.
pub(crate) fn make(state: &mut State, what: Move, flaw: Flaw) -> bool {
    match what {
        Move::Says(n) => {
            state.said += 1;
            state.says(n, flaw);
        }
        Move::Repeats(n) => {
            state.repeats += 1;
            // The store knows the message's key.
            if flaw == Flaw::NoDedupe {
                state.says(n, flaw);
            }
        }
        Move::Doubles(at) => {
            state.repeats += 1;
            state.packets.push(state.packets[at]);
        }
        Move::Begins(node) => begins(state, node, flaw),
        Move::Arrives(at, answer) => arrives(state, at, answer),
        Move::Lost(at) => {
            state.losses += 1;
            state.packets.remove(at);
        }
        Move::Answered(at) => return answered(state, at, flaw),
        Move::GivesUp(node) => return gives_up(state, node, flaw),
        Move::Looks(node) => {
            state.holder = Some(node);
            let (created, passed) = (state.platform.created, state.platform.passed);
            state.nodes[node] = Node::Looked { began: state.tick, created, passed };
        }
        Move::Reports(node) => reports(state, node, flaw),
        Move::Dies(node) => dies(state, node),
        Move::Restarts(node) => state.nodes[node] = Node::Idle,
        Move::Decides => {
            state.decided = true;
            happens(state, 0, Event::GiveUp { reason: "not there".to_owned() }, flaw);
        }
        Move::StandsStill(_) => {
            state.failures += 1;
            state.holder = None;
        }
        Move::TakesOver(node) => {
            state.holder = Some(node);
            happens(state, node, Event::NodeLost, flaw);
        }
        Move::Closes => {
            state.platform.closed = true;
            happens(state, 0, Event::Closed { reason: "closed".to_owned() }, flaw);
        }
        Move::Ticks => ticks(state),
    }
    state.packets.sort_unstable();
    true
}

fn gives_up(state: &mut State, node: usize, flaw: Flaw) -> bool {
    let Node::Asking { attempt, .. } = state.nodes[node] else { return false };
    state.nodes[node] = Node::Idle;
    let lost = ConnectorError::Lost { detail: "no answer".to_owned() };
    happens(state, node, Event::Answered { attempt, answer: Err(lost) }, flaw);
    true
}

fn dies(state: &mut State, node: usize) {
    state.failures += 1;
    state.nodes[node] = Node::Dead;
    if state.holder == Some(node) {
        state.holder = None;
    }
}

/// What was sent long enough ago has no effect any more: that is what settling means.
fn ticks(state: &mut State) {
    state.tick += 1;
    let tick = state.tick;
    state.packets.retain(|packet| match packet {
        Packet::Request { sent, .. } => tick - sent < SETTLED,
        Packet::Answer { .. } => true,
    });
}

fn begins(state: &mut State, node: usize, flaw: Flaw) {
    state.holder = Some(node);
    let until = state.conversation.last_seq;
    happens(state, node, Event::Begin { until }, flaw);
    if flaw == Flaw::TellsFirst && state.messages.iter().all(|message| message.content.text != "accepted") {
        state.speaks(Author::Notice, "accepted");
    }
    let Some(handoff) = &state.handoff else { return };
    let request = if handoff.checkpoint.is_some() { Request::Pass } else { Request::Create };
    asks(state, node, request, handoff.attempts);
}

fn asks(state: &mut State, node: usize, request: Request, attempt: u32) {
    state.nodes[node] = Node::Asking { request, attempt };
    state.packets.push(Packet::Request { request, node, attempt, sent: state.tick });
}

fn arrives(state: &mut State, at: usize, answer: Answer) {
    let Packet::Request { request, node, attempt, .. } = state.packets.remove(at) else { return };
    let knows_repeats = state.platform.knows_repeats;
    match (answer, request) {
        (Answer::Done, Request::Create) => has_effect(&mut state.platform.created, knows_repeats),
        (Answer::Done, Request::Pass) => has_effect(&mut state.platform.passed, knows_repeats),
        (Answer::Refused | Answer::SlowDown, _) => state.refusals += 1,
    }
    state.packets.push(Packet::Answer { request, node, attempt, answer });
}

fn has_effect(times: &mut u8, knows_repeats: bool) {
    *times = if knows_repeats { 1 } else { *times + 1 };
}

fn answered(state: &mut State, at: usize, flaw: Flaw) -> bool {
    let Packet::Answer { request, node, attempt, answer } = state.packets.remove(at) else { return false };
    if state.nodes[node] != (Node::Asking { request, attempt }) {
        return true;
    }
    state.nodes[node] = Node::Idle;
    let number = match (flaw, state.handoff.as_ref().map(|handoff| &handoff.state)) {
        (Flaw::NoFence, Some(HandoffState::Transferring { attempt, .. })) => *attempt,
        _ => attempt,
    };
    match (answer, request) {
        (Answer::Done, Request::Create) => {
            let done = Event::StepDone { attempt: number, checkpoint: json!({ "made": true }) };
            let goes_on = happens(state, node, done, flaw);
            if goes_on || flaw == Flaw::NoFence {
                asks(state, node, Request::Pass, attempt);
            }
        }
        (Answer::Done, Request::Pass) => {
            let answer = Ok(taken());
            happens(state, node, Event::Answered { attempt: number, answer }, flaw);
        }
        (Answer::Refused, _) => {
            let answer = Err(ConnectorError::Refused { detail: "no".to_owned() });
            happens(state, node, Event::Answered { attempt: number, answer }, flaw);
        }
        (Answer::SlowDown, _) => {
            let answer = Err(ConnectorError::RateLimited { after_ms: 500, detail: "slow".to_owned() });
            happens(state, node, Event::Answered { attempt: number, answer }, flaw);
        }
    }
    true
}

fn reports(state: &mut State, node: usize, flaw: Flaw) {
    let Node::Looked { began, created, passed } = state.nodes[node] else { return };
    state.nodes[node] = Node::Idle;
    let safe_now = state.platform.knows_repeats || flaw == Flaw::NoSettleTime;
    let found = match (created, passed) {
        (_, 1..) => Found::There(taken()),
        (1.., 0) => {
            Found::Partly { checkpoint: json!({ "made": true }), safe_now, held: false, unseen: false }
        }
        (0, 0) => Found::Absent { safe_now },
    };
    let began = if flaw == Flaw::TrustsOldLooks { state.now() } else { State::at(began) };
    happens(state, node, Event::Looked { began, found: Ok(found) }, flaw);
}

/// Lets the production table decide; false when the event came too late.
fn happens(state: &mut State, node: usize, event: Event, flaw: Flaw) -> bool {
    let now = state.now();
    let Some(handoff) = &mut state.handoff else { return false };
    if flaw == Flaw::FailsUnlooked && handoff.settles_at <= now {
        handoff.settles_at = Timestamp(0);
    }
    let Ok(mut transition) = step(handoff, event, now, 0) else {
        state.late += 1;
        if flaw == Flaw::LateEventUnmutes {
            unmute(state);
        }
        return false;
    };
    if let HandoffState::InDoubt { attempt, .. } = transition.handoff.state {
        state.doubts = 1;
        if flaw == Flaw::AsksWithoutLook {
            let why = format!("attempt {attempt} gave no answer");
            transition.handoff.state = HandoffState::Waiting { until: state.now(), why };
        }
    }
    state.settles(transition, flaw);
    let decided = state.handoff.as_ref().is_some_and(|handoff| !handoff.state.is_undecided());
    if decided && state.holder == Some(node) {
        state.holder = None;
    }
    true
}

fn unmute(state: &mut State) {
    if let Some(session) = &mut state.conversation.session {
        session.state = handoff_core::session::SessionState::Active;
        state.conversation.control = handoff_core::session::Control::Session;
    }
}

fn taken() -> Transferred {
    let ticket = TicketRef { chat: "chat".to_owned(), label: None, url: None };
    Transferred { ticket, queued: false, remarks: Vec::new() }
}
