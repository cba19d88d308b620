//! Which message contents the Conversations API takes, and what it makes of them.

use serde_json::{Value, json};

use super::input::{string, utf16, within};
use super::problem::Problem;

/// The limit of `text`, `htmlText` and `markdownText`, in UTF-16 units.
const TEXT_LIMIT: usize = 4096;
/// What items and a list's own actions may hold.
const ITEM_ACTIONS: [&str; 4] = ["buy", "link", "postback", "webview"];

/// Checks a content to be posted and fills in what Zendesk derives. `long_text` is the status of a
/// text above the limit.
pub(super) fn accept(content: &Value, long_text: u16) -> Result<Value, Problem> {
    if !content.is_object() {
        return Err(Problem::bad_request("content is required"));
    }
    texts(content, long_text)?;
    let mut content = content.clone();
    match string(&content, "type")? {
        "text" => text(&mut content)?,
        "image" => media(&content, true)?,
        "file" => media(&content, false)?,
        "carousel" => items(&content)?,
        "list" => list(&content)?,
        "form" => form(&content)?,
        "location" => location(&mut content)?,
        "template" if content["template"].is_object() => {}
        "formResponse" => return Err(Problem::bad_request("formResponse can not be sent")),
        other => return Err(Problem::bad_request(format!("Invalid content type {other}"))),
    }
    Ok(content)
}

/// What a person without rich display reads.
pub(super) fn fallback(content: &Value) -> String {
    for name in ["text", "markdownText", "textFallback", "altText"] {
        if let Some(text) = content[name].as_str().filter(|text| !text.is_empty()) {
            return text.to_owned();
        }
    }
    if let Some(html) = content["htmlText"].as_str() {
        return without_tags(html);
    }
    let titles = content["items"].as_array().into_iter().flatten().filter_map(|item| item["title"].as_str());
    titles.collect::<Vec<_>>().join("\n")
}

fn texts(content: &Value, long_text: u16) -> Result<(), Problem> {
    for name in ["text", "htmlText", "markdownText"] {
        match &content[name] {
            Value::Null => {}
            Value::String(text) if utf16(text) <= TEXT_LIMIT => {}
            Value::String(_) => {
                return Err(Problem::switched(
                    long_text,
                    format!("{name} must be at most {TEXT_LIMIT} characters"),
                ));
            }
            _ => return Err(Problem::bad_request(format!("{name} must be a string"))),
        }
    }
    if !content["htmlText"].is_null() && !content["markdownText"].is_null() {
        return Err(Problem::bad_request("htmlText and markdownText exclude each other"));
    }
    Ok(())
}

fn text(content: &mut Value) -> Result<(), Problem> {
    actions(content, &["buy", "link", "locationRequest", "postback", "reply", "webview"], 1..=10)?;
    if content["text"].as_str().is_some_and(|text| !text.is_empty()) {
        return Ok(());
    }
    let derived = fallback(content);
    if derived.is_empty() && content["actions"].is_null() {
        return Err(Problem::bad_request("One of text, htmlText, markdownText or actions is required"));
    }
    if !derived.is_empty() {
        content["text"] = json!(derived);
    }
    Ok(())
}

fn media(content: &Value, takes_actions: bool) -> Result<(), Problem> {
    let link = url::Url::parse(string(content, "mediaUrl")?);
    if !link.is_ok_and(|link| matches!(link.scheme(), "http" | "https")) {
        return Err(Problem::bad_request("mediaUrl must be an URL"));
    }
    within(content, "altText", 128)?;
    if !takes_actions && !content["actions"].is_null() {
        return Err(Problem::bad_request("A file takes no actions"));
    }
    actions(content, &["buy", "link", "locationRequest", "postback", "reply", "webview"], 1..=10)
}

fn items(content: &Value) -> Result<(), Problem> {
    let items = content["items"].as_array().filter(|items| (1..=10).contains(&items.len()));
    for item in items.ok_or_else(|| Problem::bad_request("items must be 1 to 10"))? {
        string(item, "title")?;
        within(item, "title", 128)?;
        within(item, "description", 128)?;
        within(item, "mediaUrl", 2048)?;
        if item["actions"].is_null() {
            return Err(Problem::bad_request("An item needs actions"));
        }
        actions(item, &ITEM_ACTIONS, 1..=3)?;
    }
    Ok(())
}

