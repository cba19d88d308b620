//! Licences, sources and unwanted parts of what we depend on, by the rules of `deny.toml`: the same
//! that `cargo deny` goes by, for machines that do not have it.

use anyhow::{Context, Result};
use serde_json::Value;
use toml::Table;

use super::{Finding, Source};
use crate::shell::cargo;

/// The only place from which parts come, as cargo writes it.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Looks at every package of the lock file.
pub(super) fn check(sources: &[Source], findings: &mut Vec<Finding>) -> Result<()> {
    let rules = sources.iter().find(|source| source.path == "deny.toml").context("there is no deny.toml")?;
    let rules: Table = rules.text.parse().context("deny.toml is not TOML")?;
    let output = cargo(&["metadata", "--format-version", "1", "--all-features"]).output()?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo tells nothing of its packages")?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        judge(package, &rules, findings);
    }
    Ok(())
}

fn judge(package: &Value, rules: &Table, findings: &mut Vec<Finding>) {
    let name = package["name"].as_str().unwrap_or_default();
    let mut say = |problem: String| findings.push(Finding::new(format!("package {name}"), problem));
    if package["source"].as_str().is_some_and(|source| source != REGISTRY) {
        say(format!("comes from {}, which is no source of ours", package["source"]));
    }
    if listed(rules, &["bans", "deny"])
        .any(|rule| rule.get("crate").and_then(toml::Value::as_str) == Some(name))
    {
        say("is not wanted; deny.toml says why".to_owned());
    }
    let excepted = listed(rules, &["licenses", "exceptions"])
        .filter(|rule| rule.get("crate").and_then(toml::Value::as_str) == Some(name))
        .flat_map(|rule| rule.get("allow").and_then(toml::Value::as_array).into_iter().flatten());
    let allowed = listed(rules, &["licenses", "allow"]).chain(excepted);
    let allowed: Vec<&str> = allowed.filter_map(toml::Value::as_str).collect();
    let licence = package["license"].as_str().unwrap_or_default();
    if !permits(licence, &allowed) {
        say(format!("has the licence {licence:?}, which deny.toml does not allow"));
    }
}

/// Whether an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` can be met with these licences.
fn permits(expression: &str, allowed: &[&str]) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let (met, rest) = either(&words, allowed);
    met && rest.is_empty() && !words.is_empty()
}

fn either<'a>(words: &'a [&'a str], allowed: &[&str]) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = both(words, allowed);
    while let Some((&"OR", more)) = rest.split_first() {
        let (other, after) = both(more, allowed);
        (met, rest) = (met || other, after);
    }
    (met, rest)
}

fn both<'a>(words: &'a [&'a str], allowed: &[&str]) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let Some((&"AND", more)) = rest.split_first() {
        let (other, after) = one(more, allowed);
        (met, rest) = (met && other, after);
    }
    (met, rest)
}

fn one<'a>(words: &'a [&'a str], allowed: &[&str]) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inner @ ..] => {
            let (met, rest) = either(inner, allowed);
            (met, rest.strip_prefix(&[")"]).unwrap_or(rest))
        }
        [licence, "WITH", exception, rest @ ..] => {
            (allowed.contains(&format!("{licence} WITH {exception}").as_str()), rest)
        }
        [licence, rest @ ..] => (allowed.contains(licence), rest),
        [] => (false, words),
    }
}

fn listed<'a>(rules: &'a Table, place: &[&str; 2]) -> impl Iterator<Item = &'a toml::Value> {
    let list = rules.get(place[0]).and_then(|section| section.get(place[1])).and_then(toml::Value::as_array);
    list.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_by_any_choice_that_it_offers_and_by_nothing_else() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("", false),
            ("MIT/GPL-3.0", true),
            ("GPL-3.0 OR MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("MIT OR", true),
        ] {
            assert_eq!(permits(expression, &allowed), met, "{expression:?}");
        }
    }
}
