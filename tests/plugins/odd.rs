//! Files that are whole and wrong: what they do shows only when they are opened. Each is named with its reason, and
//! the server and its other connectors go on.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use handoff_tests::built::{self, built, root};
use serde_json::json;

use super::{
    copies::{copy_renamed, target, workspace},
    hot::{Load, started, until},
};

/// A change of the misbehaving connector's entry, what becomes of the file, and words of the reason.
struct Odd {
    id: &'static str,
    from: &'static str,
    to: &'static str,
    words: &'static str,
}

/// Runs when the file is opened, before anything can be asked of it.
const AT_OPENING: &str = "/// The root symbol.";

const ODD: [Odd; 6] = [
    Odd {
        id: "odd_hidden",
        from: "CheckTypeLayout::Yes",
        to: "CheckTypeLayout::No",
        words: "a layout that it hides",
    },
    Odd {
        id: "odd_aborting",
        from: AT_OPENING,
        to: "#[used]\n#[allow(unsafe_code)]\n#[unsafe(link_section = \".init_array\")]\nstatic EARLY: extern \"C\" fn() = {\n    extern \"C\" fn early() {\n        std::process::abort();\n    }\n    early\n};\n\n/// The root symbol.",
        words: "ended the process that tried to open it",
    },
    Odd {
        id: "odd_hanging",
        from: AT_OPENING,
        to: "#[used]\n#[allow(unsafe_code)]\n#[unsafe(link_section = \".init_array\")]\nstatic EARLY: extern \"C\" fn() = {\n    extern \"C\" fn early() {\n        std::thread::sleep(std::time::Duration::from_secs(3600));\n    }\n    early\n};\n\n/// The root symbol.",
        words: "did not end within",
    },
    Odd {
        id: "odd_leaving",
        from: "export::call_root_module_loader(||",
        to: "std::process::exit(0);\n        #[allow(unreachable_code)]\n        export::call_root_module_loader(||",
        words: "ended the process that tried to open it",
    },
    Odd {
        id: "odd_panicking",
        from: "Module { describe, create }.leak_into_prefix()",
        to: "{\n            if std::hint::black_box(true) {\n                panic!(\"not today\");\n            }\n            Module { describe, create }.leak_into_prefix()\n        }",
        words: "its beginning",
    },
    Odd {
        id: "odd_lying",
        from: "MANIFEST.to_vec().into()",
        to: "b\"{}\".to_vec().into()",
        words: "describes itself otherwise",
    },
];

/// Builds them all beside everything else.
fn build(folder: &Path) -> Result<()> {
    workspace(folder, "odd_*")?;
    for odd in &ODD {
        let place = folder.join(odd.id);
        copy_renamed(&root().join("plugins/misbehaving"), &place, odd.id)?;
        // The type keeps its name; only the file is known by another.
        let entry = place.join("src/raw.rs");
        let text = fs::read_to_string(&entry)?;
        ensure!(text.contains(odd.from), "{}: {:?} is not there any more", odd.id, odd.from);
        fs::write(&entry, text.replacen(odd.from, odd.to, 1))?;
    }
    let mut cargo = built::cargo();
    cargo.current_dir(folder).args(["build", "--offline", "--quiet"]).env("CARGO_TARGET_DIR", target()?);
    let done = cargo.output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The file with the mark of an older library for the plugin edge.
fn of_an_older_library(whole: &[u8]) -> Result<Vec<u8>> {
    const MARK: &[u8] = b"abi stable library for Rust";
    let at = whole.windows(MARK.len()).position(|part| part == MARK).context("no mark")?;
    let mut older = whole.to_vec();
    // After the mark, 32 bytes long, major and minor number follow.
    older[at + 36] -= 1;
    Ok(older)
}

#[tokio::test]
async fn whole_files_that_are_wrong_inside_are_each_explained_under_load_and_nobody_misses_a_call()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    build(folder.path())?;
    let mut server = started(|config| config["plugins"]["policy"] = json!("any")).await?;
    let good = fs::read(built()?.plugin("loopback")?)?;
    fs::write(server.plugins().join("loopback.so"), &good)?;
    server.restart().await?;
    let load = Load::start(&server, 4);
    load.goes_on(10).await?;
    for odd in &ODD {
        let built = target()?.join("debug").join(format!("libhandoff_{}.so", odd.id));
        fs::copy(built, server.plugins().join(format!("{}.so", odd.id)))?;
    }
    fs::write(server.plugins().join("odd_older.so"), of_an_older_library(&good)?)?;
    let refused = |files: &[serde_json::Value]| {
        files.iter().filter(|file| file["state"] == "refused").count() == ODD.len() + 1
    };
    let files = until(&server, "every reason", refused).await?;
    let line = |name: &str| files.iter().find(|file| file["file"] == name).context("a line");
    for Odd { id, words, .. } in &ODD {
        let line = line(&format!("{id}.so"))?;
        let reason = line["reason"].as_str().context("a reason")?;
        assert!(reason.contains(words), "{id}: {line:#}");
        assert!(line["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{id}: {line:#}");
    }
    let older = line("odd_older.so")?;
    assert!(older["reason"].to_string().contains("another version of the library"), "{older:#}");
    load.goes_on(20).await?;
    load.ends().await?;
    ensure!(server.runs(), "the server ended: {}", server.log_tail());
    Ok(())
}

#[test]
fn a_plugin_that_could_not_catch_its_panics_is_not_built_and_its_maker_is_told_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    workspace(folder.path(), "plugin")?;
    copy_renamed(&root().join("plugins/loopback"), &folder.path().join("plugin"), "odd_abort")?;
    let mut rustc = built::cargo();
    rustc.current_dir(folder.path()).args([
        "rustc",
        "--offline",
        "--lib",
        "--crate-type",
        "cdylib",
        "--package",
        "handoff-odd_abort",
        "--",
    ]);
    rustc.args(["-C", "panic=abort"]).env("CARGO_TARGET_DIR", target()?);
    let done = rustc.output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(!done.status.success() && said.contains("a panic would end the whole server"), "{said}");
    Ok(())
}
