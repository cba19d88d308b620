//! `cargo xtask abi-matrix --broken`: whether this server refuses plugins whose edge was changed as no minor may
//! change it, although they carry its number. An edge that is not noticed here would end the server at a call.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::matrix::{self, Version};
use handoff_tests::built::{self, root};

/// What a copy needs of this tree.
const PARTS: [&str; 6] =
    ["Cargo.toml", "Cargo.lock", "crates/abi", "crates/model", "crates/sdk", "plugins/loopback"];
/// What a refusal says.
const WORDS: &str = "does not fit plugin edge";

/// A change that no minor may make: file, text, and what comes in its place, one after another.
struct Broken {
    name: &'static str,
    changes: &'static [(&'static str, &'static str, &'static str)],
}

const HOST: &str = "crates/abi/src/host.rs";
const PLUGIN: &str = "crates/abi/src/plugin.rs";
const MODULE: &str = "crates/abi/src/module.rs";
const LIB: &str = "crates/abi/src/lib.rs";

const EDGES: [Broken; 5] = [
    Broken {
        name: "two methods in another order",
        changes: &[
            (HOST, "fn call(&self, operation: RString, payload: RVec<u8>) -> Call;", "fn swapped();"),
            (
                HOST,
                "fn emit(&self, kind: u32, payload: RVec<u8>);",
                "fn call(&self, operation: RString, payload: RVec<u8>) -> Call;",
            ),
            (HOST, "fn swapped();", "fn emit(&self, kind: u32, payload: RVec<u8>);"),
        ],
    },
    Broken {
        name: "two fields of an error in another order",
        changes: &[
            (LIB, "pub code: u32,", "pub swapped: (),"),
            (LIB, "pub body: RVec<u8>,", "pub code: u32,"),
            (LIB, "pub swapped: (),", "pub body: RVec<u8>,"),
        ],
    },
    Broken {
        name: "two entries of the module in another order",
        changes: &[
            (MODULE, "pub describe: extern \"C\" fn() -> RVec<u8>,", "pub swapped: (),"),
            (
                MODULE,
                "pub create: extern \"C\" fn(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError>,",
                "pub describe: extern \"C\" fn() -> RVec<u8>,",
            ),
            (
                MODULE,
                "pub swapped: (),",
                "pub create: extern \"C\" fn(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError>,",
            ),
        ],
    },
    Broken {
        name: "a method less",
        changes: &[
            (
                PLUGIN,
                "    #[sabi(last_prefix_field)]\n    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply;\n",
                "",
            ),
            (PLUGIN, "fn invoke(&self", "#[sabi(last_prefix_field)]\n    fn invoke(&self"),
            (
                "crates/sdk/src/export.rs",
                "    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply {",
                "}\n\nimpl<C: Connector> Exported<C> {\n    #[allow(dead_code)]\n    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply {",
            ),
        ],
    },
    Broken {
        name: "an argument of another size",
        changes: &[
            (HOST, "fn emit(&self, kind: u32,", "fn emit(&self, kind: u64,"),
            (HOST, "pub const LOG: u32", "pub const LOG: u64"),
            (HOST, "pub const PANIC: u32", "pub const PANIC: u64"),
            (HOST, "pub const METRIC: u32", "pub const METRIC: u64"),
        ],
    },
];

/// Offers each of them to this server.
pub(crate) fn run() -> Result<()> {
    let host = matrix::build("this tree", &root())?;
    let mut taken = Vec::new();
    for edge in &EDGES {
        let plugin = built(edge)?;
        let told = told(&host, &plugin)?;
        let refusal = told.lines().find(|line| line.contains(WORDS));
        match refusal {
            Some(line) => println!("{:<45} refused: {}", edge.name, line.trim()),
            None => {
                println!("{:<45} TAKEN\n{told}", edge.name);
                taken.push(edge.name);
            }
        }
    }
    ensure!(taken.is_empty(), "the server takes plugins with a broken edge: {}", taken.join(", "));
    Ok(())
}

/// The example, built for a broken edge.
fn built(edge: &Broken) -> Result<std::path::PathBuf> {
    println!("building {}", edge.name);
    let folder = matrix::scratch("broken")?;
    for part in PARTS {
        matrix::copy(&root().join(part), &folder.join(part))?;
    }
    matrix::change(&folder.join("Cargo.toml"), ", \"xtask\", \"tests\"]", "]")?;
    for part in ["crates/abi", "crates/model", "crates/sdk", "plugins/loopback"] {
        without_tests(&folder.join(part).join("Cargo.toml"))?;
    }
    for (file, from, to) in edge.changes {
        matrix::change(&folder.join(file), from, to)?;
    }
    let mut cargo = built::cargo();
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", folder.join("target"));
    cargo.args(["build", "--package", "handoff-loopback", "--lib"]);
    let done = cargo.output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{} cannot be built: {said}", edge.name);
    Ok(folder.join("target/debug/libhandoff_loopback.so"))
}

/// A package file without what only its tests need, which is not part of the copy.
fn without_tests(manifest: &Path) -> Result<()> {
    let text = std::fs::read_to_string(manifest)?;
    let mut sections = text.split("\n[").map(str::to_owned).collect::<Vec<_>>();
    sections.retain(|section| !section.starts_with("dev-dependencies]"));
    Ok(std::fs::write(manifest, sections.join("\n["))?)
}

/// What the kit of this tree says of it.
fn told(host: &Version, plugin: &Path) -> Result<String> {
    let mut kit = Command::new(&host.kit);
    let done =
        kit.arg("--nocapture").env("HANDOFF_PLUGIN", plugin).output().context("the kit does not run")?;
    Ok(format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}
