//! A folder of good, broken and odd files.

use std::{fs, path::PathBuf, process::Command};

use object::{Object, ObjectSection};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::world::Connectors;

/// The example connector, which cargo leaves beside the test.
pub(super) fn loopback() -> Vec<u8> {
    let beside = std::env::current_exe().unwrap().with_file_name("libhandoff_loopback.so");
    fs::read(&beside).unwrap_or_else(|error| panic!("{}: {error}", beside.display()))
}

/// The bytes with every occurrence of one text replaced by another of the same length.
fn patched(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let (mut patched, mut at) = (bytes.to_vec(), 0);
    while let Some(next) = patched[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
        at += next;
        patched[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    assert!(at > 0, "{from:?} is not in the file");
    patched
}

/// The same within the manifest section only, so that the plugin contradicts its file.
fn patched_section(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let file = object::File::parse(bytes).unwrap();
    let section = file.section_by_name(handoff_abi::MANIFEST_SECTION).unwrap();
    let (start, size) = section.file_range().unwrap();
    let range = start as usize..(start + size) as usize;
    let mut whole = bytes.to_vec();
    whole[range.clone()].copy_from_slice(&patched(&bytes[range], from, to));
    whole
}

fn c_library(folder: &TempDir, source: &str, arguments: &[&str]) -> Vec<u8> {
    let (code, library) = (folder.path().join("x.c"), folder.path().join("libx.so"));
    fs::write(&code, source).unwrap();
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&code).args(arguments).status();
    assert!(compiled.unwrap().success());
    fs::read(library).unwrap()
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("plugins")).unwrap();
        Self(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("plugins").join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn open(&self, outside: &Outside, connections: Vec<ConnectionSetup>) -> Registry {
        Registry::open(&options(self.0.path()), connections, outside.world())
    }
}

fn stage(report: &FileReport) -> Option<Stage> {
    match &report.state {
        FileState::Refused(refusal) => Some(refusal.stage),
        FileState::Loaded | FileState::Ignored { .. } => None,
    }
}

#[test]
fn an_inspection_says_what_a_file_is_without_running_it() {
    let place = Place::new();
    let inspection = inspect(&place.put("a.so", &loopback())).unwrap();
    assert_eq!(inspection.manifest.id.as_str(), "loopback");
    assert_eq!(inspection.sha256.len(), 64);
    assert!(inspection.needed.iter().any(|name| name.starts_with("libc.so")), "{:?}", inspection.needed);
}

#[test]
fn every_broken_file_is_refused_in_plain_words() {
    let (place, scratch, whole) = (Place::new(), tempfile::tempdir().unwrap(), loopback());
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    let root = handoff_abi::abi_stable::library::ROOT_MODULE_LOADER_NAME;
    c_library(&scratch, "int f(void) { return 1; }", &["-Wl,-soname,libforeign.so"]);
    let foreign = scratch.path().join("libforeign.so");
    fs::rename(scratch.path().join("libx.so"), &foreign).unwrap();
    let foreign =
        c_library(&scratch, "int f(void); int g(void) { return f(); }", &[foreign.to_str().unwrap()]);
    let entry = format!("char {root}[4096] = \"not the right mark at all\";");
    let mut cases = vec![
        ("text", b"I am a text.\n".to_vec(), Stage::Structure, "not a shared library"),
        ("empty", Vec::new(), Stage::Structure, "empty"),
        ("mark", b"\x7fELF".to_vec(), Stage::Structure, "only its beginning"),
        ("32-bit", with(4, 1), Stage::Structure, "not a 64-bit"),
        ("byte order", with(5, 2), Stage::Structure, "byte order"),
        ("program", with(16, 2), Stage::Structure, "not a shared library"),
        ("machine", with(18, 0x28), Stage::Structure, "another kind of machine"),
        ("plain C", c_library(&scratch, "int f(void) { return 1; }", &[]), Stage::Structure, "not a plugin"),
        ("wrong entry", c_library(&scratch, &entry, &[]), Stage::Structure, "entry is damaged"),
        ("foreign library", foreign, Stage::Structure, "libforeign.so"),
        ("no manifest", patched(&whole, ".handoff.meta", ".handoff.mexa"), Stage::Manifest, "says nothing"),
        ("bad id", patched(&whole, "\"loopback\"", "\"Loopback\""), Stage::Manifest, "no id"),
        (
            "other edge",
            patched(&whole, "\"abi\": [1, 0]", "\"abi\": [9, 0]"),
            Stage::Manifest,
            "plugin edge 9.0",
        ),
    ];
    for keep in
        [64, 4096, whole.len() / 4, whole.len() / 2, whole.len() - 4096, whole.len() - 100, whole.len() - 1]
    {
        cases.push(("truncated", whole[..keep].to_vec(), Stage::Structure, "incomplete"));
    }
    for (what, bytes, stage, reason) in cases {
        let refusal = inspect(&place.put("x.so", &bytes)).expect_err(what);
        assert_eq!(refusal.stage, stage, "{what}: {refusal}");
        assert!(refusal.reason.contains(reason), "{what}: {refusal}");
        assert!(!refusal.remedy.is_empty());
    }
}

/// Zeroes in the middle of the code cannot be seen from outside; zeroes in the tables can. Either
/// way the inspection must come to an end, and the file must have another SHA-256.
#[test]
fn zeroed_pages_never_upset_the_inspection_and_always_change_the_sha256() {
    let (place, whole) = (Place::new(), loopback());
    let sha256 = inspect(&place.put("x.so", &whole)).unwrap().sha256;
    for part in 0..12 {
        let mut bytes = whole.clone();
        let at = part * whole.len() / 12;
        let end = (at + 65536).min(whole.len());
        bytes[at..end].fill(0);
        match inspect(&place.put("x.so", &bytes)) {
            Ok(inspection) => assert_ne!(inspection.sha256, sha256),
            Err(refusal) => assert!(!refusal.reason.is_empty()),
        }
    }
}

#[test]
fn a_folder_that_is_missing_or_empty_is_reported() {
    let place = tempfile::tempdir().unwrap();
    for expected in ["does not exist", "is empty"] {
        let registry = Registry::open(&options(place.path()), Vec::new(), Outside::new().world());
        let report = registry.report();
        assert_eq!((report.len(), stage(&report[0])), (1, Some(Stage::Folder)));
        assert!(report[0].to_string().contains(expected), "{}", report[0]);
        fs::create_dir(place.path().join("plugins")).unwrap_or_default();
    }
}

#[test]
fn every_file_of_a_folder_gets_its_line() {
    let (place, whole) = (Place::new(), loopback());
    place.put("a.so", &whole);
    place.put("b.so", &patched(&whole, "\"version\": \"0.1.0\"", "\"version\": \"0.0.9\""));
    place.put("c.so", b"text");
    place.put("d.so", &patched_section(&whole, "\"loopback\"", "\"liarback\""));
    place.put("e.so.part", &whole[..100]);
    place.put(".f.so", &whole);
    fs::create_dir(place.path("g.so")).unwrap();
    // The same version once more, in other bytes.
    place.put("h.so", &patched(&whole, "\"name\": \"Loopback\"", "\"name\": \"Loopbacc\""));
    place.put("c.so.minisig", b"looked at with its file");
    place.put("i.so.minisig", b"of nothing");
    let registry = place.open(&Outside::new(), Vec::new());
    let report = registry.report();
    let lines: Vec<_> = report.iter().map(|line| (line.file.as_str(), stage(line))).collect();
    let expected = [
        (".f.so", None),
        ("a.so", None),
        ("b.so", None),
        ("c.so", Some(Stage::Structure)),
        ("d.so", Some(Stage::Describe)),
        ("e.so.part", None),
        ("g.so", Some(Stage::Read)),
        ("h.so", Some(Stage::Choice)),
        ("i.so.minisig", None),
    ];
    assert_eq!(lines, expected);
    assert_eq!(report[1].state, FileState::Loaded);
    for ignored in [0, 2, 5, 8] {
        assert!(matches!(report[ignored].state, FileState::Ignored { .. }), "{}", report[ignored]);
    }
    assert!(report[8].to_string().contains("the signature of i.so, which is not here"), "{}", report[8]);
    for passed_over in [2, 7] {
        let line = report[passed_over].to_string();
        assert!(line.contains("loopback 0.1.0 from a.so is used instead"), "{line}");
    }
    assert_eq!(registry.status().len(), 1);
}

#[test]
fn the_higher_version_wins_by_number_and_not_by_name() {
    let (place, whole) = (Place::new(), loopback());
    let version =
        |version: &str| patched(&whole, "\"version\": \"0.1.0\"", &format!("\"version\":\"{version}\""));
    place.put("z.so", &version("10.0.0"));
    place.put("a.so", &version("9.99.0"));
    let status = place.open(&Outside::new(), Vec::new()).status();
    assert_eq!((status[0].version.as_str(), status[0].file.as_str()), ("10.0.0", "z.so"));
}

#[tokio::test]
async fn two_plugins_of_one_type_serve_side_by_side_even_while_their_files_are_overwritten() {
    let (place, whole, outside) = (Place::new(), loopback(), Outside::new());
    let files =
        [place.put("a.so", &whole), place.put("b.so", &patched(&whole, "\"loopback\"", "\"loopbacl\""))];
    let connections =
        vec![connection("c1", "loopback", json!({})), connection("c2", "loopbacl", json!({ "echo": true }))];
    let registry = place.open(&outside, connections);
    let ids: Vec<_> = registry.status().iter().map(|status| status.id.to_string()).collect();
    assert_eq!(ids, ["loopback", "loopbacl"]);
    for file in files {
        fs::write(file, b"overwritten").unwrap();
    }
    for id in ["c1", "c2"].map(ConnectionId::new) {
        let trail = Arc::new(Trail::default());
        let transfer = json!({
            "key": "h1", "route": "bridge", "chat": null, "person": { "id": "p" }, "transcript": [],
        });
        let find = call("find", json!({ "transfer": transfer }));
        assert_eq!(registry.call(&id, find).await, Ok(json!({ "found": "absent", "safe_now": true })));
        let transferred = Call { checkpoints: Some(trail.clone()), ..call("transfer", transfer) };
        assert_eq!(registry.call(&id, transferred).await.unwrap()["ticket"]["chat"], "h1");
        assert_eq!(*trail.left.lock(), [json!({ "recorded": true })]);
        assert!(outside.memory.value(&format!("{id}/handoff/h1")).is_some());
        assert_eq!(registry.call(&id, call("check", json!(null))).await, Ok(json!({ "findings": [] })));
    }
}

#[tokio::test]
async fn settings_that_do_not_fit_the_schema_keep_only_their_connection_from_working() {
    let (place, outside) = (Place::new(), Outside::new());
    place.put("a.so", &loopback());
    let wrong = connection("c1", "loopback", json!({ "echo": "yes", "ecko": 1 }));
    let registry = place.open(&outside, vec![wrong, connection("c2", "loopback", json!({}))]);
    let connections = registry.connections();
    assert_eq!(connections[0].problems.len(), 2, "{connections:?}");
    assert!(connections[1].problems.is_empty());
}
