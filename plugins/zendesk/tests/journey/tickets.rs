//! The ticket route: one ticket with what was said, whatever goes wrong.

use std::{sync::Arc, time::Duration};

use handoff_sdk::{
    Advice, Connector, ConnectorError,
    model::{
        Content, Person, Route, TicketRef,
        connector::{Find, Forward, Found, Transfer, Withdraw},
    },
};
use serde_json::{Value, json};

use crate::stage::{Node, Stage, person, transfer};

/// The transcript as the team reads it.
const COMMENT: &str = "Name: Ann\nE-mail: ann@example.org\n\nAnn (1970-01-01 00:00 UTC):\nWhere is my parcel?\n\n\
     Helper (1970-01-01 00:00 UTC):\nWhich number?\n\nAnn (1970-01-01 00:00 UTC):\n12\n\n\
     Helper (1970-01-01 00:00 UTC):\nI pass you on.\n\nAnn (1970-01-01 00:00 UTC):\nThanks";

fn settings(stage: &Stage) -> Value {
    let mut settings = stage.settings();
    settings["support_user"] = json!("admin@example.org");
    settings
}

fn node(stage: &Stage) -> Node {
    stage.node_with(settings(stage), Duration::from_secs(20))
}

fn hasty_node(stage: &Stage) -> Node {
    stage.node_with(settings(stage), Duration::from_millis(400))
}

fn ticket(key: &str) -> Transfer {
    Transfer { route: Route::Ticket, ..transfer(key) }
}

fn with(options: Value) -> Transfer {
    Transfer { options, ..ticket("h1") }
}

/// Tickets of a handoff, as live agents see them.
async fn tickets(stage: &Stage, key: &str) -> Vec<Value> {
    let seen = stage.inspect().await;
    let chats = seen["live_agent"]["chats"].as_array().unwrap().clone();
    chats.into_iter().filter(|chat| chat["external_id"] == format!("handoff:{key}")).collect()
}

async fn assert_one(stage: &Stage, context: &str) -> Value {
    let mut tickets = tickets(stage, "h1").await;
    assert_eq!(tickets.len(), 1, "{context}: {tickets:#?}");
    let ticket = tickets.remove(0);
    let comments = ticket["messages"].as_array().unwrap();
    assert_eq!(comments.len(), 1, "{context}: {ticket:#}");
    assert_eq!((&comments[0]["text"], &comments[0]["public"]), (&json!(COMMENT), &json!(false)), "{context}");
    ticket
}

#[tokio::test]
async fn a_ticket_holds_what_was_said_and_what_the_author_chose() {
    let stage = Stage::start(&[]).await;
    let chosen = with(json!({
        "tags": ["from chat"], "priority": "High", "type": "question", "group": 98738, "subject": "Parcel 12",
        "fields": { "360": "refund", "361": true, "362": ["a", "b"], "363": 7, "number": 1 },
        "line": "an option of another platform",
    }));
    let done = node(&stage).hand_over(&stage, &chosen).await;
    let ticket = assert_one(&stage, "at first").await;
    assert_eq!(done.ticket.chat, ticket["ticket"].to_string());
    assert_eq!(done.ticket.label, Some(format!("#{}", ticket["ticket"])));
    assert_eq!(done.ticket.url, Some(format!("{}/agent/tickets/{}", stage.base, ticket["ticket"])));
    assert!(done.remarks.iter().any(|remark| remark.contains("\"number\"")), "{:?}", done.remarks);
    for (member, expected) in [
        ("subject", json!("Parcel 12")),
        ("priority", json!("high")),
        ("tags", json!(["handoff", "from_chat"])),
        ("group", json!(98738)),
        ("fields", json!({ "360": "refund", "361": true, "362": ["a", "b"], "363": 7 })),
    ] {
        assert_eq!(ticket[member], expected, "{member}");
    }
    assert_eq!(ticket["requester"]["email"], "ann@example.org");
    // Once more, as after a restore: the ticket is found, not made.
    node(&stage).hand_over(&stage, &chosen).await;
    assert_one(&stage, "again").await;
}

#[tokio::test]
async fn a_person_without_an_address_is_named_in_the_ticket() {
    let stage = Stage::start(&[]).await;
    let nameless = Transfer { person: Person { id: "p".into(), ..Person::default() }, ..ticket("h1") };
    let done = node(&stage).hand_over(&stage, &nameless).await;
    assert!(done.remarks.iter().any(|remark| remark.contains("e-mail")), "{:?}", done.remarks);
    let address = Person { name: None, email: Some("bob@example.org".into()), ..person() };
    node(&stage).hand_over(&stage, &Transfer { person: address, ..ticket("h2") }).await;
    assert_eq!(tickets(&stage, "h2").await[0]["requester"]["name"], "bob");
}

