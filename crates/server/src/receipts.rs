//! The key by which whoever holds a receipt can tell that it is this server's and unchanged.

use std::io::Cursor;

use handoff_core::handoff::Handoff;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

/// An Ed25519 key in minisign's form. Signatures are as good for minisign itself.
pub struct ReceiptKey {
    secret: SecretKey,
    public: PublicKey,
}

/// A receipt with its signature.
pub struct SignedReceipt {
    /// JSON, to be kept as it is.
    pub receipt: Vec<u8>,
    /// The text of a signature file.
    pub signature: String,
}

/// A key that cannot be used, or a receipt that cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReceiptKeyError(String);

impl From<minisign::PError> for ReceiptKeyError {
    fn from(error: minisign::PError) -> Self {
        Self(error.to_string())
    }
}

impl ReceiptKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, ReceiptKeyError> {
        let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair()?;
        Ok(Self { secret: sk, public: pk })
    }

    /// Reads what [`Self::to_text`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_text(text: &str) -> Result<Self, ReceiptKeyError> {
        let secret = SecretKeyBox::from_string(text)?.into_unencrypted_secret_key()?;
        let public = PublicKey::from_secret_key(&secret)?;
        Ok(Self { secret, public })
    }

    /// The secret key, to be kept where nobody else reads it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn to_text(&self) -> Result<String, ReceiptKeyError> {
        Ok(self.secret.to_box(None)?.into_string())
    }

    /// The public key in one line, for whoever checks receipts.
    pub fn public(&self) -> String {
        self.public.to_base64()
    }

    /// The receipt of a handoff as it stands, and the signature over its bytes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, handoff: &Handoff) -> Result<SignedReceipt, ReceiptKeyError> {
        self.seal(handoff.statement(), handoff.id.as_str())
    }

    fn seal(&self, receipt: Vec<u8>, id: &str) -> Result<SignedReceipt, ReceiptKeyError> {
        let comment = format!("receipt of handoff {id}");
        let (data, comment) = (Cursor::new(&receipt), Some(comment.as_str()));
        let signature = minisign::sign(Some(&self.public), &self.secret, data, comment, comment)?;
        Ok(SignedReceipt { signature: signature.into_string(), receipt })
    }
}

#[cfg(test)]
mod tests {
    use minisign::SignatureBox;

    use super::*;

    fn holds(key: &ReceiptKey, bytes: &[u8], signature: &str) -> bool {
        let signature = SignatureBox::from_string(signature).unwrap();
        minisign::verify(&key.public, &signature, Cursor::new(bytes), true, false, false).is_ok()
    }

    #[test]
    fn one_changed_byte_anywhere_is_noticed_and_so_is_another_key() {
        let key = ReceiptKey::generate().unwrap();
        let receipt = b"{\"told\": []}\n".to_vec();
        let signed = key.seal(receipt.clone(), "h1").unwrap();
        assert!(holds(&key, &receipt, &signed.signature));
        for at in 0..receipt.len() {
            let mut changed = receipt.clone();
            changed[at] ^= 1;
            assert!(!holds(&key, &changed, &signed.signature), "byte {at}");
        }
        assert!(!holds(&key, &receipt[1..], &signed.signature));
        let other = ReceiptKey::generate().unwrap();
        assert!(!holds(&other, &receipt, &signed.signature));
        let again = ReceiptKey::from_text(&key.to_text().unwrap()).unwrap();
        assert!(holds(&again, &receipt, &signed.signature));
        assert_eq!(again.public(), key.public());
    }
}
