//! API keys, as the configuration gives them: by their secret or by its SHA-256.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Scope;

/// A shorter secret could be guessed.
const SHORTEST_SECRET: usize = 20;

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Too easy to guess.
    #[error("the secret of API key {0:?} is too short: use at least {SHORTEST_SECRET} random characters")]
    Short(String),
    /// Not a SHA-256.
    #[error("the hash of API key {0:?} must be the SHA-256 of its secret, as 64 hexadecimal digits")]
    Hash(String),
    /// Two keys could not be told apart.
    #[error("there are two API keys with the name or the secret of {0:?}")]
    Twice(String),
}

/// One API key: a name for people, the hash of a secret, and what it allows.
#[derive(Clone)]
pub struct ApiKey {
    name: String,
    hash: [u8; 32],
    scopes: Vec<Scope>,
}

/// All API keys.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Vec<ApiKey>);

impl ApiKey {
    /// A key by its secret; only the hash is kept.
    ///
    /// # Errors
    /// When the secret is too short.
    pub fn from_secret(name: &str, secret: &SecretString, scopes: Vec<Scope>) -> Result<Self, KeyError> {
        let secret = secret.expose_secret();
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyError::Short(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), hash: Sha256::digest(secret).into(), scopes })
    }

    /// A key by the SHA-256 of its secret, in hexadecimal digits.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits.
    pub fn from_hash(name: &str, hash: &str, scopes: Vec<Scope>) -> Result<Self, KeyError> {
        let hash = read_hash(hash).ok_or_else(|| KeyError::Hash(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), hash, scopes })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it allows this.
    pub fn allows(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope)
    }
}

impl ApiKeys {
    /// Takes the keys.
    ///
    /// # Errors
    /// When two have the same name or the same secret.
    pub fn new(keys: Vec<ApiKey>) -> Result<Self, KeyError> {
        for (place, key) in keys.iter().enumerate() {
            if keys[..place].iter().any(|other| other.name == key.name || other.hash == key.hash) {
                return Err(KeyError::Twice(key.name.clone()));
            }
        }
        Ok(Self(keys))
    }

    /// The key with this secret. Takes the same time whichever it is, and when there is none.
    pub fn find(&self, secret: &str) -> Option<&ApiKey> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        self.0
            .iter()
            .fold(None, |found, key| if bool::from(key.hash.ct_eq(&hash)) { Some(key) } else { found })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

fn read_hash(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use handoff_model::ChannelId;

    use super::*;

    const SECRET: &str = "a secret of some length";

    fn key(name: &str, secret: &str) -> ApiKey {
        let scopes = vec![Scope::Channel(ChannelId::new("web"))];
        ApiKey::from_secret(name, &SecretString::from(secret), scopes).unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_secret_and_by_nothing_else() {
        let keys = ApiKeys::new(vec![key("one", SECRET), key("two", "another secret of length")]).unwrap();
        assert_eq!(keys.find(SECRET).map(ApiKey::name), Some("one"));
        for wrong in ["", "a secret of some lengt", "A secret of some length", "one"] {
            assert!(keys.find(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_key_given_by_its_hash_is_the_key_given_by_its_secret() {
        let digits: String = Sha256::digest(SECRET).iter().map(|byte| format!("{byte:02X}")).collect();
        let by_hash = ApiKey::from_hash("one", &digits, vec![Scope::Admin]).unwrap();
        let keys = ApiKeys::new(vec![by_hash]).unwrap();
        assert!(keys.find(SECRET).is_some_and(|key| key.allows(&Scope::Admin)));
    }

    #[test]
    fn keys_that_could_be_guessed_or_confused_are_refused() {
        let short = ApiKey::from_secret("one", &SecretString::from("short"), vec![]);
        assert_eq!(short.unwrap_err(), KeyError::Short("one".into()));
        for bad in ["", "zz", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert_eq!(ApiKey::from_hash("one", bad, vec![]).unwrap_err(), KeyError::Hash("one".into()));
        }
        let same_secret = ApiKeys::new(vec![key("one", SECRET), key("two", SECRET)]);
        assert_eq!(same_secret.unwrap_err(), KeyError::Twice("two".into()));
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        assert_eq!(
            format!("{:?}", key("one", SECRET)),
            r#"ApiKey { name: "one", scopes: [Channel("web")], .. }"#
        );
    }
}
