//! What the Inbox shows of a conversation, and where it ends.

use axum::http::StatusCode;
use handoff_core::{
    handoff::{Handoff, HandoffState, Receipt, Texts},
    session::{Control, Conversation},
    store::Changes,
};
use handoff_model::{
    Author, ChannelId, ConnectionId, ConnectorId, Content, Delivery, HandoffId, Message, NodeId, Person,
    Plan, Route, SessionId, TicketRef, Timestamp,
};
use serde_json::Value;

use super::desk::{Desk, MORNING};
use crate::console::link;

/// The script that must never come out as one.
const EVIL: &str = "<script>alert('x')</script>";

fn at(second: i64) -> Timestamp {
    Timestamp(MORNING + second * 1000)
}

fn message(seq: u64, author: Author, text: &str, delivery: Delivery) -> Message {
    let at = at(i64::try_from(seq).unwrap());
    Message { seq, author, content: Content::text(text), at, delivery, external_id: None }
}

fn handoff(conversation: &Conversation, state: HandoffState) -> Handoff {
    let accepted_at = match &state {
        HandoffState::Accepted { at, .. } | HandoffState::Carrying { at, .. } => Some(*at),
        _ => None,
    };
    Handoff {
        id: HandoffId::derive(&conversation.id, "e1", 0),
        version: 0,
        conversation: conversation.id.clone(),
        session: SessionId::nth(&conversation.id, 1),
        node: NodeId::new("handoff-1"),
        connection: ConnectionId::new("zd"),
        connector: ConnectorId::new("zendesk"),
        platform: "Zendesk".to_owned(),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        options: Value::Null,
        texts: Texts::default(),
        state,
        fired_at: at(3),
        give_up_at: at(63),
        settle_ms: 0,
        attempts: 1,
        fired_seq: 3,
        transcript_until: Some(3),
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Timestamp(0),
        perhaps_carried_until: 0,
        speaks_after_transfer: true,
        check_availability: false,
        consent: None,
        redact: Vec::new(),
        fallbacks: Vec::new(),
        replay_of: None,
        replayed_as: None,
        receipt: Receipt { accepted_at, remarks: vec![EVIL.to_owned()], ..Receipt::default() },
    }
}

/// Ann wants a human; the handoff stands as given. Gives the addresses of thread and receipt.
async fn story(desk: &Desk, state: HandoffState) -> (String, String) {
    let person = Person { id: "ann".to_owned(), name: Some(format!("Ann {EVIL}")), ..Person::default() };
    let mut conversation = Conversation::new(ChannelId::new("web"), "ann".to_owned(), person, at(0));
    let handoff = handoff(&conversation, state);
    conversation.control = match &handoff.state {
        state if state.is_accepted() => Control::Platform { id: handoff.id.clone() },
        state if state.is_undecided() => Control::Handoff { id: handoff.id.clone() },
        _ => Control::Session,
    };
    conversation.last_handoff = Some(handoff.id.clone());
    conversation.last_seq = 40;
    let addresses = (link::thread(conversation.id.as_str()), link::handoff(handoff.id.as_str()));
    let id = conversation.id.clone();
    let said = [
        message(1, Author::Assistant, "Hello!", Delivery::Delivered),
        message(2, Author::Person, &format!("A human, please {EVIL}"), Delivery::Delivered),
        message(3, Author::Notice, "I am asking our team.", Delivery::Undelivered),
    ];
    let changes = Changes {
        conversation: Some(conversation),
        handoffs: vec![handoff],
        messages: said.into_iter().map(|message| (id.clone(), message)).collect(),
        ..Changes::default()
    };
    desk.commit(changes).await;
    addresses
}

fn ticket() -> TicketRef {
    TicketRef {
        chat: "42".to_owned(),
        label: Some("#42".to_owned()),
        url: Some("javascript:alert(1)".to_owned()),
    }
}

