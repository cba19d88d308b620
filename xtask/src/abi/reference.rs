//! `cargo xtask abi-reference`: writes `docs/reference/abi.md` from the comments and signatures of `crates/abi`.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, Result};
use handoff_tests::built::root;

/// The files of the edge, in the order in which they are read.
const FILES: [(&str, &str); 4] = [
    ("lib.rs", "Numbers and answers"),
    ("module.rs", "The root module"),
    ("plugin.rs", "What a plugin gives to the host"),
    ("host.rs", "What the host lends to a plugin"),
];

const HEAD: &str = "# The plugin edge\n\n\
<!-- Written by `cargo xtask abi-reference` from crates/abi. Change the comments there. -->\n\n\
What crosses between the server and a plugin file, in full. Makers of connectors do not see it: the SDK wraps it\n\
([write a connector](../guides/connect/first-connector.md)). Why it is so: decisions\n\
[1](../decisions/0001-bytes-across-the-plugin-edge.md) and\n\
[3](../decisions/0003-layouts-are-compared-in-both-directions.md). What code behind it can still do:\n\
[what keeps a plugin from harm](../guides/operate/isolation.md).\n";

/// Writes the page.
pub(crate) fn run() -> Result<()> {
    fs::write(page(), text()?)?;
    println!("{}", page().display());
    Ok(())
}

fn page() -> PathBuf {
    root().join("docs/reference/abi.md")
}

fn text() -> Result<String> {
    let mut text = HEAD.to_owned();
    for (file, title) in FILES {
        let path = root().join("crates/abi/src").join(file);
        let source =
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        // Writing to a string does not fail.
        let _ = write!(text, "\n## {title}\n\n{}\n", intro(&source));
        for Item { depth, signature, comment } in items(&source) {
            let _ = match depth {
                0 => write!(text, "\n### `{signature}`\n\n{comment}\n"),
                _ => write!(text, "\n- `{signature}`\n  {comment}\n"),
            };
        }
    }
    Ok(text)
}

/// A public item, or a part of one.
struct Item {
    depth: usize,
    signature: String,
    comment: String,
}

/// What a file is for, as its first comment says.
fn intro(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    plain(&lines.map(str::trim).collect::<Vec<_>>().join("\n"))
}

/// Every item that has a comment, with the line that names it, as far as the tests.
fn items(source: &str) -> Vec<Item> {
    let (mut items, mut comment) = (Vec::new(), Vec::new());
    let code = source.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    for line in code {
        let trimmed = line.trim();
        if let Some(said) = trimmed.strip_prefix("///") {
            comment.push(said.trim().to_owned());
        } else if !comment.is_empty() && !trimmed.starts_with("#[") {
            let signature = trimmed.trim_end_matches(['{', ';', ',']).trim_end().to_owned();
            let depth = usize::from(line.starts_with(' '));
            items.push(Item { depth, signature, comment: plain(&comment.join(" ")) });
            comment.clear();
        }
    }
    items
}

/// Links between items lead nowhere outside of the code.
fn plain(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`").replace("(emit)", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_of_the_plugin_edge_is_current() {
        let written = fs::read_to_string(page()).unwrap_or_default();
        assert!(written == text().unwrap_or_default(), "run cargo xtask abi-reference");
        for expected in
            ["ABI_MAJOR: u32 = 1", "fn invoke", "fn emit", "pub describe", "422 the connector's own error"]
        {
            assert!(written.contains(expected), "{expected} is missing");
        }
    }
}
