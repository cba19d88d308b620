//! Passwords: argon2id, away from the threads that serve requests.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use secrecy::{ExposeSecret, SecretString};

/// The hash of a password as it is stored.
///
/// # Errors
/// When the system gives no chance for the salt.
pub(in crate::console) async fn hash(password: SecretString) -> Result<String, String> {
    blocking(move || compute(&password)).await?
}

/// Whether a password fits a stored hash. Without a hash the same work is done for nothing, so that
/// the time does not tell whether a name exists.
pub(in crate::console) async fn matches(password: SecretString, stored: Option<String>) -> bool {
    let checked = blocking(move || match stored {
        Some(stored) => verify(&password, &stored),
        None => {
            verify(&password, &NOBODY);
            false
        }
    });
    checked.await.unwrap_or(false)
}

/// The hash of a password that nobody has.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| compute(&SecretString::from("nobody".to_owned())).unwrap_or_default());

fn compute(password: &SecretString) -> Result<String, String> {
    let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

fn verify(password: &SecretString, stored: &str) -> bool {
    Argon2::default().verify_password(password.expose_secret().as_bytes(), stored).is_ok()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_its_hash() {
        let stored = hash("right horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(matches("right horse".into(), Some(stored.clone())).await);
        assert!(!matches("wrong horse".into(), Some(stored)).await);
        assert!(!matches("nobody".into(), None).await);
    }
}
