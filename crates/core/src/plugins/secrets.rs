//! The secrets of one connection: compared, put into requests, and kept out of every text.

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Shortest value that is blotted out of texts: a shorter one would blot out half of every text.
const REDACTED_FROM: usize = 4;

/// Secrets by name.
#[derive(Clone, Default)]
pub(super) struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// The secrets that `names` lists; others are none of the connector's business.
    pub(super) fn only(secrets: &BTreeMap<String, SecretString>, names: &[&str]) -> Self {
        let wanted = secrets.iter().filter(|(name, _)| names.contains(&name.as_str()));
        Self(wanted.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The value of a secret; none when it is not set or empty.
    pub(super) fn expose(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    /// Whether `given` is the secret `name`. Takes as long whether or not they are alike; hashing
    /// first hides the length as well.
    pub(super) fn matches(&self, name: &str, given: &str) -> bool {
        let expected = self.expose(name);
        let same = Sha256::digest(expected.unwrap_or_default()).ct_eq(&Sha256::digest(given));
        bool::from(same) && expected.is_some()
    }

    /// The text with every secret's value replaced by its name, also where it was written for an
    /// address or for JSON.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut values: Vec<(&str, String)> =
            self.0.iter().flat_map(|(name, value)| forms(name, value)).collect();
        values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        values.iter().fold(text.to_owned(), |text, (name, value)| {
            if text.contains(value) { text.replace(value, &format!("[{name}]")) } else { text }
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The value as it is, in an address and in JSON.
fn forms<'a>(name: &'a str, value: &SecretString) -> Vec<(&'a str, String)> {
    let plain = value.expose_secret();
    if plain.len() < REDACTED_FROM {
        return Vec::new();
    }
    let quoted = serde_json::Value::from(plain).to_string();
    let mut forms = vec![plain.to_owned(), percent_encoded(plain), quoted.trim_matches('"').to_owned()];
    forms.dedup();
    forms.into_iter().map(|form| (name, form)).collect()
}

/// The text as one segment of an address: everything but unreserved characters is encoded.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let of = |text: &str| SecretString::from(text.to_owned());
        let all = BTreeMap::from([
            ("token".to_owned(), of("s3cr3t/to\"ken")),
            ("empty".to_owned(), of("")),
            ("longer".to_owned(), of("s3cr3t/to\"ken-and-more")),
            ("foreign".to_owned(), of("not asked for")),
        ]);
        Secrets::only(&all, &["token", "empty", "longer"])
    }

    #[test]
    fn a_secret_matches_itself_and_nothing_else() {
        let secrets = secrets();
        assert!(secrets.matches("token", "s3cr3t/to\"ken"));
        for (name, given) in
            [("token", "s3cr3t"), ("token", ""), ("empty", ""), ("none", ""), ("foreign", "not asked for")]
        {
            assert!(!secrets.matches(name, given), "{name} {given}");
        }
    }

    #[test]
    fn values_are_blotted_out_in_every_form() {
        let text = r#"a s3cr3t/to"ken b s3cr3t%2Fto%22ken c {"x":"s3cr3t/to\"ken"} d s3cr3t/to"ken-and-more"#;
        assert_eq!(secrets().redact(text), r#"a [token] b [token] c {"x":"[token]"} d [longer]"#);
        assert_eq!(format!("{:?}", secrets()), r#"{"empty", "longer", "token"}"#);
    }
}
