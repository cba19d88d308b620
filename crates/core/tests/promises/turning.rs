//! Who holds a conversation decides what becomes of an event.

use handoff_core::{
    handoff::{Handoff, HandoffState},
    session::{Control, Conversation, Ended, FromTeam, Happening, SessionState, know},
};
use handoff_model::{ConnectionId, HandoffId, Person, Route};
use serde_json::json;

use crate::desk::{Desk, away, conversation, effects, replies, said, team, unsealed};
use crate::table::{NOW, handoff, ticket, transferring};

fn desk() -> Desk {
    Desk::new(away(json!({})))
}

/// The person writes while a live agent answers on the platform's channel.
fn held(session: &str) -> Happening {
    let Happening::Said { content, external_id, .. } = said("to the agent") else { unreachable!() };
    let platform_session = Some(session.to_owned());
    Happening::Said { content, external_id, platform_session, held_by_live_agent: true }
}

fn taken_by_platform(session: &str) -> Happening {
    Happening::TakenByPlatform { platform_session: Some(session.to_owned()) }
}

/// A chat that this handoff holds, decided or not.
fn held_by(desk: &Desk, state: HandoffState, route: Route) -> (Conversation, Handoff) {
    let handoff = handoff(state, route);
    let id = handoff.id.clone();
    let undecided = handoff.state.is_undecided();
    let control = if undecided { Control::Handoff { id } } else { Control::Platform { id } };
    (Conversation { control, ..desk.in_session() }, handoff)
}

#[test]
fn p1_a_chat_that_the_platform_took_by_itself_is_the_platforms_until_a_later_session() {
    let desk = desk();
    for event in [held("7"), taken_by_platform("7")] {
        for before in [desk.conversation(), desk.in_session()] {
            let running = before.session.is_some();
            let handled = desk.turn(before, None, event.clone());
            assert_eq!(handled.notes, ["the platform took the chat without being asked"]);
            assert!(handled.changes.messages.is_empty(), "what is said to a live agent is not ours");
            let after = conversation(&handled);
            assert_eq!((&after.control, after.platform_session.as_deref()), (&Control::Taken, Some("7")));
            let ended = SessionState::Ended { how: Ended::Transferred, at: NOW };
            assert_eq!(after.session.as_ref().map(|session| session.state.clone()), running.then_some(ended));
            for mute in [said("hello?"), held("8"), taken_by_platform("8"), opened("7")] {
                assert!(desk.turn(after.clone(), None, mute.clone()).nothing, "{mute:?}");
            }
            let back = desk.turn(after, None, opened("8"));
            assert_eq!((replies(&back), conversation(&back).control), (vec!["hello"], Control::Session));
        }
    }
}

fn opened(session: &str) -> Happening {
    Happening::Opened { platform_session: Some(session.to_owned()) }
}

#[test]
fn the_platforms_session_is_kept_with_what_was_opened_and_said_in_it() {
    let desk = desk();
    let first = conversation(&desk.turn(desk.conversation(), None, opened("7")));
    assert_eq!(first.platform_session.as_deref(), Some("7"));
    let Happening::Said { content, .. } = said("hi") else { unreachable!() };
    let says = Happening::Said {
        content,
        external_id: Some("m1".to_owned()),
        platform_session: Some("8".to_owned()),
        held_by_live_agent: false,
    };
    for before in [first, desk.conversation()] {
        let handled = desk.turn(before, None, says.clone());
        assert_eq!(conversation(&handled).platform_session.as_deref(), Some("8"));
        let heard = handled.changes.messages.iter().find(|(_, message)| message.seq == handled.seq).unwrap();
        assert_eq!(heard.1.external_id.as_deref(), Some("m1"));
    }
}

