//! Chats of other channels reach an open channel through the connector, once, whatever goes wrong.

use handoff_sdk::{
    Advice, Connector, ConnectorError,
    model::{
        Content, HandoffKey, Person, Route, Timestamp,
        connector::{
            EventKind, Find, Forward, Found, PlatformEvent, Receive, Speaker, TranscriptMessage, Transfer,
            Transferred, Withdraw,
        },
    },
};
use serde_json::{Value, json};

use crate::world::{World, bare};

pub(crate) const CLIENT_ID: &str = "local.65f0c0ffee0001.12345678";

/// A portal on which the local application is installed and its connector is on line 30.
pub(crate) async fn connected(flags: &str) -> World {
    let settings = json!({ "webhook_user_id": 0, "client_id": CLIENT_ID, "native": false, "line": 30 });
    let mut world = bare(flags, settings).await;
    world.sim("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [103] })).await;
    world.install().await;
    world.sim("app/install", json!({ "handler": world.webhook_url })).await;
    let body = world.body().await;
    assert!(take(&world, &body).await.unwrap().is_empty());
    world
}

/// What the connector makes of a request.
pub(crate) async fn take(world: &World, body: &str) -> Result<Vec<PlatformEvent>, ConnectorError> {
    let request = Receive {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: Default::default(),
        body: body.to_owned(),
        at: Timestamp(1),
    };
    Ok(world.bitrix24.receive(&world.host.cx(), request).await?.events)
}

fn said(seq: u64, speaker: Speaker, text: &str) -> TranscriptMessage {
    let name = if speaker == Speaker::Person { "Ann Lee 3rd" } else { "Ada" };
    let at = Timestamp(1_789_551_000_000);
    TranscriptMessage { seq, speaker, name: name.into(), content: Content::text(text), at }
}

pub(crate) fn leaving(key: &str, options: Value) -> Transfer {
    Transfer {
        key: HandoffKey::new(key),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        person: Person { id: "visitor-7f3a".into(), name: Some("Ann Lee 3rd".into()), ..Person::default() },
        transcript: vec![said(1, Speaker::Person, "hi [b]"), said(2, Speaker::Assistant, "**Hello**")],
        options,
        checkpoint: None,
    }
}

fn words(transfer: &Transfer, done: &Transferred, seq: u64, text: &str, maybe_sent: bool) -> Forward {
    Forward {
        handoff: transfer.key.clone(),
        ticket: done.ticket.clone(),
        checkpoint: transfer.checkpoint.clone(),
        person: transfer.person.clone(),
        seq,
        content: Content::text(text),
        maybe_sent,
    }
}

/// What the customer is seen to have said, as the operators see it.
pub(crate) async fn customer_said(world: &World) -> Vec<String> {
    let chat = world.chat().await;
    let lines = chat["messages"].as_array().unwrap().clone();
    let of_customer = lines.iter().filter(|line| line["author"] == "customer");
    of_customer.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

/// Does what the host does with a transfer, until it is done: after a lost answer it looks first.
async fn hand_over(world: &World, mut transfer: Transfer) -> (Transfer, Transferred, Vec<String>) {
    let mut story = Vec::new();
    for _ in 0..12 {
        match world.bitrix24.transfer(&world.host.cx(), transfer.clone()).await {
            Ok(done) => {
                transfer.checkpoint = world.host.checkpoints().pop();
                return (transfer, done, story);
            }
            Err(error) => story.push(error.to_string()),
        }
        transfer.checkpoint = world.host.checkpoints().pop().or(transfer.checkpoint);
        let asked = transfer.checkpoint.as_ref().is_some_and(|mark| mark["asked"] == true);
        if !asked {
            continue;
        }
        match world.bitrix24.find(&world.host.cx(), Find { transfer: transfer.clone() }).await {
            Ok(Found::There(done)) => return (transfer, done, story),
            Ok(Found::Partly { checkpoint, .. }) => transfer.checkpoint = Some(checkpoint),
            other => story.push(format!("{other:?}")),
        }
    }
    panic!("no end: {story:?}");
}

#[tokio::test]
async fn scenario_9_a_chat_of_ours_is_carried_with_acknowledged_edited_and_deleted_messages() {
    let mut world = connected("").await;
    let (transfer, done, story) = hand_over(&world, leaving("h1", json!({}))).await;
    assert!(story.is_empty() && done.queued, "{story:?}");
    let seen = customer_said(&world).await;
    assert!(seen[0].contains("comes from an assistant") && seen.len() == 2, "{seen:?}");
    assert!(seen[1].contains("hi [\u{200b}b]") && seen[1].contains("[b]Hello[/b]"), "{seen:?}");
    let chat = world.chat().await;
    assert_eq!((chat["requester"].as_str(), chat["fields"]["line"].as_i64()), (Some("Ann"), Some(30)));
    assert_eq!(done.ticket.chat, chat["id"].to_string());

    let sent = world
        .bitrix24
        .forward(&world.host.cx(), words(&transfer, &done, 7, "and [url]more[/url]", false))
        .await
        .unwrap();
    assert_eq!((sent.external_ids, sent.replaced), (vec!["h1.w7.0".to_owned()], None));
    assert_eq!(customer_said(&world).await[2], "and [\u{200b}url]more[\u{200b}/url]");

    let id = chat["id"].as_i64().unwrap();
    world.sim("operator/accept", json!({ "chat_id": id, "operator": 103 })).await;
    world.sim("operator/reply", json!({ "chat_id": id, "operator": 103, "text": "[b]Good[/b]\nday" })).await;
    let event = next(&mut world).await;
    assert_eq!(event.handoff, Some(HandoffKey::new("h1")));
    let EventKind::LiveAgentMessage { name, content, external_id } = event.kind else { panic!("{event:?}") };
    assert_eq!((name.as_deref(), content.text.as_str()), (Some("Maria Silva"), "Good\nday"));

    let message: i64 = external_id.parse().unwrap();
    let file = json!({ "name": "a.png", "text": "x" });
    world.sim("operator/attach", json!({ "chat_id": id, "operator": 103, "file": file })).await;
    let EventKind::LiveAgentMessage { content, .. } = next(&mut world).await.kind else { panic!("no file") };
    assert_eq!(content.attachments[0].name, "a.png");

    world.acknowledge().await;
    world.sim("operator/edit", json!({ "message_id": message, "text": "Good evening" })).await;
    let EventKind::LiveAgentMessage { content, .. } = next(&mut world).await.kind else { panic!("no edit") };
    assert_eq!(content.text, "(corrected) Good evening");
    world.sim("operator/delete", json!({ "message_id": message })).await;
    let EventKind::LiveAgentMessage { content, .. } = next(&mut world).await.kind else {
        panic!("no delete")
    };
    assert_eq!(content.text, "(a message was withdrawn)");

    world.sim("operator/close", json!({ "chat_id": id })).await;
    let closed = next(&mut world).await;
    assert!(matches!(closed.kind, EventKind::Closed { .. }), "{closed:?}");
    assert_eq!(closed.platform_session.as_deref(), done.ticket.label.as_deref());
}

/// The next event that is not ignored.
async fn next(world: &mut World) -> PlatformEvent {
    loop {
        let body = world.body().await;
        for event in take(world, &body).await.unwrap() {
            if !matches!(event.kind, EventKind::Ignored { .. }) {
                return event;
            }
        }
    }
}

#[tokio::test]
async fn no_fault_at_any_message_of_a_bridge_loses_or_doubles_it() {
    let faults = [
        json!("reset_before"),
        json!("reset_after"),
        json!("reset_mid"),
        json!("truncate"),
        json!("html"),
        json!("html_ok"),
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 429 }),
        json!({ "status": 401 }),
    ];
    for fault in &faults {
        for skip in 0..2 {
            let mut world = connected("").await;
            let fault_at = json!({ "path": "send.messages", "kind": fault, "times": 1, "skip": skip });
            world.sim("faults", json!({ "faults": [fault_at] })).await;
            let work = hand_over(&world, leaving("h1", json!({})));
            let (_, done, story) = work.await;
            let seen = customer_said(&world).await;
            let case = format!("{fault} {skip}: {story:?} {seen:?} {:?}", done.remarks);
            // Only the very first line may be there twice, and then says so.
            let repeated = seen.iter().filter(|line| line.starts_with("(perhaps repeated)")).count();
            assert_eq!(seen.iter().filter(|line| line.contains("Hello")).count(), 1, "{case}");
            let firsts = seen.iter().filter(|line| line.contains("comes from an assistant")).count();
            assert!(firsts == 1 || (firsts == 2 && repeated == 1 && skip == 0), "{case}");
            assert_eq!(repeated > 0, done.remarks.iter().any(|remark| remark.contains("twice")), "{case}");
            assert_eq!(seen.len(), firsts + 1, "{case}");
            let chat = world.chat().await;
            assert_eq!(chat["sessions"].as_array().map(Vec::len), Some(1), "{case}");
            drop(world.body().await);
        }
    }
}

