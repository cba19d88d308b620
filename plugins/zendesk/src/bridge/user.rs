//! Step 1: the person as a user of the account.

use handoff_sdk::{Result, model::Person, text::truncate_utf16};
use serde_json::{Value, json};

use crate::{
    address::encoded,
    client::{Aim, Answer, Client, refused, vague},
    wire::text,
};

/// Longest external id.
const ID_UNITS: usize = 1024;
/// Longest name and e-mail address of a profile.
const PROFILE_UNITS: usize = 128;
/// Longest language tag of a profile.
const LOCALE_UNITS: usize = 64;

/// A user.
pub(super) struct User {
    pub(super) id: String,
    pub(super) remarks: Vec<String>,
}

/// Gets the person's user, or makes it. Repeating is harmless: Zendesk takes an external id only once.
pub(super) async fn get_or_create(client: &Client<'_>, person: &Person) -> Result<User> {
    let external = external_id(client, person)?;
    if let Some(id) = get(client, &external).await? {
        return Ok(User { id, remarks: Vec::new() });
    }
    let whole =
        json!({ "externalId": external, "profile": profile(person), "metadata": metadata(client, person) });
    let made = client.post("/users", &whole).await?;
    if made.status == 400 {
        // Zendesk does not say what it takes as an address or a language: nobody waits in vain for that.
        let words = made.words();
        let bare = client.post("/users", &json!({ "externalId": external })).await?;
        let id = made_or_there(client, &external, bare).await?;
        return Ok(User { id, remarks: vec![format!("the person's profile was left out: {words}")] });
    }
    Ok(User { id: made_or_there(client, &external, made).await?, remarks: Vec::new() })
}

/// The person's user, when there is one.
pub(super) async fn find(client: &Client<'_>, person: &Person) -> Result<Option<String>> {
    get(client, &external_id(client, person)?).await
}

/// Who of a conversation is not us: its only participant, under the id that counts now.
pub(super) async fn participant(client: &Client<'_>, conversation: &str) -> Result<Option<String>> {
    let answer = client.get(&format!("/conversations/{}/participants", encoded(conversation))).await?;
    let body = answer.accept()?;
    let id = text(&body["participants"][0], "userId");
    Ok((!id.is_empty()).then_some(id))
}

async fn made_or_there(client: &Client<'_>, external: &str, made: Answer) -> Result<String> {
    if made.status == 409 {
        let gone = || refused("Zendesk says both that the user exists and that it does not");
        return get(client, external).await?.ok_or_else(gone);
    }
    read(Aim::Act, &made.accept()?)
}

async fn get(client: &Client<'_>, external: &str) -> Result<Option<String>> {
    let answer = client.get(&format!("/users/{}", encoded(external))).await?;
    if answer.is_missing() {
        return Ok(None);
    }
    read(Aim::Read, &answer.accept()?).map(Some)
}

fn read(aim: Aim, body: &Value) -> Result<String> {
    let id = text(&body["user"], "id");
    if id.is_empty() { Err(vague(aim, "Zendesk's answer names no user".to_owned())) } else { Ok(id) }
}

/// Our own name for the person. The owner tag keeps persons of two servers apart.
fn external_id(client: &Client<'_>, person: &Person) -> Result<String> {
    let id = format!("{}-{}", client.settings.owner, person.id);
    let fits = !person.id.is_empty() && truncate_utf16(&id, ID_UNITS).len() == id.len();
    if fits { Ok(id) } else { Err(refused("the person's id is empty or longer than Zendesk takes")) }
}

fn profile(person: &Person) -> Value {
    let mut profile = json!({});
    if let Some(name) = filled(&person.name) {
        profile["givenName"] = json!(truncate_utf16(name, PROFILE_UNITS));
    }
    let whole = [("email", &person.email, PROFILE_UNITS), ("locale", &person.language, LOCALE_UNITS)];
    for (member, value, limit) in whole {
        // A part of an address is another address.
        if let Some(value) = filled(value).filter(|value| truncate_utf16(value, limit) == *value) {
            profile[member] = json!(value);
        }
    }
    profile
}

fn metadata(client: &Client<'_>, person: &Person) -> Value {
    let mut metadata = json!({ crate::wire::keys::OWNER: client.settings.owner });
    if let Some(phone) = filled(&person.phone) {
        metadata["phone"] = json!(truncate_utf16(phone, PROFILE_UNITS));
    }
    metadata
}

fn filled(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_holds_what_fits_and_nothing_else() {
        let person = Person {
            id: "ann".into(),
            name: Some("A".repeat(200)),
            email: Some(format!("{}@example.org", "a".repeat(200))),
            phone: None,
            language: Some("en".into()),
        };
        let profile = profile(&person);
        assert_eq!(profile["givenName"].as_str().map(str::len), Some(128));
        assert_eq!(profile["email"], Value::Null);
        assert_eq!(profile["locale"], "en");
        assert_eq!(super::profile(&Person { name: Some("  ".into()), ..Person::default() }), json!({}));
    }
}
