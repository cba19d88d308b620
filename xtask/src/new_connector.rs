//! `cargo xtask new-connector acme`: a crate for a new connector, which builds, passes the conformance kit against
//! a platform of its own, and serves in the demo.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use handoff_tests::built::root;

/// Longest id of a connector.
const MAX_ID: usize = 40;

/// What to make.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The connector's id: small letters, digits and `_`, beginning with a letter. It never changes.
    id: String,
    /// The platform's name for people; without one, the id with a capital.
    #[arg(long)]
    name: Option<String>,
    /// The folder in which the crate's folder is made.
    #[arg(long)]
    into: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let id = options.id.as_str();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    ensure!(
        id.len() <= MAX_ID
            && id.starts_with(|first: char| first.is_ascii_lowercase())
            && id.bytes().all(fits),
        "{id:?} is no id for a connector: a small letter, then small letters, digits and _, at most {MAX_ID} in all"
    );
    let kind = camel(id);
    let name = options.name.clone().unwrap_or_else(|| kind.clone());
    let plain = |letter: char| letter.is_alphanumeric() || " .-".contains(letter);
    ensure!(
        (1..=80).contains(&name.chars().count()) && name.chars().all(plain),
        "{name:?} is no name for a platform: at most 80 letters, digits, spaces, points and hyphens"
    );
    let folder = options.into.clone().unwrap_or_else(|| root().join("plugins")).join(id);
    ensure!(!folder.exists(), "{} is there already", folder.display());
    copy(&root().join("xtask/template"), &folder, &|text| renamed(text, id, &kind, &name))?;
    say(id, &folder);
    Ok(())
}

fn say(id: &str, folder: &Path) {
    let package = format!("handoff-{}", id.replace('_', "-"));
    let test = format!("cargo test -p {package}");
    let demo = format!("cargo xtask demo --connector {id}");
    let width = test.len().max(demo.len());
    println!("{} is made. Next:", folder.display());
    println!("  {test:width$}   the conformance kit, against the platform in tests/conformance/desk.rs");
    println!("  {demo:width$}   a chat is handed to it by a server, signed and all");
    println!(
        "then put your platform's requests into src/, and your platform into desk.rs: docs/guides/connect/first-connector.md"
    );
}

/// `my_desk` as the name of a type: `MyDesk`.
fn camel(id: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    id.split('_').map(word).collect()
}

/// The template speaks of Acme Desk.
fn renamed(text: &str, id: &str, kind: &str, name: &str) -> String {
    let package = format!("handoff-{}", id.replace('_', "-"));
    text.replace("handoff-acme", &package)
        .replace("acme.example", "desk.example")
        .replace("Acme Desk", name)
        .replace("X-Acme-Secret", "X-Webhook-Secret")
        .replace("x-acme-secret", "x-webhook-secret")
        .replace("Acme", kind)
        .replace("acme", id)
}

fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target, change)?;
        } else {
            fs::write(&target, change(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_the_template_gets_the_new_name() {
        let text = "handoff-acme Acme Desk x-acme-secret struct Acme acme.example \"acme\"";
        let new = renamed(text, "my_desk", &camel("my_desk"), "My Desk");
        assert_eq!(new, "handoff-my-desk My Desk x-webhook-secret struct MyDesk desk.example \"my_desk\"");
    }
}
