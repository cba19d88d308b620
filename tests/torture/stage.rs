//! What an act is played on, and what can be waited for there.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use handoff_tests::{
    PACE, PATIENCE,
    assistants::WISH,
    chat::Chat,
    server::{Server, state},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    books::Book,
    disk::Disk,
    person::says,
    routes::{Desk, Route},
};

/// How long a doubt may last after its person was told of the delay, before an operator decides.
const HESITATION: Duration = Duration::from_secs(20);

/// Everything an act needs.
pub(crate) struct Stage {
    pub(crate) route: Route,
    pub(crate) desk: Desk,
    /// Where the server keeps its data. Goes before the server's folder, in which it lies.
    pub(crate) disk: Option<Disk>,
    pub(crate) server: Server,
    /// How far the server's clock is ahead by now, in seconds.
    pub(crate) ahead: i64,
}

/// Where persons come in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) route: Route,
    /// The server's address, or the platform's on its own chat.
    pub(crate) base: String,
}

/// Whether live agents have the chat, or had it.
pub(crate) fn is_taken(handoff: &Value) -> bool {
    matches!(state(handoff), "accepted" | "carrying" | "closed")
}

impl Stage {
    pub(crate) fn door(&self) -> Door {
        let base = match self.route.is_the_platforms() {
            true => self.desk.platform().base.clone(),
            false => self.server.base.clone(),
        };
        Door { route: self.route, base }
    }

    /// The storm is over: everything runs, and nothing goes wrong any more.
    pub(crate) async fn calm(&mut self) -> Result<()> {
        self.desk.platform().heal().await?;
        self.server.ensure_running().await
    }

    /// Waits until every handoff is decided; where a platform cannot tell, an operator decides.
    pub(crate) async fn decide(&self, books: &mut [Book]) -> Result<()> {
        let began = Instant::now();
        loop {
            self.name_conversations(books).await?;
            let rows = self.server.handoff_rows().await?;
            for book in books.iter_mut().filter(|book| book.handoff.is_none()) {
                self.look_at(book, &rows, began.elapsed() > HESITATION).await?;
            }
            if self.route == Route::Native && began.elapsed() > HESITATION {
                self.ask_again(books, &rows).await?;
            }
            let is_over = books.iter().all(|book| book.handoff.is_some());
            if is_over || began.elapsed() > PATIENCE * 2 {
                return Ok(());
            }
            tokio::time::sleep(PACE * 8).await;
        }
    }

    async fn look_at(&self, book: &mut Book, rows: &[Value], hesitated: bool) -> Result<()> {
        let ours: Vec<&Value> =
            rows.iter().filter(|row| row["conversation"].as_str() == book.conversation.as_deref()).collect();
        let [row] = ours[..] else { return Ok(()) };
        let id = row["id"].as_str().context("a handoff without an id")?;
        if is_taken(row) || state(row) == "failed" {
            book.handoff = Some(self.server.handoff(id).await?);
        } else if state(row) == "in_doubt" && hesitated && !book.by_hand {
            let told = self.server.handoff(id).await?["receipt"]["told"].to_string();
            let reason = json!({ "reason": "its platform cannot tell" });
            let path = format!("/v1/handoffs/{id}/give-up");
            book.by_hand = told.contains("delayed") && self.server.admin().post(&path, &reason).await.is_ok();
        }
        Ok(())
    }

    /// Zendesk tells a server five times what a person said, and no more. Whoever is not heard asks again.
    async fn ask_again(&self, books: &mut [Book], rows: &[Value]) -> Result<()> {
        let waits = |book: &Book| {
            let is_heard =
                rows.iter().any(|row| row["conversation"].as_str() == book.conversation.as_deref());
            !(book.asked_again || book.conversation.is_some() && is_heard)
        };
        if !books.iter().any(waits) {
            return Ok(());
        }
        let told = self.desk.platform().deliveries().await?;
        let given_up: String =
            told.iter().filter(|one| one["state"] == "failed").map(Value::to_string).collect();
        for book in books.iter_mut().filter(|book| waits(book)) {
            if book.chat.as_ref().is_some_and(|chat| given_up.contains(chat)) {
                says(&self.door(), book, WISH).await?;
                book.asked_again = true;
            }
        }
        Ok(())
    }

