//! What lies in the operators' folder: a stamp of every file, to see what changed, and what each file is.

use std::{collections::BTreeMap, fs, io, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use super::{
    inspect::{Inspection, examine, read, sha256},
    report::{FileReport, FileState, Refusal, Stage},
    trust::{Standing, Trust},
};

/// How a plugin file's signature is called.
pub(super) const SIGNATURE: &str = ".minisig";

/// By what a file is known to be the same as before: device, inode, size, times of content and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, u64, u64, i128, i128);

/// Every name in a folder and its stamp; what the folder's own trouble is, when it cannot be read.
pub(super) type Look = Result<BTreeMap<String, Stamp>, Refusal>;

/// A trusted file that says which connector it brings.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) inspection: Arc<Inspection>,
    pub(super) standing: Standing,
}

impl Stamp {
    /// The stamp of a file; none when there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let (content, change) =
            (nanos(about.mtime(), about.mtime_nsec()), nanos(about.ctime(), about.ctime_nsec()));
        Some(Self(about.dev(), about.ino(), about.size(), content, change))
    }
}

/// Looks through a folder without opening any file.
pub(super) fn survey(folder: &Path) -> Look {
    let place = folder.display();
    let refuse = |reason: String, remedy: &str| Refusal::new(Stage::Folder, reason, remedy);
    let entries = fs::read_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let reason = format!("the plugin folder {place} does not exist, so there is no connector");
            refuse(reason, "make the folder and put plugin files into it")
        }
        _ => refuse(
            format!("the plugin folder {place} cannot be read: {error}"),
            "let the server's user read the folder",
        ),
    })?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    // A file that goes away in between is no file of this look.
    let look: BTreeMap<_, _> =
        names.filter_map(|name| Some((name.clone(), Stamp::of(&folder.join(name))?))).collect();
    if look.is_empty() {
        let reason = format!("the plugin folder {place} is empty, so there is no connector");
        return Err(refuse(reason, "put plugin files into the folder"));
    }
    Ok(look)
}

/// The line about the folder itself.
pub(super) fn about_folder(folder: &Path, refusal: Refusal) -> FileReport {
    line(folder.display().to_string(), None, None, None, FileState::Refused(refusal))
}

/// What one file is: trusted and of use, or the final word on it.
pub(super) fn look_at(folder: &Path, name: &str, trust: &Trust) -> Result<Found, Box<FileReport>> {
    let report = |sha256, inspection: Option<&Inspection>, state| {
        Box::new(line(name.to_owned(), sha256, inspection, None, state))
    };
    if name.starts_with('.') || !name.ends_with(".so") {
        let reason = match name.strip_suffix(SIGNATURE) {
            Some(signed) => format!("it is the signature of {signed}, which is not here"),
            None => "its name is not one of a plugin file, which ends in .so".to_owned(),
        };
        return Err(report(None, None, FileState::Ignored { reason }));
    }
    let path = folder.join(name);
    let bytes = read(&path).map_err(|refusal| report(None, None, FileState::Refused(refusal)))?;
    let inspection =
        examine(&bytes).map_err(|refusal| report(Some(sha256(&bytes)), None, FileState::Refused(refusal)))?;
    let signature = fs::read_to_string(folder.join(format!("{name}{SIGNATURE}"))).ok();
    let judged = trust.judge(&bytes, &inspection.sha256, &inspection.manifest, signature.as_deref());
    match judged {
        Ok(standing) => Ok(Found { name: name.to_owned(), inspection: Arc::new(inspection), standing }),
        Err(refusal) => {
            Err(report(Some(inspection.sha256.clone()), Some(&inspection), FileState::Refused(refusal)))
        }
    }
}

impl Found {
    /// The line about this file.
    pub(super) fn report(&self, state: FileState) -> FileReport {
        let sha256 = Some(self.inspection.sha256.clone());
        line(self.name.clone(), sha256, Some(&self.inspection), Some(self.standing), state)
    }
}

fn line(
    file: String,
    sha256: Option<String>,
    inspection: Option<&Inspection>,
    trust: Option<Standing>,
    state: FileState,
) -> FileReport {
    let manifest = inspection.map(|inspection| &inspection.manifest);
    let (id, version) =
        (manifest.map(|manifest| manifest.id.clone()), manifest.map(|manifest| manifest.version.clone()));
    FileReport { file, sha256, id, version, trust, state }
}
