//! Events of bots of both generations, and of the application, byte for byte as the documentation shows them.
//! `fixtures` holds one pair a line.

use handoff_sdk::{
    ConnectorError,
    model::{
        Source, Timestamp,
        connector::{EventKind, PlatformEvent},
    },
};
use serde_json::json;

use crate::{
    bridging::{CLIENT_ID, take},
    raw::{encoded, ignored, one, world},
    world::{World, bare},
};

const V2_MESSAGE: &str = include_str!("fixtures/v2_message.txt");
const V1_MESSAGE: &str = include_str!("fixtures/v1_message.txt");
const V1_JOIN: &str = include_str!("fixtures/v1_join.txt");
const V1_COMMAND: &str = include_str!("fixtures/v1_command.txt");

/// What a person said: session, name, words, whether a live agent holds the chat, how many files.
fn said(event: &PlatformEvent) -> (Option<&str>, &str, &str, bool, usize) {
    let EventKind::PersonMessage { person, content, held_by_live_agent, .. } = &event.kind else {
        panic!("{event:?}")
    };
    let name = person.name.as_deref().unwrap_or_default();
    let session = event.platform_session.as_deref();
    (session, name, &content.text, *held_by_live_agent, content.attachments.len())
}

#[tokio::test]
async fn a_message_is_read_from_the_events_of_both_generations() {
    for (shown, words, id) in
        [(V2_MESSAGE, "Hello, I want a refund", "86301"), (V1_MESSAGE, "Hello", "86301")]
    {
        let event = one(shown).await;
        assert_eq!((event.chat.as_str(), event.at), ("1777", Timestamp(1_789_551_402_000)));
        assert!(event.key.ends_with(&format!("/{id}")), "{}", event.key);
        assert_eq!(said(&event), (Some("343"), "Guest", words, false, 0));
    }
}

#[tokio::test]
async fn the_older_message_has_the_variants_that_were_seen() {
    // A bot of a webhook is known by its number alone.
    let plain: Vec<&str> = V1_MESSAGE.lines().filter(|line| !line.starts_with("data[BOT]")).collect();
    let bot = "data[BOT][456][domain]=HOST\ndata[BOT][456][member_id]=MEMBER32\ndata[BOT][456][application_token]=APPTOK32";
    assert_eq!(said(&one(&format!("{}\n{bot}", plain.join("\n"))).await).2, "Hello");
    // Dates in the text, and files.
    let more = "data[PARAMS][PARAMS][DATE_TEXT][0]=tomorrow\ndata[PARAMS][PARAMS][DATE_TS][0]=1691310000\n\
                data[PARAMS][FILES][501][name]=a.png\ndata[PARAMS][FILES][501][type]=image\n\
                data[PARAMS][FILES][501][size]=9\ndata[PARAMS][FILES][501][urlDownload]=https://HOST/~a";
    let event = one(&format!("{V1_MESSAGE}{more}")).await;
    let EventKind::PersonMessage { content, .. } = event.kind else { panic!() };
    assert!(matches!(&content.attachments[0].source, Source::Url(url) if url.ends_with("/~a")));
    assert_eq!(content.attachments[0].name, "a.png");
    // An operator has the chat, and speaks in it: no SYSTEM, another account.
    let held = V1_MESSAGE.replace("[CHAT_AUTHOR_ID]=0", "[CHAT_AUTHOR_ID]=27");
    assert!(said(&one(&held).await).3);
    let operators = held
        .replace("[FROM_USER_ID]=599", "[FROM_USER_ID]=27")
        .replace("[AUTHOR_ID]=599", "[AUTHOR_ID]=27")
        .replace("data[PARAMS][SYSTEM]=N\n", "data[PARAMS][TEMPLATE_ID]=x\n")
        .replace("[IS_CONNECTOR]=Y", "[IS_CONNECTOR]=N");
    for quiet in [
        operators,
        V1_MESSAGE.replace("[SYSTEM]=N", "[SYSTEM]=Y"),
        V1_MESSAGE.replace("[AUTHOR_ID]=599", "[AUTHOR_ID]=456"),
        V1_MESSAGE.replace("[BOT_CODE]=acme_assistant", "[BOT_CODE]=other"),
        V1_MESSAGE.replace("_TYPE]=L", "_TYPE]=C").replace("]=LINES", "]="),
        V1_MESSAGE.replace("MESSAGEADD", "MESSAGEDELETE"),
        "event=ONIMBOTDELETE\ndata[BOT_ID]=456\ndata[BOT_CODE]=acme_assistant".to_owned(),
    ] {
        assert!(ignored(&one(&quiet).await), "{quiet}");
    }
}