async fn undisturbed(stage: &Stage) -> usize {
    let before = stage.requests().await;
    node(stage).hand_over(stage, &ticket("h1")).await;
    let count = stage.requests().await - before;
    stage.reset().await;
    count
}

async fn each_request_meets(kinds: &[Value], node: fn(&Stage) -> Node) {
    let stage = Stage::start(&[]).await;
    let count = undisturbed(&stage).await;
    for kind in kinds {
        for n in 0..count {
            stage.fault(n, kind.clone()).await;
            node(&stage).hand_over(&stage, &ticket("h1")).await;
            stage.settle().await;
            assert_one(&stage, &format!("{kind} at request {n}")).await;
            stage.reset().await;
        }
    }
}

#[tokio::test]
async fn whatever_one_request_meets_one_ticket_is_made() {
    let kinds =
        [json!({ "status": 429, "retry_after": 1 }), json!({ "status": 503 }), json!({ "status": 500 })];
    each_request_meets(&kinds, node).await;
    let kinds = ["html", "html_ok", "reset_before", "reset_after", "reset_mid", "truncate"];
    each_request_meets(&kinds.map(|kind| json!(kind)), node).await;
}

#[tokio::test]
async fn an_answer_that_comes_late_or_never_makes_no_second_ticket() {
    each_request_meets(&["hang", "hang_after", "hold", "hold_after"].map(|kind| json!(kind)), hasty_node)
        .await;
}

#[tokio::test]
async fn a_server_that_dies_around_the_request_is_replaced() {
    let stage = Stage::start(&[]).await;
    let count = undisturbed(&stage).await;
    for after in [false, true] {
        for n in 0..count {
            let (dead, stopped) = stage.mortal_node_with(settings(&stage), n, after);
            let cx = dead.host.cx();
            tokio::select! {
                done = dead.zendesk.transfer(&cx, ticket("h1")) => panic!("request {n} was not made: {done:?}"),
                () = stopped.notified() => {}
            }
            let (next, mut chat) = (node(&stage), ticket("h1"));
            if let Err(from) = next.look(&stage, &chat, dead.left()).await {
                chat.checkpoint = from;
                next.hand_over(&stage, &chat).await;
            }
            assert_one(&stage, &format!("died at request {n}, after: {after}")).await;
            stage.reset().await;
        }
    }
}

#[tokio::test]
async fn within_two_hours_the_key_finds_the_ticket_and_after_that_its_external_id() {
    for (hours, lookups) in [(1, 0), (3, 1)] {
        let stage = Stage::start(&[]).await;
        stage.fault(0, json!("reset_after")).await;
        let node = node(&stage);
        let error = node.zendesk.transfer(&node.host.cx(), ticket("h1")).await.unwrap_err();
        assert!(matches!(error, ConnectorError::Lost { .. }), "{error}");
        node.host.advance(hours * 3_600_000);
        let again = Transfer { checkpoint: node.left(), ..ticket("h1") };
        node.zendesk.transfer(&node.host.cx(), again).await.unwrap();
        assert_one(&stage, &format!("after {hours} hours")).await;
        let requests = stage.look("requests").await;
        let looked = requests.as_array().unwrap().iter().filter(|request| request["method"] == "GET").count();
        assert_eq!(looked, lookups, "after {hours} hours");
    }
}

#[tokio::test]
async fn a_key_that_zendesk_forgot_is_not_used_before_a_look() {
    // Two hours pass on the platform in a second.
    let stage = Stage::start(&["--clock-factor", "7200"]).await;
    stage.fault(0, json!("reset_after")).await;
    let node = node(&stage);
    node.zendesk.transfer(&node.host.cx(), ticket("h1")).await.unwrap_err();
    node.host.advance(3 * 3_600_000);
    // The platform's own clock says when the key is forgotten.
    let began = stage.inspect().await["now_ms"].as_i64().unwrap();
    while stage.inspect().await["now_ms"].as_i64().unwrap() < began + 2 * 3_600_000 {
        tokio::task::yield_now().await;
    }
    let again = Transfer { checkpoint: node.left(), ..ticket("h1") };
    node.zendesk.transfer(&node.host.cx(), again).await.unwrap();
    assert_one(&stage, "after the key was forgotten").await;
}

