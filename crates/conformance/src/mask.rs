//! Secrets and words that must not be where they are found.

use std::collections::BTreeMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// Longest line of an exchange, in characters.
const MAX_LINE: usize = 600;
/// Shortest value that is looked for.
const SHORTEST: usize = 8;

/// The values that are looked for, each with the name under which it is shown.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    forms: Vec<(String, String)>,
    names: Vec<String>,
}

impl Masks {
    pub(crate) fn of(secrets: &BTreeMap<String, String>) -> Self {
        let mut forms: Vec<_> = secrets
            .iter()
            .filter(|(_, value)| value.len() >= SHORTEST)
            .flat_map(|(name, value)| forms(value).into_iter().map(move |form| (form, name.clone())))
            .collect();
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        Self { forms, names: secrets.keys().cloned().collect() }
    }

    /// The text without secrets, on one line and not too long.
    pub(crate) fn line(&self, text: &str) -> String {
        let mut text = self.forms.iter().fold(text.replace('\n', "\u{23ce}"), |text, (form, name)| {
            if text.contains(form) { text.replace(form, &format!("[{name}]")) } else { text }
        });
        if let Some((at, _)) = text.char_indices().nth(MAX_LINE) {
            text.truncate(at);
            text.push('\u{2026}');
        }
        text
    }

    /// The secret that stands in a text, or stood there before the server blotted it out.
    pub(crate) fn leak(&self, text: &str) -> Option<&str> {
        let plain = self.forms.iter().find(|(form, _)| text.contains(form)).map(|(_, name)| name.as_str());
        plain.or_else(|| {
            self.names.iter().find(|name| text.contains(&format!("[{name}]"))).map(String::as_str)
        })
    }
}

/// The value as it is, backwards, and as it looks in base64, in hexadecimal and in an address.
fn forms(value: &str) -> Vec<String> {
    let hexadecimal = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![value.to_owned(), value.chars().rev().collect(), hexadecimal];
    // Where a value stands within a longer text decides how base64 cuts it; the ends are left off.
    for shift in 0..3 {
        let padded = [&vec![b' '; shift], value.as_bytes()].concat();
        for encoded in [STANDARD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let encoded = encoded.trim_end_matches('=');
            forms.extend(encoded.get(4..encoded.len().saturating_sub(2)).map(str::to_owned));
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort_unstable();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_disguise_and_shown_by_its_name_only() {
        let secrets = BTreeMap::from([("token".to_owned(), "canary-of-the-token-17".to_owned())]);
        let masks = Masks::of(&secrets);
        let disguises = [
            "a canary-of-the-token-17 b".to_owned(),
            format!("Basic {}", STANDARD.encode("user:canary-of-the-token-17")),
            "71-nekot-eht-fo-yranac".to_owned(),
            "63616e6172792d6f662d7468652d746f6b656e2d3137".to_owned(),
            "blotted out: [token]".to_owned(),
        ];
        for text in disguises {
            assert_eq!(masks.leak(&text), Some("token"), "{text}");
            assert!(!masks.line(&text).contains("canary"), "{text}");
        }
        assert_eq!(masks.leak("nothing of the kind"), None);
    }
}