#[tokio::test]
async fn the_event_of_a_dialog_tells_where_a_lost_first_line_is() {
    let mut world = connected("").await;
    world.sim("method/fail_after", json!({ "method": "imconnector.send.messages", "times": 1 })).await;
    let transfer = leaving("h1", json!({}));
    let lost = world.bitrix24.transfer(&world.host.cx(), transfer.clone()).await.unwrap_err();
    assert_eq!(lost.advice(), Advice::LookFirst);
    let body = world.body().await;
    assert!(body.contains("ONIMCONNECTORDIALOGSTART"), "{body}");
    take(&world, &body).await.unwrap();
    let transfer = Transfer { checkpoint: world.host.checkpoints().pop(), ..transfer };
    let found = world.bitrix24.find(&world.host.cx(), Find { transfer: transfer.clone() }).await.unwrap();
    let Found::Partly { checkpoint, safe_now, unseen: false, .. } = found else { panic!("{found:?}") };
    assert!(safe_now && checkpoint["next"] == 1, "{checkpoint}");
    hand_over(&world, Transfer { checkpoint: Some(checkpoint), ..transfer }).await;
    assert_eq!(customer_said(&world).await.len(), 2, "nothing is there twice");
}

/// Its answer was lost, no event told of the dialog, and the line cannot be repeated: live agents may have it.
#[tokio::test]
async fn p1_a_first_line_that_nobody_told_of_may_be_with_live_agents_until_its_place_is_known() {
    let world = connected("").await;
    world.sim("method/fail_after", json!({ "method": "imconnector.send.messages", "times": 1 })).await;
    let mut transfer = leaving("h1", json!({}));
    world.bitrix24.transfer(&world.host.cx(), transfer.clone()).await.unwrap_err();
    transfer.checkpoint = world.host.checkpoints().pop();
    for _ in 0..2 {
        let found = world.bitrix24.find(&world.host.cx(), Find { transfer: transfer.clone() }).await.unwrap();
        let Found::Partly { checkpoint, held: false, unseen: true, .. } = found else { panic!("{found:?}") };
        transfer.checkpoint = Some(checkpoint);
        world.sim("connector/refuse", json!({ "times": 1 })).await;
        let refused = world.bitrix24.transfer(&world.host.cx(), transfer.clone()).await.unwrap_err();
        assert_eq!(refused.advice(), Advice::GiveUp, "{refused}");
        transfer.checkpoint = world.host.checkpoints().pop();
    }
    hand_over(&world, transfer).await;
    let seen = customer_said(&world).await;
    assert_eq!(seen.iter().filter(|line| line.starts_with("(perhaps repeated)")).count(), 1, "{seen:?}");
}

