//! Random tokens and their hashes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::console::answer::Trouble;

/// 256 bits of chance as text for cookies and forms.
///
/// # Errors
/// When the system gives no chance.
pub(super) fn random() -> Result<String, Trouble> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "The system gives no random bytes");
        Trouble::fault()
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256 in hexadecimal digits: what the store keeps in place of a token.
pub(super) fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by its time how much is right. An empty token fits nothing.
pub(super) fn fits(given: &str, known: &str) -> bool {
    !known.is_empty() && bool::from(given.as_bytes().ct_eq(known.as_bytes()))
}
