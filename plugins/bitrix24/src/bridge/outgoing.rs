//! One message through the connector, and what its answer says.

use handoff_sdk::{
    ConnectorError, Result,
    model::{HandoffKey, Person},
};
use serde_json::{Value, json};

use super::{mark::Place, names, text::Piece};
use crate::{
    answer::Failure,
    client::Client,
    history::{self, Said},
    wire,
};

/// Sends one message as the person. One for each call: so their order and their answers are certain.
///
/// # Errors
/// [`ConnectorError::Refused`] also when the answer is a success whose only element is none.
pub(crate) async fn send(
    client: &Client<'_>,
    line: u64,
    key: &HandoffKey,
    person: &Person,
    id: &str,
    piece: &Piece,
) -> Result<Place> {
    let connector = &client.portal.settings.connector_code;
    let (name, last_name) = names::of(person);
    let mut user = json!({ "id": user_id(key, person), "name": name, "last_name": last_name });
    if let Some(email) = person.email.as_deref().filter(|email| email.contains('@')) {
        user["email"] = json!(email);
    }
    if let Some(phone) = person.phone.as_deref().filter(|phone| !phone.trim().is_empty()) {
        user["phone"] = json!(phone);
        user["skip_phone_validate"] = json!("Y");
    }
    let mut message = json!({ "id": id, "date": client.cx.now().0 / 1000, "text": piece.text });
    if !piece.files.is_empty() {
        let file = |(name, url): &(String, String)| json!({ "name": name, "url": url });
        message["files"] = piece.files.iter().map(file).collect();
    }
    let body = json!({
        "CONNECTOR": connector, "LINE": line,
        "MESSAGES": [{ "user": user, "message": message, "chat": { "id": key.as_str() } }],
    });
    place(&client.act("imconnector.send.messages", &body).await.map_err(explained)?)
}

/// The person's name on the portal; nobody without one is taken for somebody else.
fn user_id(key: &HandoffKey, person: &Person) -> String {
    if person.id.is_empty() { key.to_string() } else { person.id.clone() }
}

/// Where the message landed.
fn place(answer: &Value) -> Result<Place> {
    let results = wire::items(&answer["DATA"]["RESULT"]);
    let lost =
        || ConnectorError::Lost { detail: "the answer does not say what became of the message".to_owned() };
    let result = results.first().ok_or_else(lost)?;
    if !wire::is_yes(&result["SUCCESS"]) {
        let words: Vec<&str> = wire::items(&result["ERRORS"]).into_iter().map(wire::text).collect();
        let words = handoff_sdk::text::truncate_utf16(&words.join("; "), 200).to_owned();
        return Err(ConnectorError::Refused { detail: format!("the open channel took no message: {words}") });
    }
    let session = &result["session"];
    let chat = wire::id(&session["CHAT_ID"]).ok_or_else(lost)?;
    let session = wire::id(&session["ID"]).ok_or_else(lost)?;
    Ok(Place { chat, session: session.to_string() })
}

/// A channel that is switched off may be switched on again: words wait for it.
fn explained(failure: Failure) -> ConnectorError {
    let off = ["NOT_ACTIVE_LINE", "IMCONNECTOR_NO_CORRECT_PROVIDER"];
    if off.iter().any(|code| failure.is(code)) {
        let detail = "the connector is not switched on for the open channel: Contact Center > our connector > \
                      choose the open channel, or install the connection again";
        return ConnectorError::Unavailable { detail: detail.to_owned() };
    }
    failure.into()
}

/// Which of our messages are in the chat's session, and in its newest one.
///
/// # Errors
/// [`Failure::Said`] when that may not be read.
pub(crate) async fn there(client: &Client<'_>, place: &Place) -> Result<Vec<Said>, Failure> {
    let mut said = history::of_session(client, &place.session).await?;
    let seen = client.read("imopenlines.dialog.get", &json!({ "CHAT_ID": place.chat })).await?;
    if let Some(newest) = wire::session(wire::text(&seen["entity_data_1"])).filter(|id| *id != place.session)
    {
        said.extend(history::of_session(client, &newest).await?);
    }
    Ok(said)
}

/// Whether a message of ours is among these.
pub(crate) fn has(said: &[Said], id: &str) -> bool {
    said.iter().any(|line| line.ours.iter().any(|known| known == id))
}

/// Whether an id is one that we gave the person's words. Ids that acknowledge a live agent's have an `a`.
pub(crate) fn is_ours(id: &str) -> bool {
    let part = |mark: &str| id.rsplit_once(mark).is_some_and(|(_, rest)| is_number(rest));
    part(".h")
        || id.rsplit_once('.').is_some_and(|(front, n)| {
            is_number(n) && front.rsplit_once(".w").is_some_and(|(_, seq)| is_number(seq))
        })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_single_message_says_whether_it_was_taken() {
        let answer = |result: Value| json!({ "SUCCESS": true, "DATA": { "RESULT": result } });
        let taken = json!([{ "SUCCESS": true, "session": { "ID": "323", "CHAT_ID": "1767" } }]);
        assert_eq!(place(&answer(taken)), Ok(Place { chat: 1767, session: "323".into() }));
        let refused = json!([{ "SUCCESS": false, "ERRORS": ["wrong name"] }]);
        assert!(
            matches!(place(&answer(refused)), Err(ConnectorError::Refused { detail }) if detail.contains("wrong name"))
        );
        for unclear in
            [json!([]), json!([{ "SUCCESS": true }]), json!("x"), json!([{ "SUCCESS": true, "session": [] }])]
        {
            assert!(matches!(place(&answer(unclear)), Err(ConnectorError::Lost { .. })));
        }
    }
}
