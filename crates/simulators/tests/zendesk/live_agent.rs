//! The live agent's day: replies, files, solving, closing, and customers on a native channel.

use serde_json::{Value, json};

use crate::harness::Sim;

#[tokio::test]
async fn what_the_agent_writes_reaches_the_pending_bridge() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.handed_over().await;
    sim.script("/agent/accept", json!({ "conversation": conversation })).await;
    sim.script("/agent/typing", json!({ "conversation": conversation })).await;
    sim.script("/agent/reply", json!({ "conversation": conversation, "text": "Hi, Maria here" })).await;
    let said =
        sim.ear.event("conversation:message", |p| p["message"]["content"]["text"] == "Hi, Maria here").await;
    let message = &said["payload"]["message"];
    assert_eq!(message["source"]["type"], "zd:agentWorkspace");
    assert_eq!(
        message["author"],
        json!({ "type": "business", "displayName": "Maria", "subtypes": ["agent"] })
    );
    assert_eq!(message["metadata"]["__zendesk_msg.agent.id"], "901234567");
    assert_eq!(said["payload"]["conversation"]["pendingSwitchboardIntegration"]["name"], "handoff");
    sim.ear.event("conversation:typing", |p| p["activity"]["author"]["displayName"] == "Maria").await;

    let chat = sim.chat(&conversation).await;
    assert_eq!((&chat["assigned_to"], &chat["status"]), (&json!("Maria"), &json!("open")));
    let authors: Vec<&str> =
        chat["messages"].as_array().unwrap().iter().map(|m| m["author"].as_str().unwrap()).collect();
    assert_eq!(authors, ["customer", "live_agent"]);
    sim.script("/agent/automatic", json!({ "conversation": conversation, "text": "We are busy" })).await;
    sim.ear
        .event("conversation:message", |p| p["message"]["metadata"]["__zendesk_msg.agent.id"] == "__trigger")
        .await;
}

#[tokio::test]
async fn a_file_of_the_agent_is_private() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.handed_over().await;
    let file = |kind: &str| {
        json!({
            "conversation": conversation, "file_name": "bill.bin", "content_base64": "cGl4ZWxz", "media_type": kind,
        })
    };
    sim.script("/agent/attach", file("application/pdf")).await;
    sim.script("/agent/attach", file("image/png")).await;
    let sent = sim.ear.event("conversation:message", |p| p["message"]["content"]["type"] == "file").await;
    sim.ear.event("conversation:message", |p| p["message"]["content"]["type"] == "image").await;
    let url = sent["payload"]["message"]["content"]["mediaUrl"].as_str().unwrap();
    assert_eq!(sim.client.get(url).send().await.unwrap().status(), 401);
    let (id, secret) = crate::harness::APP_KEY;
    let read = sim.client.get(url).basic_auth(id, Some(secret)).send().await.unwrap();
    assert_eq!(read.headers()["content-type"], "application/pdf");
    assert_eq!(read.bytes().await.unwrap().as_ref(), b"pixels");
    assert_eq!(sim.chat(&conversation).await["messages"][1]["files"][0]["name"], "bill.bin");
}

#[tokio::test]
async fn a_solved_ticket_is_opened_by_the_customers_next_message() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.handed_over().await;
    sim.script("/agent/solve", json!({ "conversation": conversation })).await;
    assert_eq!(sim.chat(&conversation).await["status"], "solved");
    assert_eq!(sim.control(&conversation).await.0, "zd-agentWorkspace");
    sim.user_says(&conversation, &user, "One more thing").await;
    assert_eq!(sim.chat(&conversation).await["status"], "open");
}

#[tokio::test]
async fn closing_releases_passes_on_or_leaves_control() {
    let cases = [
        ("release", "switchboard:releaseControl", ("-", "-")),
        ("pass_to_next", "switchboard:passControl", ("handoff", "-")),
        ("nothing", "", ("zd-agentWorkspace", "handoff")),
    ];
    for (on_close, event, (active, pending)) in cases {
        let sim = Sim::start(&["--agent-workspace-next", "handoff"]).await;
        let (user, conversation) = sim.handed_over().await;
        sim.script("/agent/close", json!({ "conversation": conversation, "on_close": on_close })).await;
        sim.ear.event("conversation:message", |p| p["message"]["activity"]["type"] == "ticket:closed").await;
        if !event.is_empty() {
            sim.ear.event(event, |payload| payload["reason"] == "ticketClosed").await;
        }
        assert_eq!(sim.control(&conversation).await, (active.to_owned(), pending.to_owned()), "{on_close}");
        assert_eq!(sim.chat(&conversation).await["status"], "closed");
        assert_eq!(
            sim.try_script("/agent/reply", json!({ "conversation": conversation, "text": "x" })).await.0,
            400
        );

        sim.user_says(&conversation, &user, "Are you there?").await;
        let tickets = sim.inspect().await["tickets"].as_array().unwrap().len();
        assert_eq!(tickets, if on_close == "nothing" { 2 } else { 1 }, "{on_close}");
        let expected = if on_close == "release" { "zd-answerBot" } else { active };
        assert_eq!(sim.control(&conversation).await.0, expected, "{on_close}");
    }
}

