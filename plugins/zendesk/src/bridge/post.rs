//! Step 4: one line into the conversation.

use handoff_sdk::{
    ConnectorError, Result,
    model::{HandoffKey, connector::Speaker},
    text::truncate_utf16,
};
use serde_json::{Value, json};

use super::user;
use crate::{
    address::encoded,
    client::{Answer, Client, lost},
    lines::{self, Line},
    wire::{line_metadata, text},
};

/// Longest name shown beside a message; Zendesk names no limit.
const NAME_UNITS: usize = 128;

/// What became of a line.
pub(super) struct Posted {
    pub(super) id: String,
    /// What stands for something that could not be posted.
    pub(super) replaced: Option<String>,
}

/// Posts a line. Content that Zendesk refuses is replaced by a line that says so.
///
/// # Errors
/// Whatever is no matter of this one line, such as a conversation that is gone or full.
pub(super) async fn line(
    client: &Client<'_>,
    key: &HandoffKey,
    conversation: &str,
    user: &str,
    line: &Line,
) -> Result<Posted> {
    let metadata = line_metadata(key.as_str(), line.seq, line.part);
    let post = Post { client, conversation, metadata };
    let line = match upload(client, conversation, line).await? {
        Ok(line) => line,
        Err(words) => return post.stand_in(line, &words).await,
    };
    let mut answer = post.send(author(client, &line, user), &line.content).await?;
    if (answer.is_about_content() || answer.is_missing()) && line.speaker == Speaker::Person {
        answer = post.again_as_participant(client, &line, user, answer).await?;
    }
    if answer.is_success() {
        return Ok(Posted { id: id(&answer.body)?, replaced: line.replaced.clone() });
    }
    if !answer.is_about_content() {
        return Err(answer.refusal());
    }
    post.stand_in(&line, &answer.words()).await
}

/// The line with the address of its file, once that is uploaded; the words of the refusal when it is not taken. A file
/// that is uploaded twice, because an answer was lost, belongs to no message and harms nobody.
async fn upload(
    client: &Client<'_>,
    conversation: &str,
    line: &Line,
) -> Result<std::result::Result<Line, String>> {
    let Some(file) = &line.upload else { return Ok(Ok(line.clone())) };
    let answer = match client.upload(conversation, &file.name, &file.blob).await {
        Ok(answer) => answer,
        // The server does not have it any more, or it is too large for anybody.
        Err(ConnectorError::Refused { detail }) => return Ok(Err(detail)),
        Err(error) => return Err(error),
    };
    if answer.is_about_content() {
        return Ok(Err(answer.words()));
    }
    let mut line = line.clone();
    line.content["mediaUrl"] = json!(text(&answer.accept()?["attachment"], "mediaUrl"));
    Ok(Ok(line))
}

struct Post<'a> {
    client: &'a Client<'a>,
    conversation: &'a str,
    metadata: Value,
}

impl Post<'_> {
    /// A line that stands for what Zendesk did not take.
    async fn stand_in(&self, line: &Line, words: &str) -> Result<Posted> {
        let by = business(&self.client.settings.assistant_name);
        let stand_in = self.send(by, &lines::stand_in(line, words)).await?.accept()?;
        let what = if line.content["type"] == "text" { "a message" } else { "a file" };
        Ok(Posted { id: id(&stand_in)?, replaced: Some(format!("{what} ({words})")) })
    }

    async fn send(&self, author: Value, content: &Value) -> Result<Answer> {
        let path = format!("/conversations/{}/messages", encoded(self.conversation));
        let body = json!({ "author": author, "content": content, "metadata": self.metadata });
        self.client.post(&path, &body).await
    }

    /// After a merge of users the conversation belongs to another id, and the old one may not write.
    async fn again_as_participant(
        &self,
        client: &Client<'_>,
        line: &Line,
        user: &str,
        answer: Answer,
    ) -> Result<Answer> {
        match user::participant(client, self.conversation).await {
            Ok(Some(now)) if now != user => self.send(author(client, line, &now), &line.content).await,
            Ok(_) | Err(ConnectorError::Refused { .. }) => Ok(answer),
            Err(error) => Err(error),
        }
    }
}

fn author(client: &Client<'_>, line: &Line, user: &str) -> Value {
    match line.speaker {
        Speaker::Person => json!({ "type": "user", "userId": user }),
        Speaker::Assistant if client.settings.assistant_name.is_empty() => business(&line.name),
        Speaker::Assistant => business(&client.settings.assistant_name),
    }
}

fn business(name: &str) -> Value {
    let mut author = json!({ "type": "business" });
    if !name.trim().is_empty() {
        author["displayName"] = json!(truncate_utf16(name.trim(), NAME_UNITS));
    }
    author
}

fn id(body: &Value) -> Result<String> {
    let id = text(&body["messages"][0], "id");
    if id.is_empty() { Err(lost("Zendesk's answer names no message")) } else { Ok(id) }
}