fn list(content: &Value) -> Result<(), Problem> {
    items(content)?;
    actions(content, &ITEM_ACTIONS, 1..=10)
}

fn actions(holder: &Value, kinds: &[&str], count: std::ops::RangeInclusive<usize>) -> Result<(), Problem> {
    let actions = match &holder["actions"] {
        Value::Null => return Ok(()),
        Value::Array(actions) if count.contains(&actions.len()) => actions,
        _ => {
            return Err(Problem::bad_request(format!(
                "actions must be {} to {}",
                count.start(),
                count.end()
            )));
        }
    };
    for action in actions {
        let kind = string(action, "type")?;
        if !kinds.contains(&kind) {
            return Err(Problem::bad_request(format!("Invalid action type {kind}")));
        }
        string(action, "text")?;
        let needed: &[&str] = match kind {
            "link" => &["uri"],
            "postback" | "reply" => &["payload"],
            "webview" => &["uri", "fallback"],
            _ => &[],
        };
        needed.iter().try_for_each(|name| string(action, name).map(|_| ()))?;
        if kind == "buy" && !action["amount"].is_i64() {
            return Err(Problem::bad_request("amount is required"));
        }
    }
    Ok(())
}

fn form(content: &Value) -> Result<(), Problem> {
    let fields = content["fields"].as_array().filter(|fields| (1..=20).contains(&fields.len()));
    for field in fields.ok_or_else(|| Problem::bad_request("fields must be 1 to 20"))? {
        if !matches!(string(field, "type")?, "text" | "email" | "select") {
            return Err(Problem::bad_request("A field is text, email or select"));
        }
        for name in ["name", "label"] {
            string(field, name)?;
            within(field, name, 128)?;
        }
        within(field, "placeholder", 128)?;
    }
    Ok(())
}

fn location(content: &mut Value) -> Result<(), Problem> {
    let (lat, long) = (content["coordinates"]["lat"].as_f64(), content["coordinates"]["long"].as_f64());
    let (Some(lat), Some(long)) = (lat, long) else {
        return Err(Problem::bad_request("coordinates are required"));
    };
    content["text"] = json!(format!("Location shared:\nhttps://maps.google.com/maps?q={lat},{long}"));
    Ok(())
}

/// The text of an html fragment.
pub(super) fn without_tags(html: &str) -> String {
    let mut inside = false;
    let visible = html.chars().filter(|&c| {
        inside = c == '<' || (inside && c != '>');
        !inside && c != '>'
    });
    visible.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(content: Value) -> bool {
        accept(&content, 400).is_err()
    }

    #[test]
    fn a_text_is_counted_in_utf16_units() {
        assert!(!refused(json!({ "type": "text", "text": "x".repeat(4096) })));
        assert!(refused(json!({ "type": "text", "text": "x".repeat(4097) })));
        assert!(!refused(json!({ "type": "text", "text": "😀".repeat(2048) })));
        assert!(refused(json!({ "type": "text", "text": format!("{}x", "😀".repeat(2048)) })));
    }

    #[test]
    fn a_content_that_breaks_a_rule_is_refused() {
        let link = json!({ "type": "link", "text": "Open", "uri": "https://example.org" });
        let item = json!({ "title": "One", "actions": [link] });
        let broken = [
            json!({ "type": "text" }),
            json!({ "type": "text", "htmlText": "<b>x</b>", "markdownText": "x" }),
            json!({ "type": "image" }),
            json!({ "type": "file", "mediaUrl": "https://example.org/x", "actions": [link] }),
            json!({ "type": "carousel", "items": vec![item.clone(); 11] }),
            json!({ "type": "carousel", "items": [{ "title": "One", "actions": vec![link.clone(); 4] }] }),
            json!({ "type": "list", "items": [item], "actions": [{ "type": "reply", "text": "x", "payload": "x" }] }),
            json!({ "type": "formResponse", "fields": [] }),
            json!({ "type": "location" }),
            json!({ "type": "dance" }),
        ];
        for content in broken {
            assert!(refused(content.clone()), "{content}");
        }
    }

    #[test]
    fn the_text_of_an_html_message_is_derived() {
        let content = accept(&json!({ "type": "text", "htmlText": "<p>Hi <b>Ada</b></p>" }), 400).unwrap();
        assert_eq!(content["text"], "Hi Ada");
    }
}
