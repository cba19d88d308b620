//! What an author keeps here does not leave: not with the transfer, not while it runs, not after it. The Inbox keeps it.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, QUEUED, WISH, support, with_handoff},
    chat::Chat,
    server::Server,
    setup::CHAT_KEY,
    visitor::Visitor,
};
use serde_json::{Value, json};

use super::{on_zendesk, open_channel::on_line_30_as};

const BEFORE: &str = "My card is 4111 1111 1111 1111, the order 20240117-0042";
const BEFORE_LEFT: &str = "My card is [card number removed], the order 20240117-0042";
const DURING: &str = "Call me: 030 1234567";
const DURING_LEFT: &str = "Call me: [phone number removed]";
const AFTER: &str = "Contract C-123456, card 4111-1111-1111-1111";
const AFTER_LEFT: &str = "Contract [contract number removed], card [card number removed]";
/// What must not be found anywhere on the platform.
const KEPT: [&str; 6] = ["4111", "030 123", "C-123456", "anna@example.com", "Anna", "+49 30"];

fn careful(platform: &str, change: impl FnOnce(&mut Value)) -> Value {
    with_handoff(support(platform), |handoff| {
        handoff["redact"] = json!(["card_numbers", "email_addresses", "phone_numbers",
            { "pattern": r"\bC-\d{6}\b", "as": "contract number" }, { "field": "person.name" }]);
        change(handoff);
    })
}

/// Nothing that is kept here is anywhere on the platform.
fn assert_clean(seen: &Value) {
    let seen = seen.to_string();
    for kept in KEPT {
        assert!(!seen.contains(kept), "{kept} left: {seen:#}");
    }
}

/// Brackets mean something in a portal, and its connector parts them without a trace for the eye.
fn plain(text: &str) -> String {
    text.replace('\u{200b}', "")
}

fn has(chats: &[Chat], text: &str) -> bool {
    chats.iter().any(|chat| chat.lines.iter().any(|line| plain(&line.text).ends_with(text)))
}