#[tokio::test]
async fn a_key_that_was_used_for_another_body_makes_no_second_ticket() {
    let stage = Stage::start(&[]).await;
    let node = node(&stage);
    node.hand_over(&stage, &ticket("h1")).await;
    // The data was put back from a backup, and the author chose something else since.
    let other = with(json!({ "subject": "Other" }));
    let error = node.zendesk.transfer(&node.host.cx(), other.clone()).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Lost { .. }), "{error}");
    let find = Find { transfer: Transfer { checkpoint: node.left(), ..other } };
    let found = node.zendesk.find(&node.host.cx(), find).await.unwrap();
    assert!(matches!(found, Found::There(_)), "{found:?}");
    assert_one(&stage, "another body").await;
}

#[tokio::test]
async fn a_field_that_zendesk_refuses_is_left_out_and_said() {
    let stage = Stage::start(&["--custom-fields", "360"]).await;
    let chosen = with(json!({ "fields": { "360": "refund", "999": "x", "998": "y" } }));
    let done = node(&stage).hand_over(&stage, &chosen).await;
    let made = assert_one(&stage, "two unknown fields").await;
    assert_eq!(made["fields"], json!({ "360": "refund" }));
    for field in ["999", "998"] {
        let said = |remark: &String| remark.contains(&format!("custom field {field}"));
        assert!(done.remarks.iter().any(said), "{field}: {:?}", done.remarks);
    }
    // A body that was refused is changed; its key is not used again.
    let requests = stage.look("requests").await;
    let posts: Vec<_> =
        requests.as_array().unwrap().iter().filter(|request| request["method"] == "POST").collect();
    assert_eq!(posts.len(), 3, "{posts:#?}");
}

#[tokio::test]
async fn a_refusal_that_names_nothing_costs_the_fields_and_not_the_ticket() {
    let stage = Stage::start(&[]).await;
    let refusal = json!({ "error": "RecordInvalid", "details": { "base": [{ "description": "No." }] } });
    let fault = json!({ "status": 422, "body": refusal.to_string() });
    stage.fault(0, fault.clone()).await;
    let done = node(&stage).hand_over(&stage, &with(json!({ "priority": "high" }))).await;
    let made = assert_one(&stage, "one refusal").await;
    assert_eq!((&made["priority"], &made["requester"]["email"]), (&Value::Null, &json!("ann@example.org")));
    assert!(done.remarks.iter().any(|remark| remark.contains("priority") && remark.contains("No.")));
    stage.reset().await;
    let always = json!({ "times": 99, "kind": fault });
    stage.control("faults", json!({ "faults": [always] })).await;
    let node = node(&stage);
    let error = node.zendesk.transfer(&node.host.cx(), ticket("h1")).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Refused { detail } if detail.contains("No.")), "{error}");
}

#[tokio::test]
async fn a_long_chat_is_attached_as_a_file() {
    let stage = Stage::start(&[]).await;
    let mut long = ticket("h1");
    long.transcript[0].content = Content::text("\u{1F600} parcel ".repeat(6_000));
    node(&stage).hand_over(&stage, &long).await;
    node(&stage)
        .hand_over(&stage, &Transfer { options: json!({ "transcript": "file" }), ..ticket("h2") })
        .await;
    for key in ["h1", "h2"] {
        let tickets = tickets(&stage, key).await;
        let comment = &tickets[0]["messages"][0];
        assert_eq!(comment["files"].as_array().map(Vec::len), Some(1), "{comment:#}");
        assert!(comment["text"].as_str().unwrap().ends_with("Thanks"), "{comment:#}");
    }
}

#[tokio::test]
async fn an_upload_that_expired_is_made_again() {
    let stage = Stage::start(&[]).await;
    // The ticket is refused for a while; an upload is good for an hour.
    let expired = json!({ "error": "RecordInvalid", "details": { "base": [{ "description": "Attachment: token is invalid or expired" }] } });
    let fault = json!({ "path": "/tickets", "kind": { "status": 422, "body": expired.to_string() } });
    stage.control("faults", json!({ "faults": [fault] })).await;
    let file = Transfer { options: json!({ "transcript": "file", "priority": "high" }), ..ticket("h1") };
    node(&stage).hand_over(&stage, &file).await;
    let tickets = tickets(&stage, "h1").await;
    assert_eq!((tickets.len(), &tickets[0]["priority"]), (1, &json!("high")));
}

