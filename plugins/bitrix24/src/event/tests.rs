//! Events as the portal encodes them, against what they should come to.

use super::*;
use crate::{form, settings::tests::portal};

/// A person's message in a live chat, decoded.
const MESSAGE: &[(&str, &str)] = &[
    ("event", "ONIMBOTV2MESSAGEADD"),
    ("event_handler_id", "1201"),
    ("data[bot][id]", "456"),
    ("data[bot][code]", "acme_assistant"),
    ("data[bot][auth][application_token]", "INNER"),
    ("data[message][id]", "86301"),
    ("data[message][chatId]", "1777"),
    ("data[message][chat_id]", "1777"),
    ("data[message][authorId]", "599"),
    ("data[message][text]", "Hello, [b]I[/b] want a refund"),
    ("data[message][isSystem]", "0"),
    ("data[message][uuid]", ""),
    ("data[chat][id]", "1777"),
    ("data[chat][dialogId]", "chat1777"),
    ("data[chat][type]", "lines"),
    ("data[chat][owner]", "0"),
    ("data[chat][entityType]", "LINES"),
    ("data[chat][entityId]", "livechat|22|1775|599"),
    ("data[chat][entityData1]", "N|NONE|0|N|N|343|1789551400|0|0|0"),
    ("data[user][id]", "599"),
    ("data[user][name]", "Guest"),
    ("data[user][bot]", "0"),
    ("data[user][connector]", "1"),
    ("ts", "1789551402"),
    ("auth[application_token]", "TOP"),
];

/// Other values for some fields.
type Changes<'a> = &'a [(&'a str, Option<&'a str>)];

/// The message with other values; a field without a value is left out.
fn event(changes: Changes<'_>) -> PlatformEvent {
    let mut fields: Vec<(&str, &str)> = MESSAGE.to_vec();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.extend(value.map(|value| (*name, value)));
    }
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    read(&portal(), &form::parse(&body).unwrap(), &body, Timestamp(7))
}

fn ignored(changes: Changes<'_>) -> String {
    match event(changes).kind {
        EventKind::Ignored { reason } => reason,
        other => panic!("{changes:?} came to {other:?}"),
    }
}

#[test]
fn a_persons_message_is_read_with_chat_session_and_time() {
    let read = event(&[]);
    assert_eq!(read.key, "acme.bitrix24.eu/ONIMBOTV2MESSAGEADD/86301");
    assert_eq!((read.chat.as_str(), read.platform_session.as_deref()), ("1777", Some("343")));
    assert_eq!(read.at, Timestamp(1_789_551_402_000));
    let EventKind::PersonMessage { person, content, external_id, held_by_live_agent } = read.kind else {
        panic!()
    };
    assert_eq!((person.id.as_str(), person.name.as_deref()), ("599", Some("Guest")));
    assert_eq!(content, Content::text("Hello, I want a refund"));
    assert_eq!((external_id.as_str(), held_by_live_agent), ("86301", false));
}

#[test]
fn once_a_live_agent_has_accepted_the_message_says_so() {
    let EventKind::PersonMessage { held_by_live_agent, .. } =
        event(&[("data[chat][owner]", Some("27"))]).kind
    else {
        panic!()
    };
    assert!(held_by_live_agent);
}

