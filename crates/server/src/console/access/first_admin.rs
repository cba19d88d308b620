//! The first user of a new installation.

use handoff_core::{
    store::{Store, StoreError, User},
    world::Clock,
};
use secrecy::SecretString;

use super::password;

/// Name of the first user.
const NAME: &str = "admin";
/// Characters of a generated password.
const LENGTH: usize = 20;
/// Letters and digits that are not mistaken for each other; 32 of them, so that a byte picks evenly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why there is no first user.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// The password could not be made or hashed.
    #[error("no password could be made for the first user: {0}")]
    Password(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the user `admin` when there is no user yet. Without a password one is made up and given back,
/// to be told to the operator once; otherwise nothing is given back.
///
/// # Errors
/// When the user could not be made. Another server that was faster is no error.
pub async fn first_admin(
    store: &dyn Store,
    password: Option<SecretString>,
    clock: &dyn Clock,
) -> Result<Option<String>, FirstAdminError> {
    if store.count_users().await? > 0 {
        return Ok(None);
    }
    let generated = match &password {
        Some(_) => None,
        None => Some(generate().map_err(|error| FirstAdminError::Password(error.to_string()))?),
    };
    let chosen = password.or_else(|| generated.clone().map(SecretString::from)).unwrap_or_default();
    let password_hash = password::hash(chosen).await.map_err(FirstAdminError::Password)?;
    match store.add_user(User { name: NAME.to_owned(), password_hash, at: clock.now() }).await {
        Ok(()) => Ok(generated),
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn generate() -> Result<String, getrandom::Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
