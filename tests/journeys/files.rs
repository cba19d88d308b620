//! Files that the person sends on a channel of ours reach the team, or a line says why not.

use std::fs;

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::{ACCEPTED, WISH, support, with_handoff},
    chat::Chat,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    web::send,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{on_zendesk, plain};

const PICTURE: &[u8] = b"\x89PNG not really";

/// Names of the files that the account keeps, with their sizes.
async fn kept(zendesk: &Zendesk) -> Result<Vec<(String, u64)>> {
    let all = zendesk.look("inspect").await?["attachments"].as_array().cloned().unwrap_or_default();
    let one = |file: &Value| {
        (file["file_name"].as_str().unwrap_or_default().to_owned(), file["size"].as_u64().unwrap_or(0))
    };
    Ok(all.iter().map(one).collect())
}

/// How often a chat of a live agent shows a file of this name.
fn shows(chat: &Value, name: &str) -> usize {
    let messages = chat["messages"].as_array().into_iter().flatten();
    messages
        .flat_map(|message| message["files"].as_array().into_iter().flatten())
        .filter(|file| file["name"] == name)
        .count()
}

#[tokio::test]
async fn p2_p5_files_from_before_and_after_a_handoff_are_uploaded_and_what_is_refused_is_said_to_both_ends()
-> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.sends("My parcel looks like this", "before.png", "image/png", PICTURE).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    // What the client calls the file's type is no word for one: that must keep nobody's file here.
    person.sends("", "after.pdf", "no type at all;;", b"%PDF-canary-7731").await?;
    let chats = zendesk.until_chats("both files", |chats| {
        chats
            .first()
            .is_some_and(|chat| shows(&chat.raw, "before.png") == 1 && shows(&chat.raw, "after.pdf") == 1)
    });
    let chats = chats.await?;
    assert_eq!(chats[0].count("My parcel looks like this"), 1);
    let size = PICTURE.len() as u64;
    assert_eq!(kept(&zendesk).await?, [("before.png".to_owned(), size), ("after.pdf".to_owned(), 16)]);
    for canary in ["%PDF-canary-7731", "after.pdf"] {
        assert_eq!(server.files_with(canary)?, Vec::<std::path::PathBuf>::new(), "{canary}");
    }

    zendesk.fault(json!({ "method": "POST", "path": "/attachments", "kind": { "status": 413 } })).await?;
    person.sends("And the bill", "large.pdf", "application/pdf", b"%PDF large").await?;
    person.says("Did you get it?").await?;
    zendesk.until_chats("what follows", |chats| chats[0].count("Did you get it?") == 1).await?;
    let chat = zendesk.chats().await?.remove(0);
    assert_eq!(chat.count("And the bill"), 1, "the words of the same message arrive");
    assert!(chat.lines.iter().any(|line| line.text.contains("A file could not be shown here")), "{chat:#?}");
    person.until_shown("could not be passed on as you wrote it").await?;
    Ok(())
}

/// What a process has in memory, or had at the most since [`forget_the_peak`], in bytes.
fn memory(process: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    let kilobytes: u64 = line.trim_matches(|sign: char| !sign.is_ascii_digit()).parse()?;
    Ok(kilobytes << 10)
}

fn forget_the_peak(process: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

/// A file goes from the person to the disk, and from there to the platform, in pieces.
#[tokio::test]
async fn p2_a_large_file_reaches_the_team_and_is_never_in_memory_as_a_whole() -> Result<()> {
    const LARGE: usize = 24 << 20;
    // Time as it is: a large file takes as long as it takes, and its request may.
    let zendesk = Zendesk::start(&[]).await?;
    let server = Server::start(Setup::new()?.with_zendesk(&zendesk)).await?;
    zendesk.point_webhook(&server.base).await?;
    let bytes: Vec<u8> = (0..LARGE / 8).flat_map(|number| number.to_be_bytes()).collect();
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let process = server.pid().context("it does not run")?;
    forget_the_peak(process)?;
    let before = memory(process, "VmRSS:")?;
    person.sends("This is how it broke", "film.mp4", "video/mp4", &bytes).await?;
    let arrived = |chats: &[Chat]| chats.first().is_some_and(|chat| shows(&chat.raw, "film.mp4") == 1);
    zendesk.until_chats("film.mp4", arrived).await?;
    assert_eq!(kept(&zendesk).await?, [("film.mp4".to_owned(), LARGE as u64)]);
    let grown = memory(process, "VmHWM:")?.saturating_sub(before);
    ensure!(grown < LARGE as u64 / 2, "a file of {LARGE} bytes took {grown} bytes of memory");
    Ok(())
}

#[tokio::test]
async fn a_ticket_carries_the_files_of_its_chat() -> Result<()> {
    let assistant = with_handoff(support("zendesk"), |handoff| handoff["route"] = json!("ticket"));
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(assistant)).await?;
    let mut person = Visitor::open(&server).await?;
    person.sends("My card is broken", "card.png", "image/png", PICTURE).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let tickets = zendesk.tickets_of(handoff["id"].as_str().unwrap_or_default()).await?;
    let files = tickets[0].raw["messages"][0]["files"].to_string();
    assert!(files.contains("card.png"), "{files}");
    Ok(())
}

#[tokio::test]
async fn a_file_belongs_to_its_conversation_alone() -> Result<()> {
    let (_zendesk, server) = on_zendesk(plain).await?;
    let (ann, bob) = (Visitor::open(&server).await?, Visitor::open(&server).await?);
    let path = "/v1/webchat/web/files?name=secret.txt";
    let web = server.web();
    let kept = send(web.with_bearer(ann.token()).request("POST", path).body("ann's")).await?;
    let file = kept.json()["file"].clone();
    let body = json!({ "text": "Look", "files": [file] });
    let stolen =
        send(web.with_bearer(bob.token()).request("POST", "/v1/webchat/web/messages").json(&body)).await?;
    assert_eq!(stolen.status, 422, "{}", stolen.text());
    let nameless =
        send(web.with_bearer(ann.token()).request("POST", "/v1/webchat/web/files?name=").body("x")).await?;
    assert_eq!(nameless.status, 422, "{}", nameless.text());
    Ok(())
}