#[tokio::test]
async fn an_older_join_names_neither_session_nor_user() {
    let event = one(V1_JOIN).await;
    assert_eq!((event.chat.as_str(), event.platform_session.as_deref()), ("1777", None));
    assert!(matches!(&event.kind, EventKind::ChatStarted { person } if person.id == "599"), "{event:?}");
    assert!(ignored(&one(&V1_JOIN.replace("[CHAT_AUTHOR_ID]=0", "[CHAT_AUTHOR_ID]=27")).await));
}

#[tokio::test]
async fn whose_an_older_command_is_the_portal_is_asked() {
    let world = world().await;
    let chat = world.says("hi").await;
    let command = V1_COMMAND.replace("NUMBER", &chat.to_string());
    let event = read(&world, &command).await;
    assert_eq!((event.chat.clone(), said(&event).2), (chat.to_string(), "/operator billing"));
    assert!(event.platform_session.is_some(), "the chat was read for it");
    let typed = read(&world, &command.replace("=KEYBOARD", "=TEXTAREA")).await;
    assert_eq!(said(&typed).2, "/operator billing");
    for operators in [command.replace("=599", "=27"), command.replace(&format!("={chat}"), "=99999")] {
        assert!(ignored(&read(&world, &operators).await), "{operators}");
    }
}

async fn read(world: &World, shown: &str) -> PlatformEvent {
    take(world, &encoded(world, shown)).await.unwrap().remove(0)
}

const INSTALL: &str = "event=ONAPPINSTALL\ndata[VERSION]=1\ndata[ACTIVE]=Y\ndata[INSTALLED]=Y\ndata[LANGUAGE_ID]=en\n\
    auth[access_token]=simulatedaccesstoken\nauth[refresh_token]=RT\nauth[expires_in]=3600\n\
    auth[scope]=imbot,imopenlines,imconnector,im,user";

#[tokio::test]
async fn an_installation_counts_when_the_portal_knows_its_token_and_an_uninstallation_ends_it() {
    let settings = json!({ "webhook_user_id": 0, "client_id": CLIENT_ID, "native": false, "line": 22 });
    let world = bare("", settings).await;
    world.install().await;
    let forged = INSTALL.replace("simulatedaccesstoken", "FORGED");
    let refused = take(&world, &encoded(&world, &forged)).await;
    assert!(matches!(refused, Err(ConnectorError::Unverified { .. })), "{refused:?}");
    assert_eq!(take(&world, &encoded(&world, INSTALL)).await, Ok(Vec::new()));
    let seen = world.look("inspect").await;
    assert!(!seen["connectors"]["handoff"]["lines"]["22"].is_null(), "{seen:#}");

    let removed = "event=ONAPPUNINSTALL\ndata[LANGUAGE_ID]=en\ndata[CLEAN]=1";
    let forged = encoded(&world, removed).replace("831c76b092f9f135d9b6b36c3a720757", "0");
    assert!(matches!(take(&world, &forged).await, Err(ConnectorError::Unverified { .. })));
    assert_eq!(take(&world, &encoded(&world, removed)).await, Ok(Vec::new()));
}
