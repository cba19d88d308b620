//! `handoff handoff receipt`, `receipt-key` and `verify-receipt`.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};
use handoff_core::{handoff::Handoff, store::Handoffs};
use handoff_model::HandoffId;
use minisign::{PublicKey, PublicKeyBox, SignatureBox};

use super::{say, signing::signature_of};
use crate::{compose, config::Config};

/// Writes a handoff's receipt with its signature, or prints it.
pub(super) async fn give(
    config: &Config,
    store: &impl Handoffs,
    id: &str,
    out: Option<&Path>,
) -> anyhow::Result<()> {
    let handoff: Option<Handoff> = store.handoff(&HandoffId::new(id)).await?;
    let handoff =
        handoff.with_context(|| format!("there is no handoff {id:?}; see: handoff handoff list"))?;
    let signed = compose::receipt_key(config)?.sign(&handoff)?;
    let Some(out) = out else {
        return std::io::stdout().write_all(&signed.receipt).context("the receipt cannot be printed");
    };
    let beside = signature_of(out);
    for (file, bytes) in [(out, signed.receipt.as_slice()), (&beside, signed.signature.as_bytes())] {
        fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    say(format!("receipt      {}", out.display()));
    say(format!("signature    {}", beside.display()));
    Ok(())
}

/// Prints the public key of receipts.
pub(super) fn key(config: &Config) -> anyhow::Result<()> {
    say(compose::receipt_key(config)?.public());
    Ok(())
}

/// Whether a receipt is what the server with this key signed. Asks no server and reads no configuration.
pub(crate) fn verify(file: &Path, key: &str, signature: Option<&Path>) -> anyhow::Result<ExitCode> {
    let public = public(key)?;
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let beside = signature.map_or_else(|| signature_of(file), Path::to_owned);
    let text = fs::read_to_string(&beside)
        .with_context(|| format!("the signature {} cannot be read", beside.display()))?;
    let signature = SignatureBox::from_string(&text)
        .with_context(|| format!("{} is no signature of minisign", beside.display()))?;
    if let Err(error) = minisign::verify(&public, &signature, Cursor::new(bytes), true, false, false) {
        bail!("{} is not what the owner of this key signed: {error}", file.display());
    }
    say(format!("good         {}", signature.trusted_comment().unwrap_or_default()));
    Ok(ExitCode::SUCCESS)
}

/// A key as it is printed, or a file that holds it.
fn public(key: &str) -> anyhow::Result<PublicKey> {
    if let Ok(public) = PublicKey::from_base64(key) {
        return Ok(public);
    }
    let text = fs::read_to_string(key)
        .with_context(|| format!("{key:?} is neither a public key nor a file with one"))?;
    let read = || -> Result<PublicKey, minisign::PError> {
        match PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key) {
            Ok(public) => Ok(public),
            Err(_) => PublicKey::from_base64(text.trim()),
        }
    };
    read().with_context(|| format!("the file {key} holds no public key of minisign"))
}
