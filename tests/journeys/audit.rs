//! The auditor finds what is broken in the rows, and nothing where nothing is broken.

use anyhow::{Context, Result, bail, ensure};
use handoff_tests::{
    PACE, PATIENCE,
    assistants::{ACCEPTED, WISH, answer_to},
    caller::Caller,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    web::send,
};
use rusqlite::Connection;
use serde_json::json;
use tokio::time::Instant;

use super::{on_zendesk, while_transferring};

/// An auditor that has looked at everything after a second or two.
fn quick(mut setup: Setup) -> Setup {
    setup.config["audit"] = json!({ "conversations_per_second": 1000, "pause_seconds": 1 });
    setup
}

/// A number of `/metrics`.
async fn number(server: &Server, name: &str) -> Result<u64> {
    let text = send(server.web().request("GET", "/metrics")).await?.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.with_context(|| format!("no {name} in {text}"))
}

/// Findings by promise, as metrics tell them.
async fn findings(server: &Server) -> Result<Vec<u64>> {
    let mut counts = Vec::new();
    for promise in ["P1", "P2", "P3", "P5", "P7"] {
        counts.push(number(server, &format!("handoff_audit_findings{{promise=\"{promise}\"}} ")).await?);
    }
    Ok(counts)
}

/// Waits until everything that is stored by now was looked at: the round that runs, and one more.
async fn until_audited(server: &Server) -> Result<()> {
    let rounds = number(server, "handoff_audit_rounds_total ").await? + 2;
    let end = Instant::now() + PATIENCE;
    while number(server, "handoff_audit_rounds_total ").await? < rounds {
        ensure!(Instant::now() < end, "no round comes to its end: {}", server.log_tail());
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

/// Waits until the log tells of it.
async fn until_told(server: &Server, words: &str) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let log = server.log();
        if log.lines().any(|line| line.contains("Audit: ") && line.contains(words)) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{words:?} was never found:\n{}", server.log_tail());
        }
        tokio::time::sleep(PACE).await;
    }
}

/// The rows of the running server.
fn rows(server: &Server) -> Result<Connection> {
    let rows = Connection::open(server.dir().join("data/handoff.sqlite3"))?;
    rows.busy_timeout(PATIENCE)?;
    Ok(rows)
}

#[tokio::test]
async fn the_auditor_finds_nothing_while_many_chats_are_handed_over() -> Result<()> {
    let (zendesk, server) = on_zendesk(quick).await?;
    let held = while_transferring(&zendesk, &server, "/passControl", "hold").await?;
    let mut people = Vec::new();
    for n in 0..8 {
        let mut person = Visitor::open(&server).await?;
        person.says(&format!("hello {n}")).await?;
        if n % 2 == 0 {
            person.says(WISH).await?;
            person.says("typed at once").await?;
        }
        people.push(person);
    }
    until_audited(&server).await?;
    zendesk.release().await?;
    for person in people.iter_mut().step_by(2) {
        person.until_told(ACCEPTED).await?;
        person.says("and one more thing").await?;
    }
    server.until_state(&held.conversation, "carrying").await?;
    until_audited(&server).await?;
    assert_eq!(findings(&server).await?, [0; 5], "{}", server.log_tail());
    assert!(number(&server, "handoff_audit_conversations_total ").await? >= 18);
    assert!(!server.log().contains("Audit: "));
    let told = server.cli(&["doctor"]).await?;
    assert_eq!(told.code, Some(0), "{}", told.out);
    assert!(told.out.contains("hold on every row"), "{}", told.out);
    Ok(())
}

#[tokio::test]
async fn every_row_that_is_broken_is_found_told_and_counted() -> Result<()> {
    let (zendesk, server) = on_zendesk(quick).await?;
    let mut carried = Visitor::open(&server).await?;
    carried.says(WISH).await?;
    carried.until_told(ACCEPTED).await?;
    let mut talking = Visitor::open(&server).await?;
    talking.says("hello").await?;
    talking.until_told(&answer_to("hello")).await?;
    let asked = Caller::new(&server, "other");
    asked.asks("one").await?;
    let moving = while_transferring(&zendesk, &server, "/conversations", "hold").await?;
    until_audited(&server).await?;
    assert_eq!(findings(&server).await?, [0; 5]);
    let (carried, talking, moving) = (&carried.conversation, &talking.conversation, &moving.conversation);
    let handoff = server.handoff_of(carried).await?["id"].as_str().context("no id")?.to_owned();
    let of = |id: &str| format!("(SELECT number FROM conversations WHERE id = '{id}')");
    let cases = [
        (
            format!("UPDATE conversations SET body = json_set(body, '$.session.state', 'active') WHERE id = '{carried}'"),
            "P1 is not kept", "a session runs although",
        ),
        (
            format!("UPDATE handoffs SET state = 'failed' WHERE id = '{handoff}'"),
            "P1 is not kept", "lists say that the handoff is failed",
        ),
        (
            format!("DELETE FROM messages WHERE seq = 1 AND conversation = {}", of(talking)),
            "P2 is not kept", "1 messages are missing after place 0",
        ),
        (
            format!("UPDATE conversations SET body = json_set(body, '$.last_seq', 1) WHERE id = '{talking}'"),
            "P3 is not kept", "is taken already",
        ),
        (
            format!("INSERT INTO chats (connection, chat, handoff) VALUES ('zendesk', 'another', '{handoff}')"),
            "P3 is not kept", "2 chats on platforms lead to one handoff",
        ),
        (
            format!(
                "INSERT INTO effects (kind, lane, head, conversation, handoff, seq, sealed, added, due)
                VALUES ('forward', 'out:{handoff}', 1, '{carried}', '{handoff}', 1, CAST('my card' AS BLOB), 0, 9e15)"
            ),
            "P5 is not kept", "(forward) is not sealed",
        ),
        (
            format!(
                "INSERT INTO messages (conversation, seq, author, content, at, delivery)
                VALUES ({}, 99, 'person', '{{\"text\":\"later\"}}', 1, 'delivered')",
                of(carried)
            ),
            "P5 is not kept", "were kept after the acceptance",
        ),
        (
            format!("DELETE FROM effects WHERE kind = 'handoff' AND conversation = '{moving}'"),
            "P7 is not kept", "0 effects move it on",
        ),
        (
            "UPDATE conversations SET body = '{' WHERE external_id = 'other'".to_owned(),
            "P2 is not kept", "cannot be read",
        ),
    ];
    for (sql, promise, words) in cases {
        assert_eq!(rows(&server)?.execute(&sql, [])?, 1, "{sql}");
        until_told(&server, words).await.with_context(|| sql.clone())?;
        until_told(&server, promise).await?;
    }
    until_audited(&server).await?;
    let counts = findings(&server).await?;
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    let told = server.cli(&["--json", "doctor"]).await?;
    assert_eq!(told.code, Some(1), "{}", told.out);
    for words in [
        "P1 conversation",
        "P2 conversation",
        "P3 conversation",
        "P5 conversation",
        "P7 conversation",
        "What to do:",
    ] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    Ok(())
}
