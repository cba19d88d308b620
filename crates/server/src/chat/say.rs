//! The person opens the chat, and says something.

use axum::http::{HeaderMap, StatusCode};
use handoff_core::runtime::Said;
use handoff_model::{Content, Person};
use serde::Deserialize;

use super::{Address, Answer, TurnOut, answer, upload::uploaded};
use crate::{
    AppState,
    web::{Json, LONGEST_FIELD, LONGEST_KEY, LONGEST_TEXT, Problem, idempotency_key, to_its_end},
};

/// Files of one message.
pub(super) const MOST_FILES: usize = 10;

/// A message of the person.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageIn {
    /// What the person says: up to 32,000 characters; may be left out when a file goes along.
    #[serde(default)]
    text: String,
    /// Files, by the names that uploading them gave; at most 10.
    #[serde(default)]
    files: Vec<String>,
    /// The client's own id of the message, when it sends no `Idempotency-Key` header.
    #[serde(default)]
    id: Option<String>,
    /// Who says it; what is left out is not known.
    #[serde(default)]
    person: Option<PersonIn>,
}

/// The chat is opened, and nothing is said yet.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartIn {
    /// Who opens it; what is left out is not known.
    #[serde(default)]
    person: Option<PersonIn>,
}

/// What a channel knows of a person.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PersonIn {
    /// Name to show.
    name: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// Language as a BCP 47 tag.
    language: Option<String>,
}

/// The chat is opened: the assistant greets, unless a session is running.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn start(state: AppState, address: Address, input: StartIn, wait: bool) -> Answer {
    let person = input.person.map(|person| person.check(&address)).transpose()?;
    let (runtime, place) = (state.runtime.clone(), address.clone());
    let turned =
        to_its_end(async move { runtime.open_chat(&place.channel, &place.external, person).await }).await??;
    answer((status(wait), Json::<_>(TurnOut::new(turned, &state, &address, wait))))
}

/// The person says something. With `wait`, the answer carries what the assistant replied.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn say(
    state: AppState,
    address: Address,
    headers: &HeaderMap,
    input: MessageIn,
    wait: bool,
) -> Answer {
    let said = input.check(headers, &state, &address)?;
    let (runtime, place) = (state.runtime.clone(), address.clone());
    let turned =
        to_its_end(async move { runtime.say(&place.channel, &place.external, said).await }).await??;
    answer((status(wait), Json::<_>(TurnOut::new(turned, &state, &address, wait))))
}

fn status(wait: bool) -> StatusCode {
    if wait { StatusCode::OK } else { StatusCode::ACCEPTED }
}

impl MessageIn {
    fn check(self, headers: &HeaderMap, state: &AppState, address: &Address) -> Result<Said, Problem> {
        let key = key(idempotency_key(headers)?, self.id)?;
        if self.files.len() > MOST_FILES {
            return Err(Problem::invalid(format!(
                "A message has at most {MOST_FILES} files. Send them in several messages."
            )));
        }
        check_text(&self.text, !self.files.is_empty())?;
        let person = self.person.map(|person| person.check(address)).transpose()?;
        let attachments =
            self.files.iter().map(|name| uploaded(state, address, name)).collect::<Result<_, _>>()?;
        Ok(Said { person, content: Content { attachments, ..Content::text(self.text) }, key })
    }
}

impl PersonIn {
    fn check(self, address: &Address) -> Result<Person, Problem> {
        check_field("person.name", self.name.as_deref())?;
        check_field("person.email", self.email.as_deref())?;
        check_field("person.phone", self.phone.as_deref())?;
        check_field("person.language", self.language.as_deref())?;
        Ok(Person {
            id: address.external.clone(),
            name: self.name,
            email: self.email,
            phone: self.phone,
            language: self.language,
        })
    }
}

/// The one key by which a message is recognised when it is sent again.
fn key(header: Option<String>, body: Option<String>) -> Result<Option<String>, Problem> {
    if let Some(id) = &body
        && (id.is_empty() || id.chars().count() > LONGEST_KEY || id.chars().any(char::is_control))
    {
        return Err(Problem::invalid(format!(
            "The field `id` must have 1 to {LONGEST_KEY} characters, none of them a control character."
        )));
    }
    match (header, body) {
        (Some(header), Some(body)) if header != body => Err(Problem::invalid(
            "The header Idempotency-Key and the field `id` name two different messages. Send one of them.",
        )),
        (header, body) => Ok(header.or(body)),
    }
}

fn check_text(text: &str, may_be_empty: bool) -> Result<(), Problem> {
    let length = text.chars().count();
    if length > LONGEST_TEXT {
        return Err(Problem::too_large(format!(
            "The text has {length} characters; a message may have {LONGEST_TEXT}. Send it in several messages."
        )));
    }
    if text.trim().is_empty() && !may_be_empty {
        return Err(Problem::invalid("The field `text` is empty. Say something."));
    }
    let forbidden = text.chars().find(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'));
    match forbidden {
        Some(letter) => Err(Problem::invalid(format!(
            "The text has the control character U+{:04X}, which cannot be shown. Leave it out.",
            u32::from(letter)
        ))),
        None => Ok(()),
    }
}

fn check_field(name: &str, value: Option<&str>) -> Result<(), Problem> {
    match value {
        Some(value) if value.chars().count() > LONGEST_FIELD || value.chars().any(char::is_control) => {
            Err(Problem::invalid(format!(
                "The field `{name}` must have at most {LONGEST_FIELD} characters, none of them a control \
                 character."
            )))
        }
        _ => Ok(()),
    }
}
