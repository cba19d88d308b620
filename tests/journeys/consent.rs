//! Where the author wants it, the person is asked before the chat leaves, and the answer is kept.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, BACK, HELLO, MOMENT, WISH, answer_to, support, with_handoff},
    server::Server,
    visitor::Visitor,
    web::send,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::on_zendesk;

const QUESTION: &str = "May our team read this chat?";
const STAYS: &str = "Then it stays with me.";

async fn asking(change: impl FnOnce(&mut Value)) -> Result<(Zendesk, Server, Visitor)> {
    let assistant = with_handoff(support("zendesk"), |handoff| {
        handoff["consent"] = json!({ "question": QUESTION, "yes": "Yes, please", "no": "No" });
        handoff["when_consent_is_refused"] =
            json!([{ "id": "stays", "action": "send_message", "texts": [STAYS] }]);
        change(handoff);
    });
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(assistant)).await?;
    let person = Visitor::open(&server).await?;
    Ok((zendesk, server, person))
}

fn shown(person: &Visitor) -> Vec<&str> {
    person.shown().map(|line| line.text.as_str()).collect()
}

async fn consents(server: &Server, person: &Visitor) -> Result<Vec<Value>> {
    let conversation = server.conversation(&person.conversation).await?;
    Ok(conversation["consents"].as_array().context("no consents")?.clone())
}

#[tokio::test]
async fn p1_on_yes_the_chat_leaves_and_the_answer_stands_in_the_receipt() -> Result<()> {
    let (zendesk, mut server, mut person) = asking(|_| {}).await?;
    assert_eq!(person.says(WISH).await?, "session", "nobody but the assistant has it before the answer");
    person.until_told(QUESTION).await?;
    assert!(server.handoffs().await?.is_empty());
    // The question outlives the server.
    server.kill9().await?;
    server.restart().await?;
    assert_eq!(person.says("Hm?").await?, "session");
    person
        .until("the question again", |thread| thread.iter().filter(|line| line.text == QUESTION).count() == 2)
        .await?;
    assert_eq!(person.says("yes please!").await?, "handoff");
    person.until_told(ACCEPTED).await?;
    assert_eq!(shown(&person), [HELLO, MOMENT, QUESTION, QUESTION, ASKED, ACCEPTED]);
    let chats = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?;
    let asked = format!("{QUESTION}\n[Yes, please] [No]");
    assert_eq!(chats[0].said(), [HELLO, WISH, MOMENT, &asked, "Hm?", &asked, "yes please!", ASKED]);
    let consents = consents(&server, &person).await?;
    let [consent] = &consents[..] else { panic!("one answer: {consents:#?}") };
    assert_eq!((&consent["given"], &consent["answer"]), (&json!(true), &json!("Yes, please")));
    let inbox = server.conversation(&person.conversation).await?["messages"].clone();
    let answer = inbox.as_array().into_iter().flatten().find(|said| said["seq"] == consent["seq"]);
    let answer = answer.context("the answer is not in the Inbox")?;
    assert_eq!((&answer["content"]["text"], &answer["at"]), (&json!("yes please!"), &consent["at"]));
    let handoff = server.handoff_of(&person.conversation).await?;
    let id = handoff["id"].as_str().context("no id")?;
    let receipt = server.admin().get(&format!("/v1/handoffs/{id}/receipt")).await?;
    assert_eq!(receipt["consent"], *consent, "{receipt:#}");
    Ok(())
}

#[tokio::test]
async fn on_no_and_without_a_clear_answer_nothing_leaves_and_the_authors_branch_goes_on() -> Result<()> {
    let (zendesk, server, mut person) = asking(|_| {}).await?;
    for (answers, next) in [(&["no"][..], "And now?"), (&["Maybe", "I said maybe"][..], "And then?")] {
        person.says(WISH).await?;
        for answer in answers {
            assert_eq!(person.says(answer).await?, "session");
        }
        person.says(next).await?;
        person.until_told(&answer_to(next)).await?;
    }
    let round = [MOMENT, QUESTION, STAYS, "You said: And now?", MOMENT, QUESTION, QUESTION, STAYS];
    assert_eq!(shown(&person)[1..9], round);
    let kept = consents(&server, &person).await?;
    let answers: Vec<_> = kept.iter().map(|one| (&one["given"], &one["answer"])).collect();
    assert_eq!(answers, [(&json!(false), &json!("No")), (&json!(false), &Value::Null)]);
    assert!(server.handoffs().await?.is_empty());
    let seen = zendesk.look("inspect").await?;
    assert_eq!((&seen["conversations"], zendesk.chats().await?.len()), (&json!([]), 0));
    Ok(())
}

#[tokio::test]
async fn p2_words_from_before_the_question_are_no_answer_to_it() -> Result<()> {
    let (zendesk, server, mut person) = asking(|handoff| {
        handoff["when_handoff_fails"] = json!([
            { "id": "back", "action": "send_message", "texts": [BACK] },
            { "id": "once_more", "action": "jump", "to": "leave" },
        ]);
    })
    .await?;
    person.says(WISH).await?;
    // The first request stands still, so that there is time to type; all others are refused.
    zendesk.fault(json!({ "kind": "hold" })).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 403 } })).await?;
    assert_eq!(person.says("Yes, please").await?, "handoff");
    zendesk.until_held().await?;
    assert_eq!(person.says("Yes, please").await?, "handoff", "typed while nobody asked");
    zendesk.release().await?;
    person.until_told(BACK).await?;
    person.until_told(&answer_to("Yes, please")).await?;
    assert_eq!(person.times(QUESTION), 2, "{:#?}", person.thread);
    assert_eq!(consents(&server, &person).await?.len(), 1);
    // An operator cannot try again what the person is being asked about, or said no to.
    let failed = server.handoff_of(&person.conversation).await?;
    let replay = format!("/v1/handoffs/{}/replay", failed["id"].as_str().context("no id")?);
    for answer in ["No", "Something else"] {
        let refused = send(server.admin().request("POST", &replay).json(&json!({}))).await?;
        assert_eq!(refused.status, 409, "{}", refused.text());
        assert!(refused.text().contains("said no since"), "{}", refused.text());
        assert_eq!(person.says(answer).await?, "session");
    }
    person.until_told(STAYS).await?;
    assert_eq!(server.handoffs().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_question_without_two_answers_keeps_an_assistant_from_being_published() -> Result<()> {
    let (_zendesk, server, _person) = asking(|_| {}).await?;
    for (consent, reason) in [
        (json!({ "question": " " }), "needs \"question\""),
        (json!({ "question": "?", "yes": "No!", "no": "no" }), "cannot be told apart"),
        (json!({ "question": "?", "yes": "!" }), "needs letters or digits"),
        (json!({ "question": "?", "maybe": "Perhaps" }), "has no \"maybe\""),
    ] {
        let assistant = with_handoff(support("zendesk"), |handoff| handoff["consent"] = consent);
        let file = server.write("refused.json", assistant.to_string().as_bytes())?;
        let told = server.cli(&["assistant", "validate", &file.display().to_string()]).await?;
        let said = format!("{}{}", told.out, told.err);
        assert!(told.code != Some(0) && said.contains(reason) && said.contains("leave"), "{told:?}");
    }
    Ok(())
}
