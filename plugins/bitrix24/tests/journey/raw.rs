//! Events byte for byte as the documentation shows them: percent-encoded form bodies, everything a string.

use handoff_sdk::model::{
    HandoffKey, Source, Timestamp,
    connector::{EventKind, PlatformEvent},
};
use serde_json::json;

use crate::{
    bridging::{CLIENT_ID, take},
    world::{World, bare},
};

/// Everything an event of a portal carries beside its data, without tokens, as for customers of
/// built-in channels.
const AUTH: &str = "ts=1789551402\nauth[domain]=HOST\nauth[server_endpoint]=https://oauth.bitrix24.tech/rest/\n\
                    auth[status]=L\nauth[client_endpoint]=https://HOST/rest/\nauth[member_id]=MEMBER32\n\
                    auth[application_token]=831c76b092f9f135d9b6b36c3a720757";

/// A connection whose connector is called as in the documentation.
pub(crate) async fn world() -> World {
    let settings = json!({ "client_id": CLIENT_ID, "connector_code": "acme_webchat", "line": 22 });
    bare("", settings).await
}

/// One pair a line, as PHP's `http_build_query` would write it.
pub(crate) fn encoded(world: &World, shown: &str) -> String {
    let host = world.base.trim_start_matches("http://");
    let lines = format!("{shown}\n{AUTH}").replace("HOST", host);
    let encode = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair =
        |line: &str| line.split_once('=').map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    lines.lines().filter_map(|line| pair(line.trim())).collect::<Vec<_>>().join("&")
}

pub(crate) async fn one(shown: &str) -> PlatformEvent {
    let world = world().await;
    let mut events = take(&world, &encoded(&world, shown)).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

pub(crate) fn ignored(event: &PlatformEvent) -> bool {
    matches!(event.kind, EventKind::Ignored { .. })
}

const ADD: &str = "event=ONIMCONNECTORMESSAGEADD\nevent_handler_id=555\ndata[CONNECTOR]=acme_webchat\ndata[LINE]=22\n\
    data[MESSAGES][0][im][chat_id]=1767\ndata[MESSAGES][0][im][message_id]=86497\n\
    data[MESSAGES][0][message][user_id]=27\n\
    data[MESSAGES][0][message][text]=[b]Klaus Weber:[/b] [br]Guten Tag!\ndata[MESSAGES][0][chat][id]=conv-91b2";

#[tokio::test]
async fn a_live_agents_message_is_read_with_and_without_files() {
    let event = one(ADD).await;
    assert_eq!((event.chat.as_str(), event.at), ("1767", Timestamp(1_789_551_402_000)));
    assert_eq!(event.handoff, Some(HandoffKey::new("conv-91b2")));
    let EventKind::LiveAgentMessage { name, content, external_id } = event.kind else { panic!("{event:?}") };
    assert_eq!((name.as_deref(), external_id.as_str()), (Some("Klaus Weber"), "86497"));
    assert_eq!((content.text.as_str(), content.attachments.len()), ("Guten Tag!", 0));

    let files = "data[MESSAGES][0][message][files][0][type]=image\ndata[MESSAGES][0][message][files][0][name]=a.png\n\
                 data[MESSAGES][0][message][files][0][link]=https://acme.bitrix24.eu/~abc";
    let event = one(&format!("{ADD}\n{files}")).await;
    let EventKind::LiveAgentMessage { content, .. } = event.kind else { panic!("{event:?}") };
    assert_eq!(content.attachments[0].source, Source::Url("https://acme.bitrix24.eu/~abc".into()));
}

#[tokio::test]
async fn every_message_of_one_event_is_read_and_an_author_may_be_missing_or_nobody() {
    let second = ADD
        .replace("[0]", "[1]")
        .replace("86497", "86498")
        .replace("[message][user_id]=27", "[message][user_id]=0");
    let second: Vec<&str> = second.lines().filter(|line| line.contains("[1]")).collect();
    let world = world().await;
    let events = take(&world, &encoded(&world, &format!("{ADD}\n{}", second.join("\n")))).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].key, events[1].key);
    for author in ["data[MESSAGES][0][message][user_id]=0\n", ""] {
        let shown = ADD
            .replace("data[MESSAGES][0][message][user_id]=27\n", author)
            .replace("[b]Klaus Weber:[/b] [br]", "");
        let event = one(&shown).await;
        assert!(matches!(event.kind, EventKind::LiveAgentMessage { name: None, .. }), "{event:?}");
    }
}

#[tokio::test]
async fn the_same_delivery_has_the_same_key_and_a_change_another() {
    let update =
        ADD.replace("MESSAGEADD", "MESSAGEUPDATE") + "\ndata[MESSAGES][0][message][id][0]=conv-91b2.a86497";
    let delete = "event=ONIMCONNECTORMESSAGEDELETE\ndata[CONNECTOR]=acme_webchat\ndata[LINE]=22\n\
                  data[MESSAGES][0][im][chat_id]=1767\ndata[MESSAGES][0][im][message_id]=86497\n\
                  data[MESSAGES][0][message][id]=conv-91b2.a86497\ndata[MESSAGES][0][chat][id]=conv-91b2";
    let world = world().await;
    let mut keys = std::collections::BTreeSet::new();
    for shown in [ADD, ADD, &update, &update, delete, delete] {
        let event = take(&world, &encoded(&world, shown)).await.unwrap().remove(0);
        assert!(matches!(event.kind, EventKind::LiveAgentMessage { .. }), "{event:?}");
        keys.insert(event.key);
    }
    assert_eq!(keys.len(), 3);
}

#[tokio::test]
async fn dialogs_lines_and_connectors_begin_and_end() {
    let dialog = "event=ONIMCONNECTORDIALOGFINISH\ndata[CONNECTOR]=acme_webchat\ndata[LINE]=22\n\
        data[DATA][0][connector][connector_id]=acme_webchat\ndata[DATA][0][connector][line_id]=22\n\
        data[DATA][0][connector][chat_id]=conv-91b2\ndata[DATA][0][connector][user_id]=visitor-7f3a\n\
        data[DATA][0][session][id]=323\ndata[DATA][0][session][closed]=Y\ndata[DATA][0][session][parent_id]=0\n\
        data[DATA][0][chat][id]=1767\ndata[DATA][0][user][id]=585";
    let event = one(dialog).await;
    assert!(
        matches!(event.kind, EventKind::Closed { .. }) && event.platform_session.as_deref() == Some("323")
    );
    for quiet in [
        dialog.replace("DIALOGFINISH", "DIALOGSTART"),
        dialog.replace("[closed]=Y", "[closed]=N"),
        dialog.replace("data[CONNECTOR]=acme_webchat", "data[CONNECTOR]=other"),
        "event=ONIMCONNECTORLINEDELETE\ndata=107".to_owned(),
        "event=ONIMCONNECTORSTATUSDELETE\ndata[connector]=acme_webchat\ndata[line]=22".to_owned(),
        ADD.replace("acme_webchat", "other"),
        ADD.replace("data[MESSAGES][0][chat][id]=conv-91b2", ""),
        "event=ONIMSOMETHINGNEW\ndata[x]=1".to_owned(),
        "event=ONIMCONNECTORSOMETHINGNEW\ndata[x]=1".to_owned(),
    ] {
        assert!(ignored(&one(&quiet).await), "{quiet}");
    }
}
