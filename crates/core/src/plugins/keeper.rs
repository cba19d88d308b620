//! Keeps what serves in step with the operators' folder: opens what is new, sets back what fails, lets go of
//! what was taken away.
//!
//! Nothing here is done on the way of a call. A new generation is made beside the one that serves, and then
//! all calls that begin go to it; those under way end where they began.

mod connect;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use handoff_model::{ConnectorId, connector::Manifest};
use parking_lot::RwLock;
use tracing::{error, info, warn};

use super::{
    ConnectionSetup, Mode, Options, World,
    account::{Account, Lasting},
    capability::{http::governor::Governors, measure::Measures},
    folder::{self, Found, Look, Stamp},
    history::{History, Served},
    inspect::{examine, read},
    load::{Code, Image, open},
    probe::probe,
    quarantine::{Quarantine, Record},
    report::{FileReport, FileState, Refusal, Stage},
    sentinel::Sentinel,
    serving::{Baseline, Serving},
    table::{Table, table},
    trust::Standing,
    vault::Vault,
    worker::Recipe,
};

/// Everything that decides what serves, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sight {
    files: Look,
    quarantine: BTreeMap<String, Stamp>,
    lock: Option<Stamp>,
}

/// What a look at a file told, and the stamps of the file and of its signature at that time.
struct Seen {
    file: Stamp,
    signature: Option<Stamp>,
    verdict: Result<Found, Box<FileReport>>,
}

/// The one that opens files and replaces connectors.
pub(super) struct Keeper {
    options: Options,
    world: World,
    connections: Vec<ConnectionSetup>,
    /// Connectors whose connections are others than those that they serve.
    reconnect: BTreeSet<ConnectorId>,
    vault: Option<Vault>,
    quarantine: Quarantine,
    history: History,
    /// Files as they were looked at last, by name.
    seen: HashMap<String, Seen>,
    lock: Option<Stamp>,
    /// Opened files by SHA-256. They stay open, and are opened once.
    images: HashMap<String, Image>,
    /// Files that could not be opened, by SHA-256.
    refused: HashMap<String, Refusal>,
    serving: BTreeMap<ConnectorId, Arc<Serving>>,
    generations: BTreeMap<ConnectorId, u64>,
    governors: Governors,
    pub(super) measures: Measures,
    pub(super) report: Arc<RwLock<Vec<FileReport>>>,
    pub(super) table: Arc<RwLock<Arc<Table>>>,
}

impl Keeper {
    pub(super) fn new(options: &Options, connections: Vec<ConnectionSetup>, world: World) -> Self {
        let quarantine = Quarantine::of(&options.vault);
        Sentinel::bury(&options.vault, &quarantine, world.clock.now());
        let serving = BTreeMap::new();
        let table = Arc::new(RwLock::new(Arc::new(table(&serving, &connections, Vec::new()))));
        Self {
            history: History::of(&options.vault),
            options: options.clone(),
            world,
            connections,
            reconnect: BTreeSet::new(),
            vault: None,
            quarantine,
            seen: HashMap::new(),
            lock: None,
            images: HashMap::new(),
            refused: HashMap::new(),
            serving,
            generations: BTreeMap::new(),
            governors: Governors::default(),
            measures: Measures::default(),
            report: Arc::default(),
            table,
        }
    }

    /// Looks at everything that decides what serves.
    pub(super) fn look(&self) -> Sight {
        Sight {
            files: folder::survey(&self.options.folder),
            quarantine: folder::survey(self.quarantine.folder()).unwrap_or_default(),
            lock: self.options.trust.lock.as_deref().and_then(Stamp::of),
        }
    }

    /// Puts a connector's file into quarantine and serves with what is left.
    pub(super) fn set_back(&mut self, id: &ConnectorId, sha256: &str, reason: &str) {
        let Some(serving) = self.serving.get(id).filter(|serving| serving.image().sha256 == sha256) else {
            return;
        };
        let record = self.record(serving.image(), Stage::Probation, reason.to_owned());
        self.put_away(&record);
    }