#[tokio::test]
async fn after_acceptance_the_thread_ends_with_where_the_chat_went() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (thread, receipt) = story(&desk, HandoffState::Carrying { ticket: ticket(), at: at(4) }).await;
    let page = desk.get(&thread).await;
    let banner = "Transferred to Zendesk at 2025-06-01 09:00:04 UTC; what follows is not visible here.";
    assert!(page.html.contains(banner), "{}", page.html);
    assert!(page.html.contains(&format!("href=\"{receipt}\"")));
    let said = page.html.find("A human, please").unwrap();
    assert!(said < page.html.find(banner).unwrap());
    assert!(page.html.contains("Not delivered"));
}

#[tokio::test]
async fn nothing_from_after_acceptance_is_shown_even_if_it_were_stored() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (thread, _) = story(&desk, HandoffState::Carrying { ticket: ticket(), at: at(4) }).await;
    let id = handoff_model::ConversationId::derive(&ChannelId::new("web"), "ann");
    let leaked = message(30, Author::Person, "my card number is 4111", Delivery::Delivered);
    desk.commit(Changes { messages: vec![(id, leaked)], ..Changes::default() }).await;
    let page = desk.get(&thread).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.html.contains("4111"), "{}", page.html);
    assert!(page.html.contains("A human, please"));
}

#[tokio::test]
async fn an_undecided_and_a_failed_handoff_are_told_as_what_they_are() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (thread, _) = story(&desk, HandoffState::Requested).await;
    let page = desk.get(&thread).await;
    assert!(page.html.contains("The transfer to Zendesk is under way since 2025-06-01 09:00:03 UTC"));
    assert!(!page.html.contains("Transferred to"));
    assert!(page.html.contains("Transfer under way"));

    let desk = Desk::signed_in(Plan::Total).await;
    let failed = HandoffState::Failed { reason: format!("refused: {EVIL}"), at: at(5), nobody_there: false };
    let (thread, _) = story(&desk, failed).await;
    let page = desk.get(&thread).await;
    assert!(page.html.contains("The handoff to Zendesk failed at 2025-06-01 09:00:05 UTC: refused:"));
    assert!(!page.html.contains(EVIL));
}

#[tokio::test]
async fn whatever_people_and_platforms_write_stays_text() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (thread, receipt) = story(&desk, HandoffState::Accepted { ticket: ticket(), at: at(4) }).await;
    for address in [thread.as_str(), "/console/inbox", &receipt, "/console/handoffs"] {
        let page = desk.get(address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert!(!page.html.contains(EVIL), "{address}");
        assert!(!page.html.contains("javascript:"), "{address}");
    }
    assert!(desk.get(&thread).await.html.contains("&#60;script&#62;"));
    let page = desk.get(&receipt).await;
    assert!(page.html.contains("#42") && page.html.contains("Accepted"));
}

#[tokio::test]
async fn the_signed_receipt_and_its_signature_are_files_to_keep() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (_, receipt) = story(&desk, HandoffState::Carrying { ticket: ticket(), at: at(4) }).await;
    let page = desk.get(&receipt).await;
    for (end, begins) in
        [("receipt.json", "{\n"), ("receipt.json.minisig", "untrusted comment: receipt of handoff h")]
    {
        let address = format!("{receipt}/{end}");
        assert!(page.html.contains(&format!("href=\"{address}\"")), "{}", page.html);
        let file = desk.get(&address).await;
        let kept = file.headers["content-disposition"].to_str().unwrap();
        assert!(
            kept.starts_with("attachment; filename=\"receipt-h") && file.html.starts_with(begins),
            "{kept}"
        );
        assert!(!file.html.contains("A human, please"), "no word of the chat");
    }
    let stranger = Desk::with_plan(Plan::Total).await;
    let (_, receipt) = story(&stranger, HandoffState::Requested).await;
    let refused = stranger.get(&format!("{receipt}/receipt.json")).await;
    assert!(!refused.status.is_success(), "{}", refused.html);
}

