//! The ticket route: the team gets a ticket with what was said, and the person may chat on.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, BACK, FAILED, HELLO, MOMENT, WISH, answer_to, support, with_handoff},
    chat::Chat,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{on_zendesk, while_transferring};

/// An assistant that leaves by ticket, with these options.
fn by_ticket(options: &Value) -> Value {
    with_handoff(support("zendesk"), |handoff| {
        handoff["route"] = json!("ticket");
        handoff["budget_seconds"] = json!(3600);
        handoff["options"] = options.clone();
    })
}

async fn ticketing(options: Value) -> Result<(Zendesk, Server)> {
    on_zendesk(|setup| setup.with_assistant(by_ticket(&options))).await
}

async fn only_ticket(zendesk: &Zendesk, handoff: &Value) -> Result<Chat> {
    let mut tickets = zendesk.tickets_of(handoff["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(tickets.len(), 1, "{tickets:#?}");
    Ok(tickets.remove(0))
}

/// Texts of the transcript in a ticket's first comment, without who said them and when.
fn transcript(ticket: &Chat) -> Vec<&str> {
    ticket.lines[0]
        .text
        .split("\n\n")
        .map(|said| said.split_once(":\n").map_or(said, |(_, words)| words))
        .collect()
}

#[tokio::test]
async fn the_team_gets_a_ticket_and_the_person_may_chat_on() -> Result<()> {
    let (zendesk, server) = ticketing(json!({ "priority": "high", "tags": ["chat"] })).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("My card is lost").await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let ticket = only_ticket(&zendesk, &handoff).await?;
    let said = [HELLO, "My card is lost", &answer_to("My card is lost"), WISH, MOMENT, ASKED];
    assert_eq!(transcript(&ticket), said);
    assert_eq!((&ticket.raw["priority"], &ticket.raw["tags"]), (&json!("high"), &json!(["handoff", "chat"])));
    assert_eq!(ticket.raw["messages"][0]["public"], false, "the person would get the chat by e-mail");
    assert_eq!(handoff["receipt"]["ticket"]["label"], format!("#{}", ticket.raw["ticket"]));
    assert_eq!(zendesk.look("inspect").await?["conversations"], json!([]), "a chat was made as well");
    // The chat is free: the next message begins a new session, and the ticket stays as it is.
    assert_eq!(person.says("Something else").await?, "session");
    person.until_told(&answer_to("Something else")).await?;
    assert_eq!(person.times(HELLO), 2, "{:#?}", person.thread);
    assert_eq!(only_ticket(&zendesk, &handoff).await?.lines.len(), 1);
    Ok(())
}

#[tokio::test]
async fn by_default_a_ticket_is_not_called_a_chat() -> Result<()> {
    let mut usual = by_ticket(&json!({}));
    usual["triggers"][1]["actions"][1]["texts"] = json!({});
    let (_zendesk, server) = on_zendesk(|setup| setup.with_assistant(usual)).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_shown("will get back to you").await?;
    let shown: Vec<_> = person.shown().map(|line| line.text.as_str()).collect();
    assert!(!shown.iter().any(|text| text.contains("has your chat")), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn p2_what_is_typed_while_the_ticket_is_made_becomes_remarks_on_it() -> Result<()> {
    let (zendesk, server) = ticketing(json!({})).await?;
    let mut person = while_transferring(&zendesk, &server, "/tickets", "hold").await?;
    for text in ["first", "second"] {
        assert_eq!(person.says(text).await?, "handoff");
    }
    person.look(0).await?;
    assert_eq!(person.times(ACCEPTED), 0, "P4: nobody has it yet");
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    let ends = |text: &'static str| {
        move |chats: &[Chat]| chats[0].lines.iter().any(|line| line.text.ends_with(text))
    };
    zendesk.until_chats("the second remark", ends("second")).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let ticket = only_ticket(&zendesk, &handoff).await?;
    assert_eq!(ticket.lines.len(), 3, "{ticket:#?}");
    assert!(ticket.lines[1].text.ends_with("first"), "{ticket:#?}");
    assert_eq!(handoff["receipt"]["tail_messages"], 2);
    Ok(())
}

#[tokio::test]
async fn fault_14_an_answer_that_is_lost_makes_no_second_ticket() -> Result<()> {
    let (zendesk, server) = ticketing(json!({})).await?;
    for kind in ["hang_after", "reset_before", "reset_after", "truncate", "html_ok"] {
        let mut person = Visitor::open(&server).await?;
        zendesk.fault(json!({ "method": "POST", "path": "/tickets", "kind": kind })).await?;
        person.says(WISH).await?;
        person.until_told(ACCEPTED).await?;
        let handoff = server.until_state(&person.conversation, "accepted").await?;
        only_ticket(&zendesk, &handoff).await?;
        assert_eq!(person.times(ACCEPTED), 1, "{kind}");
        zendesk.heal().await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_15_a_field_that_zendesk_refuses_is_left_out_and_the_receipt_says_so() -> Result<()> {
    let zendesk = Zendesk::start(&["--clock-factor", "20", "--custom-fields", "360"]).await?;
    let assistant = by_ticket(&json!({ "fields": { "360": "refund", "361": "unknown" } }));
    let setup =
        Setup::new()?.with_zendesk(&zendesk).with_assistant(assistant).with_clock_factor(super::FACTOR);
    // Published while the account cannot be asked; otherwise it would be refused right then.
    zendesk.fault(json!({ "path": "ticket_fields", "times": 100, "kind": { "status": 403 } })).await?;
    let server = Server::start(setup).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let ticket = only_ticket(&zendesk, &handoff).await?;
    assert_eq!(ticket.raw["fields"], json!({ "360": "refund" }));
    assert!(handoff["receipt"]["remarks"].to_string().contains("custom field 361"), "{handoff:#}");
    Ok(())
}

#[tokio::test]
async fn a_ticket_that_cannot_be_made_gives_the_chat_back_to_the_assistant() -> Result<()> {
    let (zendesk, server) = ticketing(json!({})).await?;
    zendesk.fault(json!({ "path": "/api/v2", "times": 1000, "kind": { "status": 403 } })).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    assert_eq!((person.times(FAILED), person.times(ACCEPTED)), (1, 0));
    let handoff = server.until_state(&person.conversation, "failed").await?;
    assert_eq!(zendesk.tickets_of(handoff["id"].as_str().unwrap_or_default()).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_assistant_with_tickets_is_published_only_where_the_account_makes_them() -> Result<()> {
    let zendesk = Zendesk::start(&[]).await?;
    for (secret, published) in [(json!("sim-support-token"), true), (Value::Null, false)] {
        let mut setup = Setup::new()?.with_zendesk(&zendesk);
        setup.assistants.clear();
        let secrets = setup.config["connections"]["zendesk"]["secrets"].as_object_mut().expect("secrets");
        if secret.is_null() {
            secrets.remove("support_secret");
        }
        let server = Server::prepare(setup)?;
        let file = server.write("tickets.json", by_ticket(&json!({})).to_string().as_bytes())?;
        let told = server.cli(&["assistant", "import", &file.display().to_string(), "--publish"]).await?;
        assert_eq!(told.code == Some(0), published, "{told:?}");
        if !published {
            assert!(format!("{}{}", told.out, told.err).contains("but no tickets"), "{told:?}");
        }
    }
    Ok(())
}