#[test]
fn p6_while_a_transfer_is_undecided_only_words_are_kept() {
    let desk = desk();
    let (held_chat, subject) = held_by(&desk, transferring(), Route::Bridge);
    let turn = |happening| desk.turn(held_chat.clone(), Some(&subject), happening);
    for nothing in [opened("9"), taken_by_platform("9")] {
        assert!(turn(nothing).nothing);
    }
    let words = turn(said("still there"));
    assert_eq!((words.changes.messages.len(), words.replies.len()), (1, 0));
    assert_eq!(words.seq, held_chat.last_seq + 1);
    let to_agent = turn(held("9"));
    assert_eq!((to_agent.changes.messages.len(), to_agent.changes.handoffs[0].receipt.dropped), (0, 1));
    let early = turn(Happening::FromTeam(team("hello")));
    let [row] = &early.changes.withheld[..] else { panic!("withheld until it is decided") };
    assert_eq!((&row.handoff, unsealed(&row.sealed)), (&subject.id, json!(team("hello"))));
    assert_eq!(effects(&early), []);
}

#[test]
fn p5_after_a_transfer_words_are_carried_or_counted_and_never_kept() {
    let desk = desk();
    let (chat, subject) = held_by(&desk, HandoffState::Carrying { ticket: ticket(), at: NOW }, Route::Bridge);
    let carried = desk.turn(chat.clone(), Some(&subject), said("for the agent"));
    let seq = chat.last_seq + 1;
    assert_eq!((effects(&carried), carried.seq), (vec![("forward", "out:h1", seq)], seq));
    assert_eq!(unsealed(&carried.changes.effects[0].sealed)["text"], "for the agent");
    assert_eq!(carried.changes.wake, [("out:h1".to_owned(), NOW)]);
    assert_eq!((carried.changes.messages.len(), conversation(&carried).last_seq), (0, seq));
    assert!(desk.turn(chat.clone(), Some(&subject), opened("9")).nothing);
    let shown = desk.turn(chat, Some(&subject), Happening::FromTeam(team("hello")));
    assert_eq!(effects(&shown), [("fetch", "in:h1", 0)]);
    for route in [Route::Native, Route::Ticket] {
        let state = HandoffState::Accepted { ticket: ticket(), at: NOW };
        let (chat, subject) = held_by(&desk, state, route);
        let dropped = desk.turn(chat, Some(&subject), said("for the agent"));
        assert_eq!((effects(&dropped), dropped.changes.messages.len()), (vec![], 0));
        assert_eq!(dropped.changes.handoffs[0].receipt.dropped, 1);
    }
}

#[test]
fn a_chat_that_the_team_closes_is_free_and_the_person_is_told_in_its_place() {
    let desk = desk();
    let (chat, subject) = held_by(&desk, HandoffState::Carrying { ticket: ticket(), at: NOW }, Route::Bridge);
    let over = FromTeam::Closed { reason: "solved".to_owned() };
    let handled = desk.turn(chat, Some(&subject), Happening::FromTeam(over));
    assert_eq!(conversation(&handled).control, Control::Free);
    let closed = &handled.changes.handoffs[0];
    assert!(matches!(&closed.state, HandoffState::Closed { reason, .. } if reason == "solved"));
    assert_eq!(closed.receipt.told, ["closed"]);
    assert_eq!((effects(&handled), handled.replies.len()), (vec![("fetch", "in:h1", 0)], 0));
    let notice = json!({ "what": "notice", "text": "Our team has closed this chat." });
    assert_eq!(unsealed(&handled.changes.effects[0].sealed), notice);
}