#[test]
fn what_the_person_did_not_say_is_ignored() {
    let cases: &[(Changes<'_>, &str)] = &[
        (&[("data[message][isSystem]", Some("1"))], "system"),
        (&[("data[message][authorId]", Some("0"))], "system"),
        (&[("data[message][authorId]", Some("456"))], "bot"),
        (&[("data[user][bot]", Some("1"))], "bot"),
        (&[("data[user][connector]", Some("0"))], "live agent"),
        (&[("data[user][connector]", None)], "live agent"),
        (&[("data[chat][entityType]", Some("")), ("data[chat][type]", Some("private"))], "open channel"),
        (&[("data[message][text]", Some(""))], "empty"),
        (&[("data[message][id]", None)], "id"),
        (&[("data[bot][code]", Some("other"))], "another bot"),
        (&[("event", Some("ONIMBOTV2MESSAGEDELETE"))], "deleted"),
        (&[("event", Some("ONIMBOTV2REACTIONCHANGE"))], "reaction"),
        (&[("event", Some("ONIMBOTV2CONTEXTGET"))], "context"),
        (&[("event", Some("ONIMBOTV2DELETE"))], "deleted"),
        (&[("event", Some("ONSOMETHINGNEW"))], "do not know"),
        (&[("event", None)], "do not know"),
    ];
    for (changes, word) in cases {
        let reason = ignored(changes);
        assert!(reason.contains(word), "{changes:?}: {reason}");
    }
}

#[test]
fn data_may_be_a_bare_number() {
    let body = "event=ONIMCONNECTORLINEDELETE&data=107";
    let read = read(&portal(), &form::parse(body).unwrap(), body, Timestamp(7));
    assert!(matches!(read.kind, EventKind::Ignored { .. }));
    assert_eq!((read.chat.as_str(), read.at), ("", Timestamp(7)));
}

#[test]
fn the_same_delivery_has_the_same_key_and_an_edit_one_for_each_text() {
    let update = ("event", Some("ONIMBOTV2MESSAGEUPDATE"));
    let edit = |text| event(&[update, ("data[message][text]", Some(text))]);
    assert_eq!(event(&[]).key, event(&[("ts", Some("1789551403"))]).key);
    assert_eq!(edit("one").key, edit("one").key);
    assert_ne!(edit("one").key, edit("two").key);
    assert_ne!(event(&[]).key, edit("Hello").key);
    assert!(matches!(edit("two").kind, EventKind::PersonMessage { content, .. } if content.text == "two"));
}

#[test]
fn a_typed_command_is_the_message_and_a_pressed_button_its_words() {
    let command = [
        ("event", Some("ONIMBOTV2COMMANDADD")),
        ("data[command][id]", Some("42")),
        ("data[command][command]", Some("/help")),
        ("data[command][params]", Some("me")),
    ];
    let typed = [
        &command[..],
        &[("data[message][text]", Some("/help me")), ("data[command][context]", Some("textarea"))],
    ];
    let typed = event(&typed.concat());
    assert_eq!(typed.key, event(&[]).key);
    assert!(matches!(typed.kind, EventKind::PersonMessage { content, .. } if content.text == "/help me"));

    let pressed = [
        &command[..],
        &[("data[command][context]", Some("keyboard")), ("data[message][authorId]", Some("456"))],
    ];
    let pressed = event(&pressed.concat());
    assert_ne!(pressed.key, event(&[]).key);
    assert!(matches!(pressed.kind, EventKind::PersonMessage { content, .. } if content.text == "/help me"));
}

#[test]
fn a_chat_begins_when_the_bot_joins_even_if_nobody_says_who_brought_it() {
    let join = [
        ("event", Some("ONIMBOTV2JOINCHAT")),
        ("data[dialogId]", Some("chat1777")),
        ("data[user][id]", Some("0")),
        ("data[user][connector]", None),
        ("data[user][name]", None),
    ];
    let read = event(&join);
    assert_eq!(read.key, "acme.bitrix24.eu/ONIMBOTV2JOINCHAT/1777/343");
    assert!(matches!(read.kind, EventKind::ChatStarted { person } if person.id == "599"));

    let unnamed = event(&[&join[..], &[("data[chat][entityData1]", None)]].concat());
    assert_eq!(unnamed.key, "acme.bitrix24.eu/ONIMBOTV2JOINCHAT/1777/at1789551402000");
    assert_eq!(unnamed.platform_session, None);
    let held = [&join[..], &[("data[chat][owner]", Some("27"))]].concat();
    assert!(ignored(&held).contains("live agent"));
}

#[test]
fn files_are_attachments_that_only_the_connector_can_fetch() {
    let read = event(&[("data[message][params][fileId][0]", Some("501")), ("data[message][text]", None)]);
    let EventKind::PersonMessage { content, .. } = read.kind else { panic!() };
    assert_eq!(content.attachments[0].source, Source::Platform("501".into()));
}

#[test]
fn copies_that_a_messenger_connector_makes_can_be_left_out() {
    let mut portal = portal();
    portal.settings.ignored_prefixes = vec!["=== outgoing".into()];
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(MESSAGE)
        .append_pair("data[message][text]", "=== outgoing message, author: phone ===\nhi")
        .finish();
    let read = read(&portal, &form::parse(&body).unwrap(), &body, Timestamp(7));
    assert!(matches!(read.kind, EventKind::Ignored { reason } if reason.contains("prefix")));
}