    /// Finds the conversations of persons who came in on the platform.
    async fn name_conversations(&self, books: &mut [Book]) -> Result<()> {
        if books.iter().all(|book| book.conversation.is_some()) {
            return Ok(());
        }
        for row in self.server.conversations().await? {
            let id = row["id"].as_str().context("a conversation without an id")?;
            if books.iter().any(|book| book.conversation.as_deref() == Some(id)) {
                continue;
            }
            let kept = self.server.conversation(id).await?;
            let (messages, chat) = (kept["messages"].to_string(), kept["external_id"].as_str());
            // Words that the platform tells after the wish may come too late to be kept.
            let is_of = |book: &&mut Book| {
                messages.contains(&book.mark()) || book.chat.is_some() && book.chat.as_deref() == chat
            };
            if let Some(book) = books.iter_mut().find(is_of) {
                book.conversation = Some(id.to_owned());
            }
        }
        Ok(())
    }

    /// Every chat and every ticket as live agents see it now.
    pub(crate) async fn chats(&self) -> Result<Vec<Chat>> {
        self.desk.platform().chats().await
    }

    /// Waits until live agents see everybody's last word, and gives what they see.
    pub(crate) async fn until_carried(&self, books: &[Book]) -> Result<Vec<Chat>> {
        let lacking =
            |chats: &[Chat]| books.iter().find(|book| !book.is_carried(chats)).map(|book| book.name.clone());
        let seen = self.desk.platform().until_chats("the last words", |chats| lacking(chats).is_none()).await;
        match seen {
            Ok(chats) => Ok(chats),
            Err(error) => {
                let who = lacking(&self.chats().await?).unwrap_or_default();
                let story: String = format!("{error:#}").chars().take(4_000).collect();
                bail!("{who}: a word did not arrive: {story}")
            }
        }
    }

    /// The live agent writes in this chat, and what is written must not be read here.
    pub(crate) async fn agent_speaks(&self, chat: &Chat, words: &str) -> Result<()> {
        match &self.desk {
            Desk::Zendesk(desk) if self.route == Route::Ticket => {
                let comment = json!({ "ticket": chat.raw["ticket"], "text": words });
                desk.control("agent/comment", comment).await.map(drop)
            }
            Desk::Zendesk(desk) => desk.replies(&chat.id, words).await,
            Desk::Bitrix24(desk) => {
                let id = chat.id.parse()?;
                desk.accepts(id).await?;
                desk.replies(id, words).await
            }
        }
    }

    pub(crate) async fn agent_closes(&self, chat: &Chat) -> Result<()> {
        match &self.desk {
            Desk::Zendesk(_) if self.route == Route::Ticket => Ok(()),
            Desk::Zendesk(desk) => desk.closes(&chat.id).await,
            Desk::Bitrix24(desk) => desk.closes(chat.id.parse()?).await,
        }
    }

    /// What stands on this person's screen that they did not write.
    pub(crate) async fn shown_to(&self, book: &Book) -> Result<Vec<String>> {
        if let Some(visitor) = &book.visitor {
            return Ok(visitor.shown().map(|line| line.text.clone()).collect());
        }
        match &self.desk {
            Desk::Bitrix24(desk) => {
                let seen = desk.seen_by(&book.name).await?;
                Ok(seen
                    .into_iter()
                    .filter(|(_, text)| !book.said.contains(text))
                    .map(|(_, text)| text)
                    .collect())
            }
            Desk::Zendesk(desk) => {
                let seen = desk.look("inspect").await?;
                let all = seen["conversations"].as_array().cloned().unwrap_or_default();
                let ours = all.into_iter().find(|one| one["id"].as_str() == book.chat.as_deref());
                let ours = ours.with_context(|| format!("{}: the conversation is gone", book.name))?;
                let texts = ours["messages"].as_array().into_iter().flatten();
                let texts =
                    texts.filter_map(|message| message["content"]["text"].as_str().map(str::to_owned));
                Ok(texts.filter(|text| !book.said.contains(text)).collect())
            }
        }
    }
}