    /// Makes what serves fit to what was seen.
    pub(super) fn apply(&mut self, sight: &Sight) {
        if self.lock != sight.lock {
            self.seen.clear();
            self.lock = sight.lock;
        }
        let (found, mut report) = self.look_at_files(&sight.files);
        let mut chosen = BTreeMap::new();
        let mut by_id = BTreeMap::<ConnectorId, Vec<Found>>::new();
        for file in found {
            by_id.entry(file.inspection.manifest.id.clone()).or_default().push(file);
        }
        for (id, files) in by_id {
            if let Some(image) = self.choose(files, &mut report) {
                chosen.insert(id, image);
            }
        }
        self.fall_back(&mut chosen, &mut report);
        report.sort_by(|one, other| one.file.cmp(&other.file));
        self.publish(chosen, &mut report);
        self.announce(report);
    }

    fn look_at_files(&mut self, files: &Look) -> (Vec<Found>, Vec<FileReport>) {
        let files = match files {
            Ok(files) => files,
            Err(refusal) => {
                return (Vec::new(), vec![folder::about_folder(&self.options.folder, refusal.clone())]);
            }
        };
        self.seen.retain(|name, _| files.contains_key(name));
        let (mut found, mut report) = (Vec::new(), Vec::new());
        // A signature is looked at with its file.
        let alone = |name: &str| {
            name.strip_suffix(folder::SIGNATURE).is_none_or(|signed| !files.contains_key(signed))
        };
        for (name, stamp) in files.iter().filter(|(name, _)| alone(name)) {
            let signature = files.get(&format!("{name}{}", folder::SIGNATURE)).copied();
            let known = self.seen.get(name).filter(|seen| seen.file == *stamp && seen.signature == signature);
            let verdict = match known {
                Some(seen) => seen.verdict.clone(),
                None => folder::look_at(&self.options.folder, name, &self.options.trust),
            };
            match &verdict {
                Ok(file) => found.push(file.clone()),
                Err(line) => report.push(FileReport::clone(line)),
            }
            self.seen.insert(name.clone(), Seen { file: *stamp, signature, verdict });
        }
        (found, report)
    }

    /// The newest version that can be opened, among the files that bring one connector.
    fn choose(&mut self, mut files: Vec<Found>, report: &mut Vec<FileReport>) -> Option<Image> {
        files.sort_by_cached_key(|file| {
            (Reverse(semver::Version::parse(&file.inspection.manifest.version).ok()), file.name.clone())
        });
        let mut chosen: Option<Image> = None;
        for file in files {
            let state = match &chosen {
                Some(image) => passed_over(&file, image),
                None => match self.image(&file) {
                    Ok(image) => {
                        chosen = Some(image);
                        FileState::Loaded
                    }
                    Err(refusal) => FileState::Refused(refusal),
                },
            };
            report.push(file.report(state));
        }
        chosen
    }

    fn image(&mut self, file: &Found) -> Result<Image, Refusal> {
        let sha = &file.inspection.sha256;
        if let Some(record) = self.quarantine.find(sha) {
            return Err(record.refusal());
        }
        let mode = self.mode(file);
        if let Some(image) = self.images.get(sha).filter(|image| image.mode() == mode) {
            return Ok(image.clone().named(file.name.clone(), file.standing));
        }
        if let Some(refusal) = self.refused.get(sha) {
            return Err(refusal.clone());
        }
        let opened = self.open(file);
        match &opened {
            Ok(image) => {
                self.images.insert(sha.clone(), image.clone());
            }
            // A full disk passes; what is wrong with a file stays wrong.
            Err(refusal) if !matches!(refusal.stage, Stage::Vault | Stage::Read) => {
                self.refused.insert(sha.clone(), refusal.clone());
            }
            Err(_) => {}
        }
        opened
    }

    fn open(&mut self, file: &Found) -> Result<Image, Refusal> {
        let bytes = read(&self.options.folder.join(&file.name))?;
        let path = self.vault()?.keep(&bytes, &file.inspection.sha256)?;
        self.open_kept(&path, &file.name, file)
    }

