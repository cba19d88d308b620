//! What a plugin says about itself, checked against what this host is.

use handoff_abi::{ABI_MAJOR, ABI_MINOR};
use handoff_model::connector::{Manifest, OptionField, OptionKind, Quota};
use serde::Deserialize;

use crate::plugins::{
    capability::http::grant,
    report::{Refusal, Stage},
    settings,
};

/// Largest manifest, in bytes.
const MAX_MANIFEST: usize = 64 * 1024;
/// Longest id of a connector.
const MAX_ID: usize = 40;
/// Options of an action at most.
const MAX_OPTIONS: usize = 40;

/// Number of the JSON model that this host speaks.
pub const MODEL: u32 = 1;

/// What this host offers to connectors, as manifests ask for it.
pub const FEATURES: [&str; 12] = [
    "http.send/1",
    "http.form_secret/1",
    "http.header_secret/1",
    "http.file/1",
    "kv/1",
    "lease/1",
    "checkpoint/1",
    "secret.matches/1",
    "sleep/1",
    "blob/1",
    "log/1",
    "metric/1",
];

/// The part of a manifest that every version of it has.
#[derive(Deserialize)]
struct Built {
    abi: [u32; 2],
    model: u32,
}

/// Reads and checks a manifest.
pub(super) fn read(bytes: &[u8]) -> Result<Manifest, Refusal> {
    if bytes.len() >= MAX_MANIFEST {
        return Err(author(format!("its manifest has {} bytes; 64 KiB are too many", bytes.len())));
    }
    let unreadable = |error: serde_json::Error| author(format!("its manifest cannot be read: {error}"));
    let built: Built = serde_json::from_slice(bytes).map_err(unreadable)?;
    numbers(&built)?;
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(unreadable)?;
    features(&manifest)?;
    match fault(&manifest) {
        Some(fault) => Err(author(fault)),
        None => Ok(manifest),
    }
}

fn numbers(built: &Built) -> Result<(), Refusal> {
    let [major, minor] = built.abi;
    if major != ABI_MAJOR {
        let reason =
            format!("it was built for plugin edge {major}.{minor}; this server has {ABI_MAJOR}.{ABI_MINOR}");
        return Err(Refusal::new(Stage::Manifest, reason, other_build(major > ABI_MAJOR)));
    }
    if !(1..=MODEL).contains(&built.model) {
        let reason = format!("it speaks model {}; this server speaks {MODEL}", built.model);
        return Err(Refusal::new(Stage::Manifest, reason, other_build(built.model > MODEL)));
    }
    Ok(())
}