#[tokio::test]
async fn an_oauth_client_signs_in_and_again_when_its_token_is_refused() {
    let stage = Stage::start(&[]).await;
    let mut settings = stage.settings();
    settings["support_client"] = json!("sim-oauth-client");
    let node = stage.node_with(settings, Duration::from_secs(20));
    node.hand_over(&stage, &ticket("h1")).await;
    assert_one(&stage, "the first token").await;
    let refused = json!({ "path": "/api/v2", "kind": { "status": 401 } });
    stage.control("faults", json!({ "faults": [refused] })).await;
    node.hand_over(&stage, &ticket("h2")).await;
    node.hand_over(&stage, &ticket("h3")).await;
    let requests = stage.look("requests").await;
    let asked = |request: &&Value| request["path"].as_str().unwrap().contains("/oauth/tokens");
    assert_eq!(requests.as_array().unwrap().iter().filter(asked).count(), 2, "one token, and one more");
}

#[tokio::test]
async fn wrong_credentials_are_said_and_make_nothing() {
    let stage = Stage::start(&["--support-token", "another"]).await;
    let node = node(&stage);
    let error = node.zendesk.transfer(&node.host.cx(), ticket("h1")).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Unauthorised { .. }), "{error}");
    let without = stage.node();
    let error = without.zendesk.transfer(&without.host.cx(), ticket("h1")).await.unwrap_err();
    assert!(
        matches!(&error, ConnectorError::Refused { detail } if detail.contains("support_client")),
        "{error}"
    );
}

#[tokio::test]
async fn words_from_during_the_transfer_become_remarks_once() {
    let stage = Stage::start(&[]).await;
    let node = node(&stage);
    let done = node.hand_over(&stage, &ticket("h1")).await;
    let words = |seq: u64, text: &str, maybe_sent: bool| Forward {
        handoff: ticket("h1").key,
        ticket: TicketRef { ..done.ticket.clone() },
        checkpoint: node.left(),
        person: person(),
        seq,
        content: Content::text(text),
        maybe_sent,
    };
    for (seq, text, maybe) in
        [(6, "And {{ticket.id}}?", false), (6, "And {{ticket.id}}?", true), (7, "Hello?", true)]
    {
        node.zendesk.forward(&node.host.cx(), words(seq, text, maybe)).await.unwrap();
    }
    let tickets = tickets(&stage, "h1").await;
    let texts: Vec<_> =
        tickets[0]["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts[1].ends_with("And { {ticket.id}}?") && texts[2].ends_with("Hello?"), "{texts:#?}");
    assert!(tickets[0]["messages"].as_array().unwrap().iter().all(|m| m["public"] == false));
}

#[tokio::test]
async fn p3_a_remark_that_is_still_under_way_is_waited_for_before_it_is_made_again() {
    let stage = Arc::new(Stage::start(&[]).await);
    let (hasty, patient) = (hasty_node(&stage), stage.node_with_late_effects(settings(&stage), 2));
    let done = hasty.hand_over(&stage, &ticket("h1")).await;
    let words = |maybe_sent: bool| Forward {
        handoff: ticket("h1").key,
        ticket: TicketRef { ..done.ticket.clone() },
        checkpoint: hasty.left(),
        person: person(),
        seq: 6,
        content: Content::text("once"),
        maybe_sent,
    };
    let fault = json!({ "method": "PUT", "path": "/tickets/", "times": 1, "kind": "hold" });
    stage.control("faults", json!({ "faults": [fault] })).await;
    let lost = hasty.zendesk.forward(&hasty.host.cx(), words(false)).await.unwrap_err();
    assert_eq!(lost.advice(), Advice::LookFirst, "{lost}");
    patient.zendesk.forward(&patient.host.cx(), words(true)).await.unwrap();
    stage.settle().await;
    let tickets = tickets(&stage, "h1").await;
    let texts = tickets[0]["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str());
    assert_eq!(texts.filter(|text| text.ends_with("once")).count(), 1, "{tickets:#?}");
}

#[tokio::test]
async fn a_ticket_of_a_handoff_that_failed_is_solved_with_a_remark() {
    let stage = Stage::start(&[]).await;
    let node = node(&stage);
    let nothing = node.zendesk.withdraw(&node.host.cx(), Withdraw { transfer: ticket("h1") }).await.unwrap();
    assert!(nothing.remarks[0].contains("no ticket"), "{nothing:?}");
    node.hand_over(&stage, &ticket("h1")).await;
    node.zendesk.withdraw(&node.host.cx(), Withdraw { transfer: ticket("h1") }).await.unwrap();
    let tickets = tickets(&stage, "h1").await;
    assert_eq!(tickets[0]["status"], "solved");
    assert!(tickets[0]["messages"][1]["text"].as_str().unwrap().contains("nothing to answer"));
}
