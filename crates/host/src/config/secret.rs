//! A secret, given in the file, by the environment, or by a file of its own. Cannot be printed.

use std::{env, fmt, fs, path::PathBuf};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Where a secret comes from.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Secret {
    /// Its value.
    Plain(SecretString),
    /// A variable of the environment.
    Env(FromEnv),
    /// A file; a final line break does not count.
    File(FromFile),
}

/// `{ env = "NAME" }`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromEnv {
    env: String,
}

/// `{ file = "path" }`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromFile {
    file: PathBuf,
}

impl Secret {
    /// Reads a file that is named without its folder from this one.
    pub(crate) fn beside(&mut self, folder: &std::path::Path) {
        if let Self::File(FromFile { file }) = self {
            *file = folder.join(&*file);
        }
    }

    /// The value.
    pub(crate) fn read(&self) -> anyhow::Result<SecretString> {
        let secret = match self {
            Self::Plain(secret) => secret.clone(),
            Self::Env(FromEnv { env }) => {
                env::var(env).with_context(|| format!("the environment variable {env} is not set"))?.into()
            }
            Self::File(FromFile { file }) => {
                let text = fs::read_to_string(file)
                    .with_context(|| format!("the secret's file {} cannot be read", file.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned().into()
            }
        };
        if secret.expose_secret().is_empty() {
            bail!("a secret is empty");
        }
        Ok(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Secret(in the file)",
            Self::Env(_) => "Secret(from the environment)",
            Self::File(_) => "Secret(from a file)",
        })
    }
}