    /// Opens a copy of the private store, after a process of its own has tried it once.
    fn open_kept(&self, path: &Path, name: &str, file: &Found) -> Result<Image, Refusal> {
        let tried = path.with_extension("tried");
        if let Some(program) = self.options.program.as_deref().filter(|_| !tried.exists()) {
            probe(program, path)?;
            // Without the mark it is tried once more the next time.
            drop(fs::write(&tried, b""));
        }
        if let (Mode::Worker, Some(program)) = (self.mode(file), self.options.program.clone()) {
            let code = Code::Apart(Recipe { program, file: path.to_owned() });
            return Ok(Image::new(name, file.standing, &file.inspection, code));
        }
        let record = Record {
            sha256: file.inspection.sha256.clone(),
            id: file.inspection.manifest.id.clone(),
            version: file.inspection.manifest.version.clone(),
            file: name.to_owned(),
            stage: Stage::Open,
            reason: "the server ended while it opened this file".to_owned(),
            remedy: format!("try it again: handoff connector release {}", file.inspection.manifest.id),
            at: self.world.clock.now(),
        };
        let _sentinel = Sentinel::set(&self.options.vault, &record);
        let module = open(path, &file.inspection)?;
        Ok(Image::new(name, file.standing, &file.inspection, Code::Here(module)))
    }

    /// Where a file's connector runs: as the operator says, or in a worker when nobody vouches for it.
    fn mode(&self, file: &Found) -> Mode {
        let (modes, manifest) = (&self.options.modes, &file.inspection.manifest);
        let doubted = matches!(file.standing, Standing::Unsigned | Standing::AllowListed)
            || self.quarantine.was_released(&file.inspection.sha256);
        let wished = modes.of.get(&manifest.id).copied().or(modes.others);
        match wished.unwrap_or(if doubted { Mode::Worker } else { Mode::InProcess }) {
            Mode::Worker if self.options.program.is_some() => Mode::Worker,
            _ => Mode::InProcess,
        }
    }

    fn vault(&mut self) -> Result<&Vault, Refusal> {
        match &mut self.vault {
            Some(vault) => Ok(vault),
            none => Ok(none.insert(Vault::open(&self.options.vault)?)),
        }
    }

    /// Where a file is there and cannot be used, what served before goes on serving from its kept copy. Where
    /// the file was taken away, nothing does.
    fn fall_back(&mut self, chosen: &mut BTreeMap<ConnectorId, Image>, report: &mut Vec<FileReport>) {
        let refused = |line: &&FileReport| matches!(line.state, FileState::Refused(_));
        let files: Vec<_> = report.iter().filter(refused).map(|line| line.file.clone()).collect();
        let ids: Vec<_> = report.iter().filter(refused).filter_map(|line| line.id.clone()).collect();
        let history = self.history.clone();
        for (id, known) in history.all() {
            let concerned = ids.contains(id) || known.last().is_some_and(|last| files.contains(&last.file));
            if chosen.contains_key(id) || !concerned {
                continue;
            }
            let kept = history.latest_first(id).find_map(|served| self.kept(id, served));
            if let Some(image) = kept {
                report.push(kept_line(&image));
                chosen.insert(id.clone(), image);
            }
        }
    }

    /// The kept copy of a file that served before, opened.
    fn kept(&mut self, id: &ConnectorId, served: &Served) -> Option<Image> {
        let trusted = self.options.trust.still(served.trust, id);
        if !trusted || self.quarantine.find(&served.sha256).is_some() {
            return None;
        }
        let name = format!("{} (kept copy)", served.file);
        let path = self.options.vault.canonicalize().ok()?.join(format!("{}.so", served.sha256));
        let inspection = read(&path).and_then(|bytes| examine(&bytes)).ok()?;
        if inspection.sha256 != served.sha256 {
            return None;
        }
        let file = Found { name: name.clone(), inspection: Arc::new(inspection), standing: served.trust };
        let mode = self.mode(&file);
        if let Some(image) = self.images.get(&served.sha256).filter(|image| image.mode() == mode) {
            return Some(image.clone().named(name, served.trust));
        }
        let image = self.open_kept(&path, &name, &file).ok()?;
        self.images.insert(served.sha256.clone(), image.clone());
        Some(image)
    }

