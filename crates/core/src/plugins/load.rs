//! Opens a plugin file of the private store and makes sure that both sides mean the same by every type.
//!
//! An opened file stays open for the life of the process: what it handed out may be in use anywhere.

use std::{path::Path, sync::Arc};

use handoff_abi::{
    ABI_MAJOR, ABI_MINOR, Host, ModuleRef, Plugin,
    abi_stable::{
        StableAbi,
        abi_stability::check_layout_compatibility,
        library::{AbiHeaderRef, LibHeader, ROOT_MODULE_LOADER_NAME},
        std_types::RResult,
    },
};
use handoff_model::connector::Manifest;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use tracing::debug;

use super::{
    Mode, answer,
    inspect::Inspection,
    report::{Refusal, Stage},
    trust::Standing,
    worker::Recipe,
};

/// Longest account of a mismatch; the full one goes to the debug log.
const MAX_ACCOUNT: usize = 300;

/// A plugin that can make connectors.
#[derive(Clone)]
pub(super) struct Image {
    /// The file that brought it.
    pub(super) file: String,
    /// SHA-256 of that file in hexadecimal.
    pub(super) sha256: String,
    /// Why it is trusted.
    pub(super) standing: Standing,
    /// What it says about itself.
    pub(super) manifest: Arc<Manifest>,
    pub(super) code: Code,
}

/// Where its code is.
#[derive(Clone)]
pub(super) enum Code {
    /// In this process.
    Here(ModuleRef),
    /// In a file that workers open.
    Apart(Recipe),
}

impl Image {
    /// The inspected file that operators call `file`, trusted for this reason, with its code.
    pub(super) fn new(file: &str, standing: Standing, inspection: &Inspection, code: Code) -> Self {
        let (sha256, manifest) = (inspection.sha256.clone(), inspection.manifest.clone());
        Self { file: file.to_owned(), sha256, standing, manifest, code }
    }

    /// Where it runs.
    pub(super) fn mode(&self) -> Mode {
        match self.code {
            Code::Here(_) => Mode::InProcess,
            Code::Apart(_) => Mode::Worker,
        }
    }

    /// The same, known by this file and for this reason.
    pub(super) fn named(self, file: String, standing: Standing) -> Self {
        Self { file, standing, ..self }
    }

    /// A plugin that is part of this program.
    #[cfg(test)]
    pub(super) fn linked(module: ModuleRef, manifest: Manifest) -> Self {
        let (file, sha256) = (format!("{}.so", manifest.id), format!("sha-of-{}", manifest.version));
        Self {
            file,
            sha256,
            standing: Standing::Unsigned,
            manifest: Arc::new(manifest),
            code: Code::Here(module),
        }
    }

    /// The same code under another manifest.
    #[cfg(test)]
    pub(super) fn relinked(&self, manifest: Manifest) -> Self {
        let Code::Here(module) = &self.code else { panic!("it is not in this process") };
        Self::linked(*module, manifest)
    }
}

/// Opens the copy at `path` of an inspected file.
pub(super) fn open(path: &Path, inspection: &Inspection) -> Result<ModuleRef, Refusal> {
    let header = header(path)?;
    check_layout(header)?;
    let module = module(header)?;
    let described = (module.describe())();
    if described.as_slice() != inspection.manifest_bytes {
        let reason = "the plugin describes itself otherwise than its file does";
        return Err(Refusal::new(Stage::Describe, reason, "ask the plugin's author for a mended file"));
    }
    Ok(module)
}

/// Makes a connector for one connection; the problem in plain words when it will not.
pub(super) fn create(module: &ModuleRef, settings: Vec<u8>, host: Host) -> Result<Plugin, String> {
    match (module.create())(settings.into(), host) {
        RResult::ROk(plugin) => Ok(plugin),
        RResult::RErr(error) => Err(answer::message(error.body.as_slice())),
    }
}

/// Opens the file, and leaves it open, and finds its entry.
fn header(path: &Path) -> Result<&'static LibHeader, Refusal> {
    let refuse = |error: libloading::Error| {
        let remedy =
            "build the plugin for this system, and allow programs to run from the private store's disk";
        Refusal::new(Stage::Open, format!("the plugin cannot be opened: {error}"), remedy)
    };
    #[expect(
        unsafe_code,
        reason = "opening a library runs its initialisers; the file passed the inspection and is private to us"
    )]
    // SAFETY: the file is a complete shared library for this machine, and nobody else can change it.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(refuse)?;
    // Dropping the handle would close the library, also when it is refused below: threads or
    // destructors that its initialisers left would run into nothing.
    let library = Box::leak(Box::new(library));
    #[expect(unsafe_code, reason = "the symbol's type cannot be known to the compiler")]
    // SAFETY: the inspection found the header's mark at this symbol; the type only gives access to
    // that mark until `upgrade` has compared it.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME) }.map_err(refuse)?;
    header.upgrade().map_err(|error| mismatch(Stage::Layout, "its way of calling", &error.to_string()))
}

/// Compares the layout of every type that crosses, in both directions: a plugin may be newer than
/// the host and have more, or older and have less.
fn check_layout(header: &'static LibHeader) -> Result<(), Refusal> {
    let ours = <ModuleRef as StableAbi>::LAYOUT;
    let theirs =
        header.layout().ok_or_else(|| mismatch(Stage::Layout, "a layout that it hides", "none is given"))?;
    if check_layout_compatibility(ours, theirs).is_ok() {
        return Ok(());
    }
    let older = check_layout_compatibility(theirs, ours).into_result();
    older.map_err(|errors| mismatch(Stage::Layout, "the layout of what crosses", &errors.to_string()))
}

fn module(header: &'static LibHeader) -> Result<ModuleRef, Refusal> {
    #[expect(unsafe_code, reason = "the library's own check refuses every older plugin")]
    // SAFETY: one of the two directions of the layout check has passed, so one side's types are
    // prefixes of the other's.
    let module = unsafe { header.init_root_module_with_unchecked_layout::<ModuleRef>() };
    module.map_err(|error| mismatch(Stage::Layout, "its beginning", &error.to_string()))
}

fn mismatch(stage: Stage, what: &str, account: &str) -> Refusal {
    debug!("plugin mismatch, in full: {account}");
    let reason = format!(
        "the plugin does not fit plugin edge {ABI_MAJOR}.{ABI_MINOR} of this server because of {what}: {}",
        short(account)
    );
    Refusal::new(stage, reason, "use a version of the plugin that was built for this server's SDK")
}

/// The first telling lines of an account that may have thousands.
fn short(account: &str) -> String {
    let mut lines = account.lines().map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric));
    let mut text = lines.by_ref().take(4).collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = text.char_indices().nth(MAX_ACCOUNT) {
        text.truncate(at);
        text.push('…');
    }
    text
}
