//! Every package has its licence, edition and lints, and depends only on what lies below it.

use toml::Table;

use super::{Finding, Source};

/// The crates that ship, from the bottom up; each depends only on those before it.
const ORDER: [&str; 9] = [
    "handoff-model",
    "handoff-abi",
    "handoff-sdk",
    "handoff-core",
    "handoff-conformance",
    "handoff-store",
    "handoff-server",
    "handoff",
    // Nothing that ships depends on them.
    "handoff-simulators",
];
/// What every package takes from the workspace.
const SHARED: [&str; 4] = ["license", "edition", "rust-version", "publish"];

/// Looks at every manifest.
pub(super) fn check(sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources.iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        let Ok(manifest) = source.text.parse::<Table>() else {
            findings.push(Finding::new(&source.path, "is not TOML"));
            continue;
        };
        // What is a workspace of its own, such as a fuzzer's, takes nothing from ours.
        if manifest.contains_key("workspace") {
            continue;
        }
        let Some(package) = manifest.get("package").and_then(toml::Value::as_table) else { continue };
        for field in SHARED.into_iter().filter(|field| !from_workspace(package.get(*field))) {
            findings.push(Finding::new(&source.path, format!("write {field}.workspace = true")));
        }
        if !from_workspace(manifest.get("lints")) && !has_own_lints(&manifest) {
            findings.push(Finding::new(&source.path, "write [lints] workspace = true"));
        }
        order(&source.path, package, &manifest, findings);
    }
}

/// The plugin edge cannot do without `unsafe`, so it has lints of its own, and says so.
fn has_own_lints(manifest: &Table) -> bool {
    manifest.get("lints").and_then(toml::Value::as_table).is_some_and(|lints| lints.contains_key("rust"))
}

fn from_workspace(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

fn order(path: &str, package: &Table, manifest: &Table, findings: &mut Vec<Finding>) {
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let own = package.get("name").and_then(toml::Value::as_str).and_then(place);
    let (Some(own), Some(dependencies)) = (own, manifest.get("dependencies").and_then(toml::Value::as_table))
    else {
        return;
    };
    for name in dependencies.keys() {
        if place(name).is_some_and(|other| other >= own) {
            findings.push(Finding::new(path, format!("depends on {name}, which lies above it")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_licence_or_out_of_order_is_found() {
        let whole = "[package]\nname = \"handoff-core\"\nlicense.workspace = true\nedition.workspace = true\n\
                     rust-version.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
        let above = "[dependencies]\nhandoff-server.workspace = true\n";
        let cases = [
            (whole.to_owned(), 0),
            (whole.replace("license.workspace = true\n", ""), 1),
            (whole.replace("[lints]\nworkspace = true\n", ""), 1),
            (format!("{whole}{above}"), 1),
        ];
        for (text, expected) in cases {
            let mut findings = Vec::new();
            check(&[Source { path: "crates/core/Cargo.toml".to_owned(), text }], &mut findings);
            assert_eq!(findings.len(), expected);
        }
    }
}
