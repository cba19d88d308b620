//! What a live agent's message says. What our channels cannot show is written out.

use handoff_sdk::model::{Attachment, Content, Source};
use serde_json::Value;

use crate::{address, settings::Settings, wire::text};

/// Most answers that are offered to the person.
const MOST_CHOICES: usize = 13;
/// Longest name of a file, in characters.
const NAME_LIMIT: usize = 128;

/// Reads a content of any type.
pub(crate) fn read(settings: &Settings, content: &Value) -> Content {
    let kind = text(content, "type");
    let parts = match kind.as_str() {
        "carousel" | "list" => vec![or(words(content), || items(content))],
        "form" => vec![words(content), fields(content)],
        "location" => vec![or(words(content), || place(content))],
        _ => vec![words(content)],
    };
    let links = list(content, "actions").iter().filter_map(link);
    let lines: Vec<_> = parts.into_iter().chain(links).filter(|part| !part.trim().is_empty()).collect();
    let is_file = matches!(kind.as_str(), "image" | "file");
    Content {
        text: lines.join("\n"),
        quick_replies: choices(content),
        attachments: if is_file { file(settings, content, &kind).into_iter().collect() } else { Vec::new() },
    }
}

/// The text; Zendesk derives one for most contents.
fn words(content: &Value) -> String {
    or(text(content, "text"), || or(text(content, "markdownText"), || text(content, "textFallback")))
}

fn or(first: String, second: impl FnOnce() -> String) -> String {
    if first.trim().is_empty() { second() } else { first }
}

fn items(content: &Value) -> String {
    let line = |item: &Value| {
        let head = [text(item, "title"), text(item, "description")];
        let head: Vec<_> = head.into_iter().filter(|part| !part.is_empty()).collect();
        let links = list(item, "actions").iter().filter_map(link);
        std::iter::once(head.join(": ")).chain(links).collect::<Vec<_>>().join("\n")
    };
    list(content, "items").iter().map(line).collect::<Vec<_>>().join("\n")
}

fn fields(content: &Value) -> String {
    let labels = list(content, "fields").iter().map(|field| text(field, "label"));
    labels.filter(|label| !label.is_empty()).map(|label| format!("{label}:")).collect::<Vec<_>>().join("\n")
}

fn place(content: &Value) -> String {
    let named = [text(&content["location"], "name"), text(&content["location"], "address")];
    let at = &content["coordinates"];
    let at = [text(at, "lat"), text(at, "long")].join(", ");
    let parts = named.into_iter().chain([at]).filter(|part| !part.is_empty() && part != ", ");
    parts.collect::<Vec<_>>().join("\n")
}

fn link(action: &Value) -> Option<String> {
    let (words, uri) = (text(action, "text"), text(action, "uri"));
    let usable = uri.starts_with("https://") || uri.starts_with("http://");
    (usable && matches!(text(action, "type").as_str(), "link" | "webview"))
        .then(|| format!("[{words}]({uri})"))
}

/// Reply buttons: picking one sends its text.
fn choices(content: &Value) -> Vec<String> {
    let replies = list(content, "actions").iter().filter(|action| text(action, "type") == "reply");
    replies.map(|reply| text(reply, "text")).filter(|choice| !choice.is_empty()).take(MOST_CHOICES).collect()
}

fn file(settings: &Settings, content: &Value, kind: &str) -> Option<Attachment> {
    let address = text(content, "mediaUrl");
    if !(address.starts_with("https://") || address::is_own(settings, &address)) {
        return None;
    }
    let otherwise = || if kind == "image" { "image/png" } else { "application/octet-stream" }.to_owned();
    let name = or(text(content, "altText"), || last_segment(&address));
    Some(Attachment {
        name: name.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect(),
        media_type: or(text(content, "mediaType"), otherwise),
        // A file of the account needs our credentials, now or as soon as private attachments are on.
        source: if address::is_own(settings, &address) {
            Source::Platform(address)
        } else {
            Source::Url(address)
        },
    })
}

fn last_segment(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn what_cannot_be_shown_is_written_out() {
        for (content, expected) in [
            (json!({ "type": "text", "text": "Hi" }), "Hi"),
            (json!({ "type": "text", "markdownText": "*Hi*" }), "*Hi*"),
            (json!({ "type": "location", "coordinates": { "lat": 1.5, "long": 2 } }), "1.5, 2"),
            (
                json!({ "type": "form", "fields": [{ "type": "email", "name": "e", "label": "E-mail" }] }),
                "E-mail:",
            ),
            (
                json!({ "type": "carousel", "items": [{ "title": "Plan A", "description": "small",
                    "actions": [{ "type": "link", "text": "Buy", "uri": "https://x.example" }] }] }),
                "Plan A: small\n[Buy](https://x.example)",
            ),
            (
                json!({ "type": "text", "text": "See", "actions": [
                    { "type": "link", "text": "here", "uri": "javascript:alert(1)" },
                    { "type": "link", "text": "there", "uri": "https://x.example" }] }),
                "See\n[there](https://x.example)",
            ),
        ] {
            assert_eq!(read(&settings(), &content).text, expected, "{content}");
        }
    }

    #[test]
    fn reply_buttons_become_choices() {
        let content = json!({ "type": "text", "text": "Sure?", "actions": [
            { "type": "reply", "text": "Yes", "payload": "y" }, { "type": "reply", "text": "No", "payload": "n" }] });
        assert_eq!(read(&settings(), &content).quick_replies, ["Yes", "No"]);
    }

    #[test]
    fn a_file_of_the_account_is_fetched_by_us_and_any_other_by_anybody() {
        let file = |address: &str| {
            let content = json!({ "type": "image", "mediaUrl": address, "mediaType": "image/jpeg" });
            read(&settings(), &content).attachments.pop()
        };
        let own = "https://acme.zendesk.com/sc/attachments/v2/01JK/a.jpeg";
        let found = file(own).unwrap();
        assert_eq!((found.name.as_str(), found.source), ("a.jpeg", Source::Platform(own.to_owned())));
        let other = "https://cdn.example/b.jpeg?x=1";
        let found = file(other).unwrap();
        assert_eq!((found.name.as_str(), found.source), ("b.jpeg", Source::Url(other.to_owned())));
        assert_eq!(file("javascript:alert(1)"), None);
    }
}