    /// Starts what is new, and lets every call that begins from now on go to it.
    fn publish(&mut self, chosen: BTreeMap<ConnectorId, Image>, report: &mut [FileReport]) {
        let mut serving = BTreeMap::new();
        for (id, image) in chosen {
            let current = self.serving.get(&id).cloned();
            let same = current.as_ref().is_some_and(|current| {
                current.image().sha256 == image.sha256 && current.image().mode() == image.mode()
            });
            let next = match (current, same) {
                (Some(current), true) if self.reconnect.contains(&id) => Some(self.renew(&current)),
                (Some(current), true) => Some(current),
                (current, _) => self.start(&id, image, current, report),
            };
            serving.extend(next.map(|next| (id, next)));
        }
        let gone =
            self.serving.iter().filter(|(id, old)| serving.get(*id).is_none_or(|new| !Arc::ptr_eq(new, old)));
        let mut draining: Vec<_> = gone.map(|(_, old)| Arc::downgrade(old)).collect();
        let earlier = self.table.read().draining.clone();
        draining.extend(earlier.into_iter().filter(|old| old.strong_count() > 0));
        for id in self.serving.keys().filter(|id| !serving.contains_key(*id)) {
            info!(connector = %id, "Connector {id} leaves; its calls under way go on to their end");
        }
        self.serving = serving;
        let fresh = table(&self.serving, &self.connections, draining);
        *self.table.write() = Arc::new(fresh);
        self.remember();
    }

    /// Lets plugins serve that are part of this program.
    #[cfg(test)]
    pub(super) fn publish_linked(&mut self, images: Vec<Image>) {
        let chosen = images.into_iter().map(|image| (image.manifest.id.clone(), image)).collect();
        self.publish(chosen, &mut []);
    }

    /// Makes a new generation beside the one that serves; the old one when the new one cannot do what it did.
    fn start(
        &mut self,
        id: &ConnectorId,
        image: Image,
        current: Option<Arc<Serving>>,
        report: &mut [FileReport],
    ) -> Option<Arc<Serving>> {
        let number = self.generations.get(id).map_or(1, |number| number + 1);
        let baseline = current.as_deref().map(Baseline::of);
        let accounts = self.accounts(&image.manifest);
        let (next, ready) =
            Serving::start(image.clone(), accounts, &self.options, self.world.clone(), number, baseline);
        // One that is not ready by then will be found hanging by the watch.
        let _ = ready.recv_timeout(self.options.limits.hangs_after);
        if let Some(problem) = current.as_deref().and_then(|current| worse(current, &next)) {
            let reason = format!("its new version cannot serve what the old one serves: {problem}");
            let record = self.record(&image, Stage::Probation, reason);
            self.put_away(&record);
            for line in report.iter_mut().filter(|line| line.sha256.as_ref() == Some(&image.sha256)) {
                line.state = FileState::Refused(record.refusal());
            }
            return current;
        }
        self.generations.insert(id.clone(), number);
        let (version, file) = (&image.manifest.version, &image.file);
        info!(connector = %id, %version, file, generation = number,
            "Connector {id} {version} serves as generation {number}, from {file}");
        Some(next)
    }

    /// The connections that a connector serves, each with the governor of its requests.
    fn accounts(&mut self, manifest: &Manifest) -> Vec<Arc<Account>> {
        let ours = self.connections.iter().filter(|setup| setup.connector == manifest.id);
        let mut accounts: Vec<_> = ours
            .map(|setup| {
                let quota = setup.quota.or(manifest.quota);
                let governor = self.governors.of(&setup.id, quota, &self.world.clock);
                let lasting = Lasting { governor, measures: self.measures.clone() };
                Arc::new(Account::new(setup, manifest, lasting))
            })
            .collect();
        accounts.sort_by(|one, other| one.id.cmp(&other.id));
        accounts
    }