fn features(manifest: &Manifest) -> Result<(), Refusal> {
    let missing: Vec<_> =
        manifest.requires.iter().map(String::as_str).filter(|wanted| !FEATURES.contains(wanted)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (missing, offered) = (missing.join(", "), FEATURES.join(", "));
    let reason = format!("it needs {missing} of its host; this server offers {offered}");
    Err(Refusal::new(Stage::Manifest, reason, other_build(true)))
}

/// What an author did wrong.
fn fault(manifest: &Manifest) -> Option<String> {
    let id = manifest.id.as_str();
    if !is_name(id) {
        return Some(format!("{id:?} is no id for a connector: 1 to {MAX_ID} of a-z, 0-9 and _"));
    }
    if let Err(error) = semver::Version::parse(&manifest.version) {
        return Some(format!("{:?} is no version such as 1.2.3: {error}", manifest.version));
    }
    if manifest.name.trim().is_empty() || manifest.name.chars().count() > 80 {
        return Some("its name for people is empty or longer than 80 characters".to_owned());
    }
    if let Some(host) = manifest.hosts.iter().find(|host| !grant::is_pattern(host)) {
        return Some(format!("{host:?} names no host, nor the subdomains of one, nor a setting"));
    }
    if let Some(secret) = manifest.secrets.iter().find(|secret| !is_name(&secret.name)) {
        return Some(format!("{:?} is no name for a secret: 1 to {MAX_ID} of a-z, 0-9 and _", secret.name));
    }
    if let Some(problem) = manifest.quota.as_ref().and_then(Quota::problem) {
        return Some(format!("its quota: {problem}"));
    }
    let secrets = manifest.capabilities.route_secrets.values().flatten();
    let undeclared = |name: &&String| !manifest.secrets.iter().any(|secret| secret.name == **name);
    if let Some(name) = secrets.into_iter().find(undeclared) {
        return Some(format!("a route needs the secret {name:?}, which it does not declare"));
    }
    options_fault(&manifest.capabilities.options).or_else(|| settings::fault(&manifest.settings))
}

/// What is wrong with the members of an action's options.
fn options_fault(options: &[OptionField]) -> Option<String> {
    if options.len() > MAX_OPTIONS {
        return Some(format!("it has {} options; {MAX_OPTIONS} are the most", options.len()));
    }
    options.iter().enumerate().find_map(|(at, option)| {
        let name = &option.name;
        if !is_name(name) {
            return Some(format!("{name:?} is no name for an option: 1 to {MAX_ID} of a-z, 0-9 and _"));
        }
        if options[..at].iter().any(|other| other.name == *name) {
            return Some(format!("it has two options of the name {name:?}"));
        }
        let nothing_to_choose = option.kind == OptionKind::Choice && !option.live && option.among.is_empty();
        nothing_to_choose
            .then(|| format!("nothing can be chosen for its option {name:?}: neither live nor among"))
    })
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(fits)
}

fn author(reason: String) -> Refusal {
    Refusal::new(Stage::Manifest, reason, "ask the plugin's author for a mended file")
}

fn other_build(plugin_is_newer: bool) -> &'static str {
    if plugin_is_newer {
        "update the server, or use an older version of the plugin"
    } else {
        "use a newer version of the plugin"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn valid() -> Value {
        json!({
            "id": "x_1", "version": "1.2.3-rc.1", "name": "X", "abi": [1, 7], "model": 1,
            "requires": ["kv/1"], "hosts": ["*.example.com", "{base_url}"], "capabilities": {},
            "secrets": [{ "name": "token", "title": "Token" }], "settings": { "type": "object" },
        })
    }

    fn offers(options: Value) -> Value {
        json!({ "options": options })
    }

    #[test]
    fn a_manifest_that_fits_is_taken_also_from_a_newer_minor() {
        assert_eq!(read(valid().to_string().as_bytes()).unwrap().id.as_str(), "x_1");
    }

    #[test]
    fn whatever_does_not_fit_is_named() {
        let cases = [
            ("/id", json!("X"), "no id"),
            ("/id", json!("a".repeat(41)), "no id"),
            ("/id", json!("../etc"), "no id"),
            ("/version", json!("1.2"), "no version"),
            ("/name", json!(" "), "name for people"),
            ("/abi", json!([2, 0]), "plugin edge 2.0"),
            ("/abi", json!("1"), "cannot be read"),
            ("/model", json!(2), "model 2"),
            ("/model", json!(0), "model 0"),
            ("/requires", json!(["kv/1", "time.travel/3"]), "time.travel/3"),
            ("/hosts", json!(["*"]), "names no host"),
            ("/secrets/0/name", json!("../token"), "name for a secret"),
            ("/settings", json!({ "type": 5 }), "settings"),
            ("/capabilities", json!(1), "cannot be read"),
            (
                "/capabilities",
                offers(json!([{ "name": "../x", "title": "X", "kind": "text" }])),
                "no name for an option",
            ),
            (
                "/capabilities",
                offers(json!([{ "name": "x", "title": "X", "kind": "choice" }])),
                "nothing can be chosen",
            ),
            (
                "/capabilities",
                offers(
                    json!([{ "name": "x", "title": "X", "kind": "text" }, { "name": "x", "title": "Y", "kind": "text" }]),
                ),
                "two options",
            ),
            (
                "/capabilities",
                offers(json!([{ "name": "x", "title": "X", "kind": "sound" }])),
                "cannot be read",
            ),
        ];
        for (pointer, value, expected) in cases {
            let mut manifest = valid();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let refusal = read(manifest.to_string().as_bytes()).unwrap_err();
            assert!(refusal.reason.contains(expected), "{pointer}: {refusal}");
            assert_eq!(refusal.stage, Stage::Manifest);
        }
        let long = format!("{}{}", valid(), " ".repeat(MAX_MANIFEST));
        assert!(read(long.as_bytes()).unwrap_err().reason.contains("64 KiB"));
        assert!(read(b"\x7f\0").unwrap_err().reason.contains("cannot be read"));
    }
}