/// Texts of the person, as the Inbox shows them.
async fn inbox(server: &Server, conversation: &str) -> Result<Vec<String>> {
    let shown = server.conversation(conversation).await?;
    let messages = shown["messages"].as_array().cloned().unwrap_or_default();
    let said = messages.iter().filter(|message| message["author"] == "person");
    Ok(said.map(|message| message["content"]["text"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn p2_what_the_author_keeps_here_does_not_leave_before_during_or_after_a_transfer() -> Result<()> {
    let subject =
        |handoff: &mut Value| handoff["options"] = json!({ "subject": "{ _customer.id } 4111111111111111" });
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(careful("zendesk", subject))).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(BEFORE).await?;
    person.sends("", "anna@example.com%20bill.txt", "text/plain", b"not looked at").await?;
    zendesk.fault(json!({ "method": "POST", "path": "/passControl", "kind": "hold" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    assert_eq!(person.says(DURING).await?, "handoff");
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    assert_eq!(person.says(AFTER).await?, "platform");
    let chats = zendesk.until_chats("the last words", |chats| has(chats, AFTER_LEFT)).await?;
    assert_eq!(chats.len(), 1);
    for text in [BEFORE_LEFT, DURING_LEFT, AFTER_LEFT] {
        assert_eq!(chats[0].count(text), 1, "{text}: {:#?}", chats[0].said());
    }
    let files: Vec<_> = chats[0].lines.iter().flat_map(|line| line.files.clone()).collect();
    assert_eq!(files, ["[e-mail address removed] bill.txt"]);
    assert_clean(&zendesk.look("inspect").await?);

    assert_eq!(inbox(&server, &person.conversation).await?, [BEFORE, "", WISH, DURING]);
    let receipt = server.until_carried(&person.conversation, 2).await?["receipt"].clone();
    // The assistant repeated the number of the card, and the subject holds it.
    assert_eq!(receipt["redacted"], json!({ "card numbers": 3, "e-mail addresses": 1 }));
    let since = json!({ "card numbers": 1, "contract number": 1, "phone numbers": 1 });
    assert_eq!(receipt["redacted_since"], since);
    assert!(!KEPT.iter().any(|kept| receipt.to_string().contains(kept)), "{receipt:#}");
    Ok(())
}

#[tokio::test]
async fn p3_a_redacted_ticket_is_the_same_at_each_attempt_and_its_requester_is_nobody() -> Result<()> {
    let ticket = |handoff: &mut Value| {
        handoff["route"] = json!("ticket");
        handoff["budget_seconds"] = json!(3600);
        handoff["options"] = json!({ "subject": "{ _customer.name } <{ _customer.email }>" });
        handoff["redact"] = json!(["card_numbers", "email_addresses", "phone_numbers",
            { "pattern": "Anna", "as": "name" }, { "field": "person.phone" }]);
    };
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(careful("zendesk", ticket))).await?;
    let web = server.web().with_bearer(CHAT_KEY);
    for kind in ["reset_before", "reset_after", "hang_after"] {
        let name = format!("{kind}-anna@example.com");
        let path = format!("/v1/channels/api/conversations/{name}/messages?wait=reply");
        let person = json!({ "name": "Anna", "email": "anna@example.com", "phone": "+49 30 1234567" });
        web.post(&path, &json!({ "text": BEFORE, "person": person })).await?;
        zendesk.fault(json!({ "method": "POST", "path": "/tickets", "kind": kind })).await?;
        let turned = web.post(&path, &json!({ "text": WISH })).await?;
        let conversation = turned["conversation"].as_str().unwrap_or_default().to_owned();
        let handoff = server.until_state(&conversation, "accepted").await?;
        let tickets = zendesk.tickets_of(handoff["id"].as_str().unwrap_or_default()).await?;
        assert_eq!(tickets.len(), 1, "{kind}: {tickets:#?}");
        assert!(tickets[0].lines[0].text.contains(BEFORE_LEFT), "{tickets:#?}");
        assert_clean(&zendesk.look("inspect").await?);
        let redacted = &handoff["receipt"]["redacted"];
        assert_eq!((&redacted["card numbers"], &redacted["person.phone"]), (&json!(2), &json!(1)), "{kind}");
        assert_eq!(inbox(&server, &conversation).await?, [BEFORE, WISH]);
        zendesk.heal().await?;
    }
    Ok(())
}

#[tokio::test]
async fn p2_operators_of_an_open_channel_see_what_the_author_lets_leave() -> Result<()> {
    let (bitrix24, server) = on_line_30_as(&["--rate-limit", "false"], careful("bitrix24", |_| {})).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(BEFORE).await?;
    bitrix24.fault(json!({ "path": "send.messages", "kind": "hold" })).await?;
    person.says(WISH).await?;
    bitrix24.until_held().await?;
    assert_eq!(person.says(DURING).await?, "handoff");
    bitrix24.release().await?;
    person.until_told(QUEUED).await?;
    assert_eq!(person.says(AFTER).await?, "platform");
    let chats = bitrix24.until_chats("the last words", |chats| has(chats, AFTER_LEFT)).await?;
    assert_eq!(chats.len(), 1);
    let said = chats[0].lines.iter().filter(|line| line.author == "customer");
    let said: Vec<_> = said.map(|line| plain(&line.text)).collect();
    assert!(said[1].contains(BEFORE_LEFT), "{said:#?}");
    assert_eq!(said[2..], [DURING_LEFT, AFTER_LEFT]);
    assert_clean(&bitrix24.look("inspect").await?);
    assert_eq!(inbox(&server, &person.conversation).await?, [BEFORE, WISH, DURING]);
    Ok(())
}

#[tokio::test]
async fn a_rule_that_cannot_be_keeps_an_assistant_from_being_published() -> Result<()> {
    let (_zendesk, server) = on_zendesk(|setup| setup).await?;
    let cases = [
        (json!([{ "pattern": "(" }]), "unclosed group"),
        (json!([{ "pattern": "x*" }]), "where nothing stands"),
        (json!(["iban"]), "is no rule of"),
        (json!([{ "field": "person.shoe_size" }]), "there is no field"),
    ];
    for (rules, reason) in cases {
        let assistant = careful("zendesk", |handoff| handoff["redact"] = rules);
        let file = server.write("refused.json", assistant.to_string().as_bytes())?;
        let told = server.cli(&["assistant", "validate", &file.display().to_string()]).await?;
        let said = format!("{}{}", told.out, told.err);
        assert!(told.code != Some(0) && said.contains(reason) && said.contains("leave"), "{told:?}");
    }
    Ok(())
}