/// As after a restore: where the chat is has been forgotten, and the checkpoint with it.
#[tokio::test]
async fn p3_a_transcript_is_not_sent_again_where_a_repeated_first_line_finds_it() {
    let world = connected("").await;
    let (transfer, ..) = hand_over(&world, leaving("h1", json!({}))).await;
    let cx = world.host.cx();
    let place = cx.kept("place/h1").await.unwrap().unwrap();
    assert!(cx.swap("place/h1", place.version, &Value::Null).await.unwrap());
    let transfer = Transfer { checkpoint: None, ..transfer };
    let found = world.bitrix24.find(&cx, Find { transfer: transfer.clone() }).await.unwrap();
    let Found::Partly { checkpoint, safe_now: false, .. } = found else { panic!("{found:?}") };
    hand_over(&world, Transfer { checkpoint: Some(checkpoint), ..transfer }).await;
    let seen = customer_said(&world).await;
    assert_eq!(seen.iter().filter(|line| line.starts_with("(perhaps repeated)")).count(), 1, "{seen:?}");
    assert_eq!(seen.iter().filter(|line| line.contains("Hello")).count(), 1, "{seen:?}");
}

#[tokio::test]
async fn words_whose_answer_was_lost_are_looked_up_before_they_are_sent_again() {
    let world = connected("").await;
    let (transfer, done, _) = hand_over(&world, leaving("h1", json!({}))).await;
    world.sim("method/fail_after", json!({ "method": "imconnector.send.messages", "times": 1 })).await;
    let forward = words(&transfer, &done, 9, "once", false);
    let lost = world.bitrix24.forward(&world.host.cx(), forward.clone()).await.unwrap_err();
    assert_eq!(lost.advice(), Advice::LookFirst);
    let again = Forward { maybe_sent: true, ..forward };
    world.bitrix24.forward(&world.host.cx(), again.clone()).await.unwrap();
    world.bitrix24.forward(&world.host.cx(), again).await.unwrap();
    let seen = customer_said(&world).await;
    assert_eq!(seen.iter().filter(|line| *line == "once").count(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_success_whose_only_message_failed_is_a_refusal() {
    let world = connected("").await;
    world.sim("connector/refuse", json!({ "times": 1 })).await;
    let refused = world.bitrix24.transfer(&world.host.cx(), leaving("h1", json!({}))).await.unwrap_err();
    assert!(matches!(&refused, ConnectorError::Refused { detail } if detail.contains("could not be saved")));
}

#[tokio::test]
async fn a_channel_that_is_off_keeps_words_waiting_and_is_named_by_the_check() {
    let mut world = connected("").await;
    let (transfer, done, _) = hand_over(&world, leaving("h1", json!({}))).await;
    world.sim("connector/off", json!({ "connector": "handoff", "line": 30 })).await;
    let waits = world.bitrix24.forward(&world.host.cx(), words(&transfer, &done, 3, "there?", false)).await;
    assert_eq!(waits.unwrap_err().advice(), Advice::Retry);
    let found = world.bitrix24.check(&world.host.cx()).await.unwrap().findings;
    assert!(found.iter().any(|finding| finding.problem.contains("not switched on")), "{found:?}");
    world.sim("connector/open", json!({ "connector": "handoff", "line": 30 })).await;
    loop {
        let body = world.body().await;
        if body.contains("PLACEMENT") {
            take(&world, &body).await.unwrap();
            break;
        }
        take(&world, &body).await.unwrap();
    }
    world.bitrix24.forward(&world.host.cx(), words(&transfer, &done, 3, "there?", false)).await.unwrap();
    assert_eq!(world.bitrix24.check(&world.host.cx()).await.unwrap().findings, []);
    world.sim("line/delete", json!({ "line": 30 })).await;
    let body = world.body().await;
    assert!(body.contains("&data=30&"), "a bare number: {body}");
    assert!(matches!(take(&world, &body).await.unwrap()[0].kind, EventKind::Ignored { .. }));
}

#[tokio::test]
async fn a_chosen_person_is_asked_and_a_wrong_one_leaves_the_chat_with_the_queue() {
    for (user, expected, remarks) in [(27, json!([27]), 0), (4711, json!([103]), 1)] {
        let world = connected("").await;
        let (_, done, _) = hand_over(&world, leaving("h1", json!({ "user": user }))).await;
        let chat = world.chat().await;
        assert_eq!(chat["fields"]["offered_to"], expected, "{user}");
        assert_eq!(done.remarks.len(), remarks, "{:?}", done.remarks);
    }
}

#[tokio::test]
async fn the_receipt_names_what_the_channel_made_in_the_crm() {
    let world = connected("").await;
    world.sim("line", json!({ "id": 30, "fields": { "CRM": "Y", "CRM_CREATE": "deal" } })).await;
    let (_, done, _) = hand_over(&world, leaving("h1", json!({}))).await;
    assert!(done.remarks.iter().any(|remark| remark.starts_with("linked in the CRM with deal ")), "{done:?}");
}

#[tokio::test]
async fn a_refused_chat_is_finished_where_it_was_left() {
    let world = connected("").await;
    let (transfer, ..) = hand_over(&world, leaving("h1", json!({}))).await;
    let withdrawn = world.bitrix24.withdraw(&world.host.cx(), Withdraw { transfer }).await.unwrap();
    assert!(withdrawn.remarks[0].contains("was finished"), "{withdrawn:?}");
    assert_eq!(world.chat().await["status"], "closed");
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_call_repeated() {
    let world = connected("").await;
    world.sim("tokens/expire", json!({})).await;
    hand_over(&world, leaving("h1", json!({}))).await;
    assert_eq!(world.look("inspect").await["tokens"], json!({ "refreshes": 1, "refusals": 0 }));
    assert_eq!(customer_said(&world).await.len(), 2);
}

#[tokio::test]
async fn a_forged_or_foreign_installation_changes_nothing() {
    let world = connected("").await;
    let install = |token: &str, domain: &str, member: &str| {
        format!(
            "event=ONAPPINSTALL&data[VERSION]=1&auth[access_token]={token}&auth[refresh_token]=RT\
             &auth[client_endpoint]=http://{domain}/rest/&auth[member_id]={member}&auth[application_token]=EVIL"
        )
    };
    let host = world.base.trim_start_matches("http://");
    let member = world.look("inspect").await["portal"]["member_id"].as_str().unwrap().to_owned();
    for body in [
        install("nothing", host, &member),
        install("simulatedaccesstoken", "evil.eu", &member),
        install("simulatedaccesstoken", host, "OTHER"),
        install("", host, &member),
    ] {
        let refused = take(&world, &body).await.unwrap_err();
        assert!(matches!(refused, ConnectorError::Unverified { .. }), "{body}: {refused}");
    }
    hand_over(&world, leaving("h1", json!({}))).await;
}

#[tokio::test]
async fn a_removed_application_is_named_and_comes_back_with_its_next_installation() {
    let mut world = connected("").await;
    world.sim("app/uninstall", json!({})).await;
    let body = world.body().await;
    assert!(body.contains("ONAPPUNINSTALL"), "{body}");
    take(&world, &body).await.unwrap();
    let refused = world.bitrix24.transfer(&world.host.cx(), leaving("h1", json!({}))).await.unwrap_err();
    assert_eq!(refused.advice(), Advice::Reauthorise);
    let found = world.bitrix24.check(&world.host.cx()).await.unwrap().findings;
    assert!(found[0].problem.contains("removed"), "{found:?}");
    world.sim("app/install", json!({ "handler": world.webhook_url })).await;
    let body = world.body().await;
    take(&world, &body).await.unwrap();
    hand_over(&world, leaving("h1", json!({}))).await;
    assert_eq!(world.look("inspect").await["bindings"].as_array().map(Vec::len), Some(8), "bound again");
}

#[tokio::test]
async fn a_half_installed_application_and_missing_permissions_are_named() {
    let world = connected("").await;
    world.sim("settings", json!({ "installed": false })).await;
    let found = world.bitrix24.check(&world.host.cx()).await.unwrap().findings;
    assert!(found[0].problem.contains("never finished"), "{found:?}");
    world.sim("settings", json!({ "installed": true, "scope": "imopenlines,user" })).await;
    let found = world.bitrix24.check(&world.host.cx()).await.unwrap().findings;
    assert!(found[0].problem.contains("imconnector, im"), "{found:?}");
}

#[tokio::test]
async fn scenario_10_what_our_own_bot_says_in_a_bridged_chat_is_no_news() {
    let world = connected("").await;
    hand_over(&world, leaving("h1", json!({}))).await;
    let chat = world.chat().await["id"].clone();
    let cx = world.host.cx();
    assert!(cx.swap("bot", 0, &json!({ "id": 456, "registered": "" })).await.unwrap());
    let token = crate::world::SECRETS[2].1;
    let host = world.base.trim_start_matches("http://");
    let body = |user: &str| {
        format!(
            "event=ONIMCONNECTORMESSAGEADD&data[CONNECTOR]=handoff&data[LINE]=30&data[MESSAGES][0][im][chat_id]={chat}\
             &data[MESSAGES][0][im][message_id]=9&data[MESSAGES][0][message][user_id]={user}\
             &data[MESSAGES][0][message][text]=hi&data[MESSAGES][0][chat][id]=h1&auth[domain]={host}\
             &auth[application_token]={token}"
        )
    };
    let own = take(&world, &body("456")).await.unwrap();
    assert!(matches!(own[0].kind, EventKind::Ignored { .. }), "{own:?}");
    let automatic = take(&world, &body("0")).await.unwrap();
    assert!(matches!(&automatic[0].kind, EventKind::LiveAgentMessage { name: None, .. }), "{automatic:?}");
}
