//! `handoff connector keygen` and `sign`: signatures that minisign reads as well.

use std::{
    env, fs,
    io::{Cursor, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use handoff_core::plugins;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};

use super::say;

/// Holds the password of a secret key, when it has one.
const PASSWORD: &str = "HANDOFF_KEY_PASSWORD";

pub(crate) fn keygen(name: &Path) -> anyhow::Result<ExitCode> {
    let (secret, public) = (name.with_extension("key"), name.with_extension("pub"));
    for file in [&secret, &public] {
        if file.exists() {
            bail!("{} is there already; name another, a key is never overwritten", file.display());
        }
    }
    let pair = match password() {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.context("no key could be made")?;
    let hidden = pair.sk.to_box(None).context("the key cannot be written")?.into_string();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&secret)
        .with_context(|| format!("{} cannot be written", secret.display()))?;
    file.write_all(hidden.as_bytes())?;
    file.sync_all()?;
    let shown = pair.pk.to_box().context("the key cannot be written")?.into_string();
    fs::write(&public, shown).with_context(|| format!("{} cannot be written", public.display()))?;
    say(format!("secret key   {} (keep it to yourself)", secret.display()));
    say(format!("public key   {} (give it to operators)", public.display()));
    say(format!("             {}", pair.pk.to_base64()));
    if password().is_none() {
        say(format!("The secret key has no password. To give it one, set {PASSWORD} before you make a key."));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn sign(file: &Path, key: &Path) -> anyhow::Result<ExitCode> {
    let inspection = match plugins::inspect(file) {
        Ok(inspection) => inspection,
        Err(refusal) => bail!("{} is not signed, because no server would load it: {refusal}", file.display()),
    };
    let secret = secret(key)?;
    let public = PublicKey::from_secret_key(&secret).context("the key cannot be used")?;
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let manifest = &inspection.manifest;
    let comment =
        format!("{} {} edge {}.{}", manifest.id, manifest.version, manifest.abi[0], manifest.abi[1]);
    let signature = minisign::sign(Some(&public), &secret, Cursor::new(bytes), Some(&comment), None)
        .context("the file cannot be signed")?;
    let beside = signature_of(file);
    fs::write(&beside, signature.into_string())
        .with_context(|| format!("{} cannot be written", beside.display()))?;
    say(format!("signed       {} {}", manifest.id, manifest.version));
    say(format!("signature    {}", beside.display()));
    Ok(ExitCode::SUCCESS)
}

/// Where the signature of a file lies.
pub(super) fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

fn secret(key: &Path) -> anyhow::Result<SecretKey> {
    let text =
        fs::read_to_string(key).with_context(|| format!("the key {} cannot be read", key.display()))?;
    let unreadable = || format!("{} is no secret key of minisign", key.display());
    let hidden = |text: &str| SecretKeyBox::from_string(text).with_context(unreadable);
    match password() {
        Some(password) => hidden(&text)?
            .into_secret_key(Some(password))
            .with_context(|| format!("{} cannot be opened with the password in {PASSWORD}", key.display())),
        None => hidden(&text)?.into_unencrypted_secret_key().with_context(|| {
            format!("{} cannot be opened; if it has a password, put it into {PASSWORD}", key.display())
        }),
    }
}

fn password() -> Option<String> {
    env::var(PASSWORD).ok().filter(|password| !password.is_empty())
}
