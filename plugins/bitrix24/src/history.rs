//! What was said in a session, read back after an answer was lost.

use serde_json::{Value, json};

use crate::{answer::Failure, bbcode, client::Client, wire};

/// One line of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: u64,
    /// Who said it; none for the platform itself.
    pub(crate) by: Option<u64>,
    /// Its words without anything that the platform may have changed.
    pub(crate) words: String,
    /// The ids that our connector gave it.
    pub(crate) ours: Vec<String>,
}

/// A session, oldest line first.
pub(crate) async fn of_session(client: &Client<'_>, session: &str) -> Result<Vec<Said>, Failure> {
    Ok(lines(&read(client, session).await?["message"]))
}

/// A session as the portal tells it.
pub(crate) async fn read(client: &Client<'_>, session: &str) -> Result<Value, Failure> {
    client.read("imopenlines.session.history.get", &json!({ "SESSION_ID": session })).await
}

fn lines(messages: &Value) -> Vec<Said> {
    let mut lines: Vec<_> = wire::items(messages).into_iter().filter_map(line).collect();
    lines.sort_by_key(|line| line.id);
    lines
}

fn line(message: &Value) -> Option<Said> {
    Some(Said {
        id: wire::id(&message["id"])?,
        by: wire::first_id(message, &["senderid", "senderId"]),
        words: words(wire::text(&message["text"])),
        ours: ours(&message["params"]),
    })
}

/// The ids of a connector's message, in a list or alone.
pub(crate) fn ours(params: &Value) -> Vec<String> {
    let named = ["connectorMid", "CONNECTOR_MID"].into_iter().map(|name| &params[name]);
    let listed = named.flat_map(|ids| if ids.is_string() { vec![ids] } else { wire::items(ids) });
    listed.map(|id| wire::text(id).to_owned()).filter(|id| !id.is_empty()).collect()
}

/// A text as it can be compared: without markup and white space.
pub(crate) fn words(text: &str) -> String {
    plain(text).chars().filter(|c| !c.is_whitespace()).collect()
}

/// A text without markup. In a history the portal writes some signs as HTML.
pub(crate) fn plain(text: &str) -> String {
    const WRITTEN: [(&str, &str); 6] =
        [("<br />", "\n"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    WRITTEN.iter().fold(bbcode::to_plain(text), |text, (html, sign)| text.replace(html, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_order_and_an_empty_session_is_a_list() {
        let messages = json!({
            "86310": { "id": "86310", "senderid": "456", "text": "A &amp; B<br />C", "params": { "connectorMid": ["m1"] } },
            "9": { "id": 9, "senderid": "0", "text": "[b]Passed on[/b]" },
        });
        let expected = [
            Said { id: 9, by: None, words: "Passedon".into(), ours: vec![] },
            Said { id: 86_310, by: Some(456), words: "A&BC".into(), ours: vec!["m1".into()] },
        ];
        assert_eq!(lines(&messages), expected);
        assert_eq!(lines(&json!([])), []);
    }
}