    /// Writes down what serves. A command that only looks serves nobody.
    fn remember(&mut self) {
        if !self.options.follow {
            return;
        }
        let mut news = false;
        for (id, serving) in &self.serving {
            let image = serving.image();
            let file = image.file.trim_end_matches(" (kept copy)").to_owned();
            let (sha256, version) = (image.sha256.clone(), image.manifest.version.clone());
            news |= self.history.serves(id, Served { sha256, file, version, trust: image.standing });
        }
        if news && let Err(error) = self.history.keep(&self.options.vault) {
            warn!("Which plugin files served cannot be written down: {error}");
        }
    }

    fn record(&self, image: &Image, stage: Stage, reason: String) -> Record {
        let id = image.manifest.id.clone();
        let remedy = format!(
            "put a mended file into the folder, or try this one again: handoff connector release {id}"
        );
        let (sha256, version, file) =
            (image.sha256.clone(), image.manifest.version.clone(), image.file.clone());
        Record { sha256, id, version, file, stage, reason, remedy, at: self.world.clock.now() }
    }

    fn put_away(&self, record: &Record) {
        let Record { id, version, reason, .. } = record;
        error!(connector = %id, %version, "Connector {id} {version} is put into quarantine: {reason}");
        if let Err(error) = self.quarantine.put(record) {
            error!(connector = %id, "The record cannot be written, so it may be opened again: {error}");
        }
    }

    /// Logs every line that is new.
    fn announce(&mut self, report: Vec<FileReport>) {
        let before = std::mem::replace(&mut *self.report.write(), report.clone());
        for line in report.iter().filter(|line| !before.contains(line)) {
            match &line.state {
                FileState::Loaded => info!(file = line.file, sha256 = line.sha256, "Plugin {line}"),
                FileState::Refused(refusal) if refusal.stage.is_wished() => {
                    info!(file = line.file, sha256 = line.sha256, "Plugin {line}");
                }
                FileState::Refused(_) => error!(file = line.file, sha256 = line.sha256, "Plugin {line}"),
                FileState::Ignored { .. } => info!(file = line.file, "Plugin folder: {line}"),
            }
        }
    }

    /// The folders to watch for changes.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        vec![self.options.folder.clone(), self.quarantine.folder().to_owned()]
    }

    /// Servings that are on probation and failed it, with the reason.
    pub(super) fn failed(&self) -> Vec<(ConnectorId, String, String)> {
        let began = Instant::now();
        let failed = self.serving.iter().filter_map(|(id, serving)| {
            Some((id.clone(), serving.image().sha256.clone(), serving.failed_probation(began)?))
        });
        failed.collect()
    }
}

/// A file that brings a connector which serves from another one. An older version may wait there; which of two files
/// of one version is meant, nobody but their owner knows.
fn passed_over(found: &Found, serving: &Image) -> FileState {
    let (id, version, file) = (&serving.manifest.id, &serving.manifest.version, &serving.file);
    let reason = format!("{id} {version} from {file} is used instead");
    if found.inspection.manifest.version != *version {
        return FileState::Ignored { reason };
    }
    FileState::Refused(Refusal::new(Stage::Choice, reason, "take away the file that is not wanted"))
}

/// The line about a copy that serves although its file cannot.
fn kept_line(image: &Image) -> FileReport {
    FileReport {
        file: image.file.clone(),
        sha256: Some(image.sha256.clone()),
        id: Some(image.manifest.id.clone()),
        version: Some(image.manifest.version.clone()),
        trust: Some(image.standing),
        state: FileState::Loaded,
    }
}

/// What keeps a connection from working with the new generation that works with the old one.
fn worse(old: &Serving, new: &Serving) -> Option<String> {
    let fine = |id| old.accounts().iter().any(|account| account.id == id && account.problems().is_empty());
    new.accounts().iter().find_map(|account| {
        let problems = account.problems();
        let worse = !problems.is_empty() && fine(account.id.clone());
        worse.then(|| format!("connection {}: {}", account.id, problems.join("; ")))
    })
}
