//! A person in the webchat, who remembers everything that was said and shown.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    PATIENCE, POLL,
    server::Server,
    web::{Answer, Web, send},
};

/// A person in the webchat `web`.
#[derive(Debug, Clone)]
pub struct Visitor {
    web: Web,
    base: String,
    token: String,
    /// The server's name for the conversation.
    pub conversation: String,
    /// Everything said and shown, in the order in which it was.
    pub thread: Vec<Line>,
    /// Where the next look begins.
    cursor: u64,
    sent: u64,
}

/// Something said or shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the conversation; 0 for what has none, such as words during an outage.
    pub seq: u64,
    /// `person`, `assistant`, `notice` or `live_agent`.
    pub author: String,
    /// Name of the live agent.
    pub name: Option<String>,
    /// Text.
    pub text: String,
    /// Names and addresses of files.
    pub files: Vec<(String, String)>,
}

impl Visitor {
    /// A new person who has opened the chat.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open(server: &Server) -> Result<Self> {
        Self::open_at(&server.base).await
    }

    /// The same, by the server's address.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open_at(base: &str) -> Result<Self> {
        let session = Web::new(base).post("/v1/webchat/web/session", &json!({})).await?;
        let token = session["token"].as_str().context("no token")?.to_owned();
        let web = Web::new(base).with_bearer(&token);
        let started = web.post("/v1/webchat/web/start", &json!({})).await?;
        let conversation = started["conversation"].as_str().context("no conversation")?.to_owned();
        let (base, thread) = (base.to_owned(), Vec::new());
        Ok(Self { web, base, token, conversation, thread, cursor: 0, sent: 0 })
    }

    /// Says something, and expects that it is accepted. Gives who holds the conversation now.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn says(&mut self, text: &str) -> Result<String> {
        self.sent += 1;
        let key = format!("{}-{}", self.conversation, self.sent);
        self.says_as(text, &key).await
    }

    /// Says something under a key of its own.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn says_as(&mut self, text: &str, key: &str) -> Result<String> {
        let body = json!({ "text": text, "id": key });
        let turned = self.web.post("/v1/webchat/web/messages", &body).await?;
        if turned["duplicate"] == json!(false) {
            self.thread.push(Line::said(turned["seq"].as_u64().unwrap_or(0), text));
        }
        Ok(turned["held_by"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a file, with a text or without, and expects that it is accepted.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn sends(&mut self, text: &str, name: &str, media_type: &str, bytes: &[u8]) -> Result<()> {
        let path = format!("/v1/webchat/web/files?name={name}");
        let request = self.web.request("POST", &path).header("content-type", media_type);
        let kept = send(request.body(bytes.to_vec())).await?;
        ensure!(kept.status == 201, "the file was answered {}: {}", kept.status, kept.text());
        let body = json!({ "text": text, "files": [kept.json()["file"]] });
        let turned = self.web.post("/v1/webchat/web/messages", &body).await?;
        self.thread.push(Line::said(turned["seq"].as_u64().unwrap_or(0), text));
        Ok(())
    }

    /// Waits until what was shown so far is as wanted.
    ///
    /// # Errors
    /// When that does not happen; the error tells the whole thread.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&[Line]) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.thread) {
            if Instant::now() > end {
                bail!("the person never saw {what}. The thread is {:#?}", self.thread);
            }
            self.look(POLL.as_millis()).await?;
        }
        Ok(())
    }

    /// Waits until this text was shown.
    ///
    /// # Errors
    /// When it is not.
    pub async fn until_told(&mut self, text: &str) -> Result<()> {
        self.until(&format!("{text:?}"), |thread| thread.iter().any(|line| line.text == text)).await
    }

    /// Waits until a text with this part was shown, and gives that line.
    ///
    /// # Errors
    /// When it is not.
    pub async fn until_shown(&mut self, part: &str) -> Result<Line> {
        let fits = |line: &&Line| line.author != "person" && line.text.contains(part);
        self.until(&format!("{part:?}"), |thread| thread.iter().any(|line| fits(&line))).await?;
        self.thread.iter().find(fits).cloned().context("the line is gone")
    }

    /// Takes what is there to be shown, waiting at most so many milliseconds for something.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn look(&mut self, wait_ms: u128) -> Result<()> {
        let path = format!("/v1/webchat/web/events?after={}&wait_ms={wait_ms}", self.cursor);
        let page = self.web.get(&path).await?;
        let lines = page["events"].as_array().into_iter().flatten().map(Line::shown);
        self.thread.extend(lines);
        // Both sides were given their places by the server.
        self.thread.sort_by_key(|line| line.seq);
        self.cursor = page["cursor"].as_u64().unwrap_or(self.cursor);
        Ok(())
    }

    /// Tells the server that everything shown is kept here.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn acknowledges(&self) -> Result<()> {
        self.web.post("/v1/webchat/web/ack", &json!({ "cursor": self.cursor })).await.map(drop)
    }

    /// Fetches a file that was shown.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn fetches(&self, address: &str) -> Result<Answer> {
        let web = Web::new(if address.starts_with("http") { "" } else { &self.base });
        send(web.with_bearer(&self.token).request("GET", address)).await
    }

    /// The same person through another connection, remembering nothing: a second browser window.
    pub fn elsewhere(&self) -> Self {
        Self { thread: Vec::new(), cursor: 0, ..self.clone() }
    }

    /// How often a text was shown.
    pub fn times(&self, text: &str) -> usize {
        self.shown().filter(|line| line.text == text).count()
    }

    /// What was shown to the person.
    pub fn shown(&self) -> impl Iterator<Item = &Line> {
        self.thread.iter().filter(|line| line.author != "person")
    }

    /// The texts of the whole thread, but for notices that the platform is not given.
    pub fn texts(&self) -> Vec<&str> {
        self.thread.iter().map(|line| line.text.as_str()).collect()
    }

    /// The token, for a browser that shall be this visitor.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Line {
    fn said(seq: u64, text: &str) -> Self {
        Self { seq, author: "person".to_owned(), name: None, text: text.to_owned(), files: Vec::new() }
    }

    fn shown(raw: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let file = |file: &Value| (text(&file["name"]), text(&file["url"]));
        Self {
            seq: raw["seq"].as_u64().unwrap_or(0),
            author: text(&raw["author"]),
            name: raw["name"].as_str().map(str::to_owned),
            text: text(&raw["text"]),
            files: raw["attachments"].as_array().into_iter().flatten().map(file).collect(),
        }
    }
}
