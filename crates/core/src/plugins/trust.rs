//! Whose plugin files are opened: a lock file, signatures, a list of connectors, or anybody's.

use std::{collections::BTreeMap, fs, path::PathBuf};

use handoff_model::{ConnectorId, connector::Manifest};
use minisign_verify::{PublicKey, Signature};
use serde::{Deserialize, Serialize};

use super::report::{Refusal, Stage};

/// What a plugin file needs before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// To stand in the lock file.
    Locked,
    /// To stand in the lock file, or a signature by a trusted key.
    #[default]
    Signed,
    /// One of these, or to bring a connector of the list.
    AllowListed,
    /// Nothing.
    Any,
}

/// The operator's trust.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// What a file needs.
    pub policy: Policy,
    /// Public keys, as minisign writes them in one line.
    pub keys: Vec<String>,
    /// Connectors that may come in files which nobody signed.
    pub allowed: Vec<ConnectorId>,
    /// The lock file.
    pub lock: Option<PathBuf>,
    /// Hosts that a connector may ask for; one that is not named gets what its manifest asks for.
    pub hosts: BTreeMap<ConnectorId, Vec<String>>,
}

/// Why a file is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It stands in the lock file.
    Locked,
    /// A trusted key signed it.
    Signed,
    /// Its connector is on the list.
    AllowListed,
    /// The policy asks for nothing.
    Unsigned,
}

impl Standing {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Signed => "signed",
            Self::AllowListed => "allow-listed",
            Self::Unsigned => "unsigned",
        }
    }
}

/// The lock file: which bytes a connector may have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The files.
    #[serde(default, rename = "plugin")]
    pub plugins: Vec<Locked>,
}

/// One file of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The connector that it brings.
    pub id: ConnectorId,
    /// Version of that connector.
    pub version: String,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
}

impl Trust {
    /// Why a file is trusted. `signature` is what lies beside it as `FILE.minisig`.
    ///
    /// # Errors
    /// Why it is not, and what the operator can do.
    pub fn judge(
        &self,
        bytes: &[u8],
        sha256: &str,
        manifest: &Manifest,
        signature: Option<&str>,
    ) -> Result<Standing, Refusal> {
        let (id, version) = (&manifest.id, &manifest.version);
        self.granted(manifest)?;
        let lock = self.lock()?;
        if lock.plugins.iter().any(|known| known.sha256 == sha256 && known.id == *id) {
            return Ok(Standing::Locked);
        }
        // The same version with other bytes is what a lock is there to notice, whatever the policy.
        if lock.plugins.iter().any(|known| known.id == *id && known.version == *version) {
            let reason = format!("{id} {version} stands in the lock file with another SHA-256 than {sha256}");
            return Err(distrust(reason, "find out who changed the file, or lock it anew"));
        }
        if self.signed(bytes, signature)? {
            return match self.policy {
                Policy::Locked => Err(self.lacking(id, signature.is_some())),
                _ => Ok(Standing::Signed),
            };
        }
        match self.policy {
            Policy::Any => Ok(Standing::Unsigned),
            Policy::AllowListed if self.allowed.contains(id) => Ok(Standing::AllowListed),
            Policy::Locked | Policy::Signed | Policy::AllowListed => {
                Err(self.lacking(id, signature.is_some()))
            }
        }
    }

    /// Whether everything that a connector wants to call was granted. What a setting names, the operator has written
    /// there.
    fn granted(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let Some(granted) = self.hosts.get(&manifest.id) else { return Ok(()) };
        let covered = |host: &String| {
            let below = |grant: &String| grant.strip_prefix('*').is_some_and(|end| host.ends_with(end));
            host.starts_with('{') || granted.iter().any(|grant| grant == host || below(grant))
        };
        let beyond: Vec<_> = manifest.hosts.iter().filter(|host| !covered(host)).cloned().collect();
        if beyond.is_empty() {
            return Ok(());
        }
        let (id, beyond) = (&manifest.id, beyond.join(", "));
        let reason = format!("it wants to call {beyond}, which plugins.hosts.{id} does not grant");
        Err(distrust(reason, "grant it there if the connector needs it, or keep the file out"))
    }

    /// Whether a file that was trusted for this reason when it served would be so under this policy.
    pub(super) fn still(&self, standing: Standing, id: &ConnectorId) -> bool {
        match standing {
            Standing::Locked => true,
            Standing::Signed => self.policy != Policy::Locked,
            Standing::AllowListed => match self.policy {
                Policy::AllowListed => self.allowed.contains(id),
                policy => policy == Policy::Any,
            },
            Standing::Unsigned => self.policy == Policy::Any,
        }
    }

