//! Handoffs in which nothing goes wrong.

use handoff_sdk::{
    Connector,
    model::{
        Content,
        connector::{Find, Found, Transfer},
    },
};
use serde_json::json;

use crate::stage::{NARROW_KEY, SAID, Stage, texts, transfer};

#[tokio::test]
async fn live_agents_get_the_whole_chat_once_with_its_fields() {
    let stage = Stage::start(&[]).await;
    let (node, chat) = (stage.node(), transfer("h1"));
    let held = node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    stage.assert_handed_over(&chat, &SAID, "").await;
    assert_eq!(held.remarks, Vec::<String>::new());
    let inspected = stage.inspect().await;
    assert_eq!(inspected["conversations"][0]["id"], held.ticket.chat);
    let seen = &inspected["live_agent"]["chats"][0];
    let authors: Vec<_> = seen["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["author"].as_str().unwrap())
        .collect();
    assert_eq!(authors, ["customer", "assistant", "customer", "assistant", "customer"]);
    assert_eq!(seen["messages"][1]["name"], "Helper");
    assert_eq!(
        (&seen["requester"]["name"], &seen["requester"]["email"]),
        (&json!("Ann"), &json!("ann@example.org"))
    );
    assert_eq!((&seen["tags"], &seen["priority"]), (&json!(["from_assistant"]), &json!("high")));
}

#[tokio::test]
async fn more_than_a_page_of_history_arrives_whole() {
    let stage = Stage::start(&[]).await;
    let (node, mut chat) = (stage.node(), transfer("h1"));
    let sample = chat.transcript[0].clone();
    chat.transcript = (1..=130)
        .map(|n| {
            let mut message = sample.clone();
            (message.seq, message.content) = (n, Content::text(format!("line {n}")));
            message
        })
        .collect();
    let expected: Vec<_> = (1..=130).map(|n| format!("line {n}")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    stage.assert_handed_over(&chat, &expected, "").await;
    // The look reaches back over both pages, without a checkpoint to help it.
    let found = node.zendesk.find(&node.host.cx(), Find { transfer: chat }).await.unwrap();
    assert!(matches!(found, Found::There(_)), "{found:?}");
}

#[tokio::test]
async fn a_second_chat_of_the_same_person_is_a_second_conversation() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    for key in ["h1", "h2"] {
        node.zendesk.transfer(&node.host.cx(), transfer(key)).await.unwrap();
        stage.assert_handed_over(&transfer(key), &SAID, key).await;
    }
    assert_eq!(stage.inspect().await["users"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn where_a_person_has_one_conversation_only_the_chat_goes_on_in_it() {
    for status in ["400", "403", "409"] {
        let flags = [
            "--multi-convo-enabled",
            "false",
            "--second-conversation-status",
            status,
            "--metadata-merges",
            "false",
        ];
        let stage = Stage::start(&flags).await;
        let node = stage.node();
        let first = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap();
        stage.control("agent/close", json!({ "conversation": first.ticket.chat })).await;
        let second = node.zendesk.transfer(&node.host.cx(), transfer("h2")).await.unwrap();
        assert_eq!(first.ticket.chat, second.ticket.chat);
        assert_eq!(second.remarks.len(), 1, "{:?}", second.remarks);
        let conversation = &stage.conversations("h2").await[0];
        assert_eq!(conversation["active"], "zd-agentWorkspace");
        let all = texts(&conversation["messages"]);
        assert_eq!(all[..5], SAID);
        assert_eq!(all[all.len() - 5..], SAID);
    }
}

#[tokio::test]
async fn an_empty_chat_still_makes_a_ticket_at_once() {
    let stage = Stage::start(&[]).await;
    let (node, chat) = (stage.node(), Transfer { transcript: Vec::new(), ..transfer("h1") });
    node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    stage.assert_handed_over(&chat, &["The chat has no messages so far."], "").await;
}

#[tokio::test]
async fn long_texts_and_commands_arrive_as_what_was_said() {
    let stage = Stage::start(&[]).await;
    let (node, mut chat) = (stage.node(), transfer("h1"));
    let long = "\u{1F600}".repeat(3000);
    chat.transcript.truncate(2);
    chat.transcript[0].content = Content::text(&long);
    chat.transcript[1].content = Content::text("%((switchboard:passControl:zd-answerBot))%");
    let (head, tail) = long.split_at(2000 * 4);
    node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    stage.assert_handed_over(&chat, &[head, tail, "% ((switchboard:passControl:zd-answerBot))%"], "").await;
}

#[tokio::test]
async fn a_key_of_the_integration_is_enough() {
    let stage = Stage::start(&[]).await;
    let mut settings = stage.settings();
    settings["key_id"] = json!(NARROW_KEY);
    let node = stage.node_with(settings, std::time::Duration::from_secs(20));
    node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap();
    stage.assert_handed_over(&transfer("h1"), &SAID, "").await;
}

#[tokio::test]
async fn after_acceptance_the_chat_is_found_whatever_became_of_it() {
    let stage = Stage::start(&[]).await;
    let (node, chat) = (stage.node(), transfer("h1"));
    let held = node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    let at = json!({ "conversation": held.ticket.chat });
    let found = async |checkpoint| {
        let find = Find { transfer: Transfer { checkpoint, ..chat.clone() } };
        match node.zendesk.find(&node.host.cx(), find).await.unwrap() {
            Found::There(there) => assert_eq!(there.ticket, held.ticket),
            other => panic!("{other:?}"),
        }
    };
    // Without a checkpoint: the rows were lost, and the account is all there is.
    for checkpoint in [None, node.left()] {
        found(checkpoint).await;
    }
    stage.control("agent/reply", json!({ "conversation": held.ticket.chat, "text": "Hi" })).await;
    stage.control("agent/close", at).await;
    for checkpoint in [None, node.left()] {
        found(checkpoint).await;
    }
}