#[tokio::test]
async fn the_lists_go_on_page_by_page() {
    let desk = Desk::signed_in(Plan::Total).await;
    for number in 0..35 {
        let external = format!("p{number}");
        let person = Person { name: Some(format!("Person {number:02}")), ..Person::default() };
        let mut conversation = Conversation::new(ChannelId::new("web"), external, person, at(number));
        conversation.updated = at(number);
        desk.commit(Changes { conversation: Some(conversation), ..Changes::default() }).await;
    }
    let first = desk.get("/console/inbox").await;
    assert!(first.html.contains("Person 34") && first.html.contains("Person 05"));
    assert!(!first.html.contains("Person 04"));
    let (_, rest) = first.html.split_once("/console/inbox?after=").unwrap();
    let next = format!("/console/inbox?after={}", rest.split_once('"').unwrap().0);
    let second = desk.get(&next).await;
    assert!(second.html.contains("Person 04") && !second.html.contains("Person 05"));
    assert_eq!(desk.get("/console/inbox?after=nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn handoffs_are_listed_by_state() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (_, receipt) =
        story(&desk, HandoffState::Failed { reason: "gone".to_owned(), at: at(5), nobody_there: false })
            .await;
    assert!(desk.get("/console/handoffs?state=failed").await.html.contains(&receipt));
    assert!(!desk.get("/console/handoffs?state=accepted").await.html.contains(&receipt));
    assert!(desk.get("/console/handoffs").await.html.contains(&receipt));
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let desk = Desk::signed_in(Plan::Total).await;
    for address in ["/console/inbox/none", "/console/handoffs/none", "/console/assistants/none"] {
        let page = desk.get(address).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.html.contains("There is no such"), "{address}");
    }
}

#[tokio::test]
async fn a_handoff_in_doubt_is_decided_once_with_a_reason_and_the_pages_token() {
    let desk = Desk::signed_in(Plan::Total).await;
    let doubt = HandoffState::InDoubt {
        attempt: 1,
        since: at(4),
        look_at: at(60),
        looks: 3,
        cause: "lost".to_owned(),
        dead_letter: true,
    };
    let (_, receipt) = story(&desk, doubt).await;
    let page = desk.get(&receipt).await;
    let csrf = page.hidden("csrf");
    let give_up = |csrf: &str, reason: &str| {
        let fields = [("csrf", csrf), ("decision", "give-up"), ("reason", reason)];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |fields: &[(String, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        desk.send(&receipt, &fields).await
    };
    assert_eq!(send(&give_up("another", "gone")).await.status, StatusCode::FORBIDDEN);
    let silent = send(&give_up(&csrf, "  ")).await;
    assert_eq!(silent.status, StatusCode::CONFLICT);
    assert!(silent.html.contains("Nothing was changed: say in 1 to 200 characters"), "{}", silent.html);
    let look = desk.send(&receipt, &[("csrf", &csrf), ("decision", "look")]).await;
    assert_eq!(look.status, StatusCode::SEE_OTHER);
    assert!(desk.get(look.to()).await.html.contains("The platform is being asked now"));
    let done = send(&give_up(&csrf, &format!("no ticket {EVIL}"))).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = desk.get(done.to()).await;
    assert!(page.html.contains("given up by admin: no ticket &#60;script&#62;"), "{}", page.html);
    assert!(!page.html.contains("name=\"decision\""), "nothing is left to decide");
    let again = send(&give_up(&csrf, "again")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html.contains("only one in doubt"), "{}", again.html);
}

#[tokio::test]
async fn a_failed_handoff_is_tried_again_once_while_the_assistant_has_the_chat() {
    let desk = Desk::signed_in(Plan::Total).await;
    let (_, receipt) =
        story(&desk, HandoffState::Failed { reason: "refused".to_owned(), at: at(5), nobody_there: false })
            .await;
    let page = desk.get(&receipt).await;
    assert!(page.html.contains("Hand off again"), "{}", page.html);
    let csrf = page.hidden("csrf");
    let address = format!("{receipt}/replay");
    let send = async |csrf: &str| desk.send(&address, &[("csrf", csrf), ("connection", "zd")]).await;
    assert_eq!(send("another").await.status, StatusCode::FORBIDDEN);
    let done = send(&csrf).await;
    // The person of this story has no session, so nobody can hand them off from here.
    assert_eq!(done.status, StatusCode::CONFLICT);
    assert!(done.html.contains("Nothing was done: the chat is not with the assistant"), "{}", done.html);
}