    /// What the lock file says; nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn lock(&self) -> Result<Lock, Refusal> {
        let Some(path) = &self.lock else { return Ok(Lock::default()) };
        let unreadable = |error: String| {
            let reason = format!("the lock file {} cannot be read: {error}", path.display());
            distrust(reason, "mend it, or write it anew: handoff connector lock")
        };
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| unreadable(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// Whether a trusted key signed these bytes. A signature of somebody else counts as none.
    fn signed(&self, bytes: &[u8], signature: Option<&str>) -> Result<bool, Refusal> {
        let Some(text) = signature else { return Ok(false) };
        let damaged = |error: minisign_verify::Error| {
            distrust(format!("the signature beside it cannot be used: {error}"), "sign the file again")
        };
        let signature = Signature::decode(text).map_err(damaged)?;
        for key in &self.keys {
            let key = PublicKey::from_base64(key.trim()).map_err(|error| {
                distrust(format!("the trusted key {key:?} is no key: {error}"), "mend plugins.keys")
            })?;
            match key.verify(bytes, &signature, false) {
                Ok(()) => return Ok(true),
                Err(minisign_verify::Error::UnexpectedKeyId) => {}
                // Signed by a key we trust, and other bytes: somebody changed the file.
                Err(error) => {
                    let reason =
                        format!("its signature is by a trusted key and not for these bytes: {error}");
                    return Err(distrust(reason, "do not use it; take the file from its author again"));
                }
            }
        }
        Ok(false)
    }

    fn lacking(&self, id: &ConnectorId, has_signature: bool) -> Refusal {
        let signed = match (has_signature, self.keys.len()) {
            (false, _) => "nobody signed it",
            (true, 0) => "it is signed, and plugins.keys names no key that is trusted",
            (true, _) => "it is signed, and by none of the keys in plugins.keys",
        };
        let (wants, ways) = match self.policy {
            Policy::Locked => {
                ("it does not stand in the lock file".to_owned(), "lock it: handoff connector lock FILE")
            }
            Policy::AllowListed => (
                format!("{signed}, it does not stand in the lock file, and its connector is not on the list"),
                "lock it (handoff connector lock FILE), or add its connector to plugins.allowed",
            ),
            Policy::Signed | Policy::Any => (
                format!("{signed}, and it does not stand in the lock file"),
                "add its author's key to plugins.keys, or lock it: handoff connector lock FILE",
            ),
        };
        distrust(format!("{id} is not trusted: {wants}"), ways)
    }
}

fn distrust(reason: impl Into<String>, remedy: &str) -> Refusal {
    Refusal::new(Stage::Trust, reason, remedy)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connector_that_wants_more_hosts_than_were_granted_is_refused() {
        let cases: [(&[&str], &[&str], Option<&str>); 8] = [
            (&["api.acme.example"], &["api.acme.example"], None),
            (&["api.acme.example"], &["*.acme.example"], None),
            (&["*.eu.acme.example"], &["*.acme.example"], None),
            (&["{base_url}"], &[], None),
            (&["*.acme.example"], &["api.acme.example"], Some("*.acme.example")),
            (&["acme.example"], &["*.acme.example"], Some("acme.example")),
            (&["notacme.example"], &["*.acme.example"], Some("notacme.example")),
            (&["api.acme.example", "evil.example"], &["api.acme.example"], Some("evil.example")),
        ];
        for (wanted, granted, beyond) in cases {
            let manifest = json!({
                "id": "acme", "version": "1.0.0", "name": "Acme", "abi": [1, 0], "model": 1, "hosts": wanted,
                "capabilities": {}, "settings": {},
            });
            let manifest = serde_json::from_value(manifest).unwrap();
            let granted = granted.iter().map(|host| (*host).to_owned()).collect();
            let hosts = BTreeMap::from([(ConnectorId::new("acme"), granted)]);
            let trust = Trust { policy: Policy::Any, hosts, ..Trust::default() };
            let judged = trust.judge(b"", "abc", &manifest, None);
            let reason = judged.as_ref().err().map(|refusal| refusal.reason.as_str());
            match beyond {
                Some(host) => {
                    let says = format!("it wants to call {host}, which plugins.hosts.acme does not grant");
                    assert_eq!(reason, Some(says.as_str()));
                }
                None => assert_eq!(reason, None, "{wanted:?}"),
            }
        }
        assert!(Trust { policy: Policy::Any, ..Trust::default() }.hosts.is_empty());
    }

    #[test]
    fn who_is_not_trusted_hears_whether_nobody_signed_or_somebody_else() {
        let key = || vec!["a key".to_owned()];
        let cases = [
            (false, key(), "nobody signed it, and it does not"),
            (true, key(), "by none of the keys in plugins.keys, and"),
            (true, Vec::new(), "plugins.keys names no key"),
        ];
        for (has_signature, keys, says) in cases {
            let trust = Trust { policy: Policy::Signed, keys, ..Trust::default() };
            let reason = trust.lacking(&ConnectorId::new("acme"), has_signature).reason;
            assert!(reason.contains(says), "{reason}");
        }
    }
}
