//! Goes through the operators' folder and opens what can be opened.

use std::{cmp::Reverse, fs, path::Path};

use super::{
    inspect::{Inspection, examine, read, sha256},
    load::Image,
    report::{FileReport, FileState, Refusal, Stage},
    vault::Vault,
};

/// A file that passed the inspection, and its bytes.
struct Candidate {
    name: String,
    bytes: Vec<u8>,
    inspection: Inspection,
}

/// Opens the newest version of every connector in `folder`, and reports on every file. Files with
/// names that do not end in `.so` are reported as ignored.
pub(super) fn gather(folder: &Path, vault: &Path) -> (Vec<Image>, Vec<FileReport>) {
    let names = match names(folder) {
        Ok(names) => names,
        Err(refusal) => return (Vec::new(), vec![about_folder(folder, refusal)]),
    };
    let (mut candidates, mut reports) = (Vec::new(), Vec::new());
    for name in names {
        match look(folder, name) {
            Ok(candidate) => candidates.push(candidate),
            Err(report) => reports.push(*report),
        }
    }
    let images = open_all(candidates, vault, &mut reports);
    reports.sort_by(|one, other| one.file.cmp(&other.file));
    (images, reports)
}

fn names(folder: &Path) -> Result<Vec<String>, Refusal> {
    let place = folder.display();
    let refuse = |reason: String, remedy: &str| Refusal::new(Stage::Folder, reason, remedy);
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            names.extend(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let reason = format!("the plugin folder {place} does not exist, so there is no connector");
            return Err(refuse(reason, "make the folder and put plugin files into it"));
        }
        Err(error) => {
            let reason = format!("the plugin folder {place} cannot be read: {error}");
            return Err(refuse(reason, "let the server's user read the folder"));
        }
    }
    if names.is_empty() {
        let reason = format!("the plugin folder {place} is empty, so there is no connector");
        return Err(refuse(reason, "put plugin files into the folder"));
    }
    names.sort();
    Ok(names)
}

fn about_folder(folder: &Path, refusal: Refusal) -> FileReport {
    let file = folder.display().to_string();
    FileReport { file, sha256: None, id: None, version: None, state: FileState::Refused(refusal) }
}

/// Inspects one file; the final word on it when it is no candidate.
fn look(folder: &Path, name: String) -> Result<Candidate, Box<FileReport>> {
    let report = |name: String, sha256, state| {
        Box::new(FileReport { file: name, sha256, id: None, version: None, state })
    };
    if name.starts_with('.') || !name.ends_with(".so") {
        let reason = "its name is not one of a plugin file, which ends in .so".to_owned();
        return Err(report(name, None, FileState::Ignored { reason }));
    }
    let bytes = match read(&folder.join(&name)) {
        Ok(bytes) => bytes,
        Err(refusal) => return Err(report(name, None, FileState::Refused(refusal))),
    };
    match examine(&bytes) {
        Ok(inspection) => Ok(Candidate { name, bytes, inspection }),
        Err(refusal) => Err(report(name, Some(sha256(&bytes)), FileState::Refused(refusal))),
    }
}

/// Opens one file for each connector: the newest that can be opened.
fn open_all(mut candidates: Vec<Candidate>, vault: &Path, reports: &mut Vec<FileReport>) -> Vec<Image> {
    candidates.sort_by_cached_key(|candidate| {
        let version = semver::Version::parse(&candidate.inspection.manifest.version).ok();
        (candidate.inspection.manifest.id.clone(), Reverse(version), candidate.name.clone())
    });
    let vault = (!candidates.is_empty()).then(|| Vault::open(vault));
    let mut images: Vec<Image> = Vec::new();
    for candidate in candidates {
        let serving = images.last().filter(|image| image.manifest.id == candidate.inspection.manifest.id);
        let opened = match (serving, &vault) {
            (Some(serving), _) => Err(passed_over(serving)),
            (None, Some(Ok(vault))) => open(&candidate, vault),
            (None, Some(Err(refusal))) => Err(refusal.clone()),
            (None, None) => continue,
        };
        let state = match opened {
            Ok(image) => {
                images.push(image);
                FileState::Loaded
            }
            Err(refusal) => FileState::Refused(refusal),
        };
        reports.push(about(candidate, state));
    }
    images
}

fn open(candidate: &Candidate, vault: &Vault) -> Result<Image, Refusal> {
    let path = vault.keep(&candidate.bytes, &candidate.inspection.sha256)?;
    Image::open(&path, &candidate.name, &candidate.inspection)
}

fn passed_over(serving: &Image) -> Refusal {
    let (id, version, file) = (&serving.manifest.id, &serving.manifest.version, &serving.file);
    let reason = format!("{id} {version} from {file} is used instead");
    Refusal::new(Stage::Choice, reason, "take away the file that is not wanted")
}

fn about(candidate: Candidate, state: FileState) -> FileReport {
    let manifest = &candidate.inspection.manifest;
    FileReport {
        file: candidate.name,
        sha256: Some(candidate.inspection.sha256),
        id: Some(manifest.id.clone()),
        version: Some(manifest.version.clone()),
        state,
    }
}