/// Words that the team wrote before it closed are still shown, whoever has the chat by now.
#[test]
fn late_news_of_a_closed_chat_are_shown_and_those_of_others_dropped() {
    let desk = desk();
    let news = |news: FromTeam, control: Control, state: HandoffState| {
        let earlier = handoff(state, Route::Bridge);
        let chat = Conversation { control, ..desk.in_session() };
        desk.turn(chat, Some(&earlier), Happening::FromTeam(news))
    };
    let other = HandoffId::new("h2");
    let closed = || HandoffState::Closed { ticket: ticket(), reason: "over".to_owned(), at: NOW };
    let over = || FromTeam::Closed { reason: "again".to_owned() };
    let holders = [
        Control::Free,
        Control::Session,
        Control::Handoff { id: other.clone() },
        Control::Platform { id: other },
    ];
    for control in holders {
        let shown = news(team("bye"), control.clone(), closed());
        assert_eq!((effects(&shown), shown.notes.len()), (vec![("fetch", "in:h1", 0)], 0), "{control:?}");
        let again = news(over(), control.clone(), closed());
        assert!(again.nothing && again.notes.is_empty(), "{control:?}");
        let failed = HandoffState::Failed { reason: "no".to_owned(), at: NOW, nobody_there: false };
        let dropped = news(team("bye"), control.clone(), failed);
        assert_eq!(dropped.notes, ["words of a chat that is not ours any more were dropped"], "{control:?}");
        assert!(dropped.nothing);
    }
}

#[test]
fn p1_an_event_of_an_earlier_handoff_is_no_event_of_the_present_one() {
    let desk = desk();
    let earlier = handoff(transferring(), Route::Bridge);
    let id = HandoffId::new("h2");
    for control in [Control::Handoff { id: id.clone() }, Control::Platform { id }] {
        let chat = Conversation { control, ..desk.in_session() };
        assert!(desk.turn(chat.clone(), Some(&earlier), said("hi")).nothing);
        let missing = desk.turn(chat, None, said("hi"));
        assert_eq!(missing.notes, ["the handoff h2 that holds this conversation is missing"]);
        assert!(missing.nothing);
    }
}

#[test]
fn what_a_channel_does_not_say_of_the_person_stays_known() {
    let all = |of: &str| Person {
        id: of.to_owned(),
        name: Some(of.to_owned()),
        email: Some(of.to_owned()),
        phone: Some(of.to_owned()),
        language: Some(of.to_owned()),
    };
    let mut chat = Conversation { person: all("before"), ..desk().conversation() };
    know(&mut chat, None);
    know(&mut chat, Some(Person::default()));
    assert_eq!(chat.person, all("before"));
    know(&mut chat, Some(all("now")));
    assert_eq!(chat.person, all("now"));
}

#[test]
fn a_session_changes_only_as_its_state_allows() {
    let id = HandoffId::new("h1");
    let active = SessionState::Active;
    let mute = active.hand_off(id.clone()).unwrap();
    assert_eq!(mute, SessionState::HandingOff { handoff: id.clone() });
    assert_eq!(mute.resume(&id), Ok(SessionState::Active));
    let over = mute.end(Ended::Expired, NOW).unwrap();
    assert_eq!(over, SessionState::Ended { how: Ended::Expired, at: NOW });
    let refused = [
        (mute.hand_off(id.clone()), "a session that is handing off cannot become handing off"),
        (mute.resume(&HandoffId::new("h2")), "a session that is handing off cannot become active again"),
        (active.resume(&id), "a session that is active cannot become active again"),
        (over.end(Ended::Closed, NOW), "a session that is ended cannot become ended"),
    ];
    for (change, words) in refused {
        assert_eq!(change.unwrap_err().to_string(), words);
    }
}

#[test]
fn who_holds_a_chat_has_a_name() {
    let id = || HandoffId::new("h1");
    for (control, name) in [
        (Control::Free, "free"),
        (Control::Session, "session"),
        (Control::Handoff { id: id() }, "handoff"),
        (Control::Platform { id: id() }, "platform"),
        (Control::Taken, "taken"),
    ] {
        assert_eq!((control.name(), &json!(control)["held_by"]), (name, &json!(name)));
    }
}

#[test]
fn what_is_said_on_a_platforms_channel_is_delivered_by_it() {
    let mut desk = desk();
    desk.home = Some(ConnectionId::new("one"));
    let handled = desk.turn(desk.in_session(), None, said("hi"));
    let lane = format!("deliver:{}", conversation(&handled).id);
    assert_eq!(effects(&handled), [("deliver", lane.as_str(), handled.replies[0].seq)]);
    assert_eq!(effects(&self::desk().turn(desk.in_session(), None, said("hi"))), []);
}