#[tokio::test]
async fn moving_to_email_ends_the_chat_and_keeps_the_ticket() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.handed_over().await;
    sim.script("/agent/transfer_email", json!({ "conversation": conversation })).await;
    sim.ear.event("switchboard:releaseControl", |payload| payload["reason"] == "transferToEmail").await;
    sim.ear
        .event("conversation:message", |p| p["message"]["activity"]["type"] == "ticket:transfer:email")
        .await;
    let chat = sim.chat(&conversation).await;
    assert_eq!((&chat["status"], &chat["by_email"]), (&json!("new"), &json!(true)));
}

#[tokio::test]
async fn an_ended_session_starts_anew_with_the_default() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.handed_over().await;
    sim.script("/agent/end", json!({ "conversation": conversation, "by": "user" })).await;
    sim.ear
        .event("conversation:message", |p| p["message"]["activity"]["type"] == "conversation:endedByUser")
        .await;
    sim.ear.event("switchboard:releaseControl", |payload| payload["reason"].is_null()).await;
    sim.user_says(&conversation, &user, "Hello again").await;
    assert_eq!(sim.control(&conversation).await.0, "zd-answerBot");
    assert_eq!(sim.seen(&conversation).await.last().unwrap(), "The conversation was ended by the user.");
}

#[tokio::test]
async fn a_customer_on_a_native_channel_meets_the_channels_responder() {
    let sim = Sim::start(&["--channel-responder", "handoff"]).await;
    let said = sim.script("/user_message", json!({ "name": "Grace", "text": "Hello" })).await;
    let conversation = said["conversation"].as_str().unwrap();
    let created = sim.ear.event("conversation:create", |_| true).await;
    assert_eq!(created["payload"]["creationReason"], "message");
    assert_eq!(created["payload"]["conversation"]["activeSwitchboardIntegration"]["name"], "handoff");
    let heard = sim.ear.event("conversation:message", |p| p["message"]["content"]["text"] == "Hello").await;
    assert_eq!(heard["payload"]["message"]["source"]["type"], "web");
    assert_eq!(heard["payload"]["message"]["author"]["user"]["authenticated"], false);

    sim.script("/user_message", json!({ "conversation": conversation, "text": "Yes", "payload": "YES" }))
        .await;
    sim.ear.event("conversation:message", |p| p["message"]["content"]["payload"] == "YES").await;
    sim.script("/postback", json!({ "conversation": conversation, "payload": "GO" })).await;
    sim.ear.event("conversation:postback", |p| p["postback"]["payload"] == "GO").await;
    let first = said["message"].as_str().unwrap();
    sim.act_with(conversation, "passControl", "zd-agentWorkspace", json!({ "first_message_id": first }))
        .await;
    assert_eq!(sim.seen(conversation).await, ["Hello", "Yes"]);
    assert_eq!(sim.chat(conversation).await["requester"]["name"], "Grace");
}

#[tokio::test]
async fn merged_users_keep_their_conversations_under_the_surviving_id() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    let (_, other) = sim.post("/users", json!({ "externalId": "other" })).await;
    let surviving = other["user"]["id"].as_str().unwrap();
    sim.script("/user_merge", json!({ "surviving": surviving, "discarded": user })).await;
    let merged = sim.ear.event("user:merge", |_| true).await;
    assert_eq!(merged["payload"]["mergedUsers"]["discarded"]["id"], user.as_str());
    let (_, found) = sim.get(&format!("/conversations?filter[userId]={surviving}")).await;
    assert_eq!(found["conversations"][0]["id"], conversation.as_str());
    assert_eq!(sim.get(&format!("/users/{user}")).await.0, 404);
}

#[tokio::test]
async fn the_desk_page_shows_the_chat_with_its_text_escaped() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.handed_over().await;
    sim.user_says(&conversation, &user, "<script>alert(1)</script>").await;
    let page = sim.client.get(format!("{}/_sim/", sim.base)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("A human, please"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("<script>alert(1)"));
}

#[tokio::test]
async fn a_senseless_control_request_is_answered_with_a_sentence() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    let cases: [(&str, Value); 5] = [
        ("/agent/reply", json!({ "conversation": "nowhere", "text": "x" })),
        ("/agent/reply", json!({ "conversation": conversation, "text": "x" })),
        ("/agent/reply", json!({ "conversation": conversation })),
        ("/agent/end", json!({ "conversation": conversation, "by": "dog" })),
        ("/user_message", json!({ "conversation": conversation, "user": "nobody", "text": "x" })),
    ];
    for (path, body) in cases {
        let (status, answer) = sim.try_script(path, body).await;
        assert_eq!(status, 400, "{path}");
        assert!(answer["error"].as_str().unwrap().len() > 10);
    }
}
