//! What a call of a plugin costs: directly, through a lane, and through a lane into a worker, in one run.
//!
//! `cargo xtask bench plugins` builds what is needed and runs this.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to whoever runs it, and ends where something is not as it should be"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use criterion::Criterion;
use futures::future::BoxFuture;
use handoff_abi::{
    AbiError, Host, HostApi, HostApi_TO, ModuleRef, Plugin,
    abi_stable::{
        library::lib_header_from_path,
        sabi_trait::TD_Opaque,
        std_types::{RArc, RResult, RString, RVec},
    },
    async_ffi::FutureExt,
};
use handoff_core::{
    plugins::{self, ConnectionSetup, Limits, Mode, Modes, Options, Policy, Registry, Trust, World},
    world::{Blob, Blobs, Call, Clock, Connectors, Keep, NotKept, Pieces},
};
use handoff_model::{ConnectionId, ConnectorId, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Callers at the same time.
const CALLERS: usize = 32;
/// Callers while one version takes over from another.
const IN_FLIGHT: usize = 200;
/// Bytes of text in a call.
const SIZES: [usize; 3] = [0, 1024, 64 * 1024];
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let bench = Bench::from_environment();
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    let mut table = Table::default();
    bench.calls(&mut criterion, &mut table);
    criterion.final_summary();
    table.print();
    bench.changes(Mode::InProcess);
    bench.changes(Mode::Worker);
    bench.crash(true);
    bench.crash(false);
}

/// Mean time of a call, by kind, size and number of callers.
#[derive(Default)]
struct Table(BTreeMap<(usize, usize, &'static str), (Duration, u64)>);

impl Table {
    fn mean(&self, callers: usize, size: usize, kind: &'static str) -> f64 {
        let (time, calls) = self.0.get(&(callers, size, kind)).copied().unwrap_or_default();
        time.as_secs_f64() * 1e6 / calls.max(1) as f64
    }

    fn print(&self) {
        println!("\nµs for each call           direct      lane   (added)    worker   (added)");
        for callers in [1, CALLERS] {
            for size in SIZES {
                let mean = |kind| self.mean(callers, size, kind);
                let (direct, lane, worker) = (mean("direct"), mean("lane"), mean("worker"));
                println!(
                    "{callers:>2} at once, {size:>5} bytes  {direct:>8.1}  {lane:>8.1}  {:>8.1}  {worker:>8.1}  {:>8.1}",
                    lane - direct,
                    worker - direct
                );
            }
        }
        println!();
    }
}

struct Bench {
    program: PathBuf,
    plugin: PathBuf,
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl Bench {
    fn from_environment() -> Self {
        let path = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).unwrap_or_else(|| {
                eprintln!("{name} is not set; run cargo xtask bench plugins");
                std::process::exit(2)
            })
        };
        Self {
            program: path("HANDOFF_PROGRAM"),
            plugin: path("HANDOFF_PLUGIN"),
            folder: tempfile::tempdir().unwrap(),
            runtime: Runtime::new().unwrap(),
        }
    }

    fn calls(&self, criterion: &mut Criterion, table: &mut Table) {
        let direct = Direct::new(&self.plugin);
        let lane = self.registry("calls-lane", Mode::InProcess, false);
        let worker = self.registry("calls-worker", Mode::Worker, false);
        for callers in [1, CALLERS] {
            for size in SIZES {
                let mut group = criterion.benchmark_group(format!("check/{callers} at once/{size} bytes"));
                for (kind, target) in [
                    ("direct", Target::Direct(direct.clone())),
                    ("lane", Target::Registry(lane.clone())),
                    ("worker", Target::Registry(worker.clone())),
                ] {
                    let entry = table.0.entry((callers, size, kind)).or_default();
                    group.bench_function(kind, |bencher| {
                        bencher.iter_custom(|calls| {
                            let took = self.runtime.block_on(many(&target, callers, calls, size));
                            entry.0 += took;
                            entry.1 += calls;
                            took
                        });
                    });
                }
                group.finish();
            }
        }
    }

    /// One version after another under load, and back.
    fn changes(&self, mode: Mode) {
        let name = if mode == Mode::Worker { "upgrade-worker" } else { "upgrade-lane" };
        let began = Instant::now();
        let registry = self.registry(name, mode, true);
        println!("{}: load to ready {} ms", mode.name(), began.elapsed().as_millis());
        let file = self.folder.path().join(name).join("plugins/loopback.so");
        let (before, load) = (resident(), Load::start(&self.runtime, &registry));
        let versions = ["0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0"];
        let mut slowest = Duration::ZERO;
        for version in versions {
            let began = Instant::now();
            fs::write(&file, self.version(version)).unwrap();
            until(|| serves(&registry, version));
            slowest = slowest.max(began.elapsed());
        }
        let grown = resident().saturating_sub(before) / versions.len() as u64;
        let vault = self.folder.path().join(name).join("vault");
        let began = Instant::now();
        plugins::set_back(&vault, &ConnectorId::new("loopback"), now()).unwrap();
        until(|| serves(&registry, "0.5.0"));
        let back = began.elapsed();
        let (done, lost) = load.end(&self.runtime);
        println!(
            "{}: upgrade at most {} ms, rollback {} ms, {grown} KiB for each generation; {done} calls by {IN_FLIGHT} callers meanwhile, {lost} lost",
            mode.name(),
            slowest.as_millis(),
            back.as_millis()
        );
    }

    /// From the end of a worker to the first answer of the next.
    fn crash(&self, standby: bool) {
        let name = if standby { "crash" } else { "crash-alone" };
        let limits = Limits { standby, ..Limits::default() };
        let registry = self.registry_with(name, Mode::Worker, false, limits);
        let mut waits = Vec::new();
        for _ in 0..20 {
            self.runtime.block_on(one(&registry, 0)).unwrap();
            // As long as a false start would last, so that there is no pause.
            std::thread::sleep(Duration::from_millis(600));
            let began = Instant::now();
            kill_worker();
            while self.runtime.block_on(one(&registry, 0)).is_err() {}
            waits.push(began.elapsed());
        }
        waits.sort();
        let private: Vec<_> = children().into_iter().map(private).collect();
        println!(
            "worker, {}: first answer after a crash {:.1} ms, at most {:.1} ms; memory of its own, in KiB: {private:?}",
            if standby { "another one stands by" } else { "nobody stands by" },
            ms(waits[10]),
            ms(waits[19])
        );
    }

    fn registry(&self, name: &str, mode: Mode, follow: bool) -> Arc<Registry> {
        self.registry_with(name, mode, follow, Limits::default())
    }

    fn registry_with(&self, name: &str, mode: Mode, follow: bool, limits: Limits) -> Arc<Registry> {
        let place = self.folder.path().join(name);
        fs::create_dir_all(place.join("plugins")).unwrap();
        fs::copy(&self.plugin, place.join("plugins/loopback.so")).unwrap();
        let options = Options {
            folder: place.join("plugins"),
            vault: place.join("vault"),
            allow_loopback_http: false,
            limits,
            trust: Trust { policy: Policy::Any, ..Trust::default() },
            program: Some(self.program.clone()),
            modes: Modes { others: Some(mode), of: BTreeMap::new() },
            follow,
        };
        let setup = ConnectionSetup {
            id: ConnectionId::new("bench"),
            connector: ConnectorId::new("loopback"),
            settings: json!({}),
            secrets: BTreeMap::new(),
            quota: None,
        };
        Arc::new(Registry::open(&options, vec![setup], world()))
    }

    fn version(&self, version: &str) -> Vec<u8> {
        let (bytes, from) = (fs::read(&self.plugin).unwrap(), b"\"version\": \"0.1.0\"");
        let to = format!("\"version\": \"{version}\"");
        let mut changed = bytes.clone();
        for (at, _) in bytes.windows(from.len()).enumerate().filter(|(_, part)| part == from) {
            changed[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
        changed
    }
}

#[derive(Clone)]
enum Target {
    Direct(Arc<Direct>),
    Registry(Arc<Registry>),
}

/// The plugin without anything between.
struct Direct(Plugin);

impl Direct {
    fn new(file: &Path) -> Arc<Self> {
        let module: ModuleRef = lib_header_from_path(file).unwrap().init_root_module().unwrap();
        let host: Host = HostApi_TO::from_ptr(RArc::new(Nobody), TD_Opaque);
        match (module.create())(b"{}".to_vec().into(), host) {
            RResult::ROk(plugin) => Arc::new(Self(plugin)),
            RResult::RErr(error) => panic!("{}", String::from_utf8_lossy(&error.body)),
        }
    }
}

#[derive(Clone)]
struct Nobody;

impl HostApi for Nobody {
    fn call(&self, _operation: RString, _payload: RVec<u8>) -> handoff_abi::Call {
        async { RResult::RErr(AbiError { code: 501, body: RVec::new() }) }.into_ffi()
    }

    fn emit(&self, _kind: u32, _payload: RVec<u8>) {}

    fn now_ms(&self) -> u64 {
        0
    }
}

async fn many(target: &Target, callers: usize, calls: u64, size: usize) -> Duration {
    let left = Arc::new(AtomicU64::new(calls));
    let began = Instant::now();
    let callers = (0..callers).map(|_| {
        let (target, left) = (target.clone(), left.clone());
        tokio::spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                target.call(size).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    began.elapsed()
}

impl Target {
    async fn call(&self, size: usize) {
        match self {
            // The same work that the registry has with a request and an answer.
            Self::Direct(direct) => {
                let payload = json!({ "call": "c1", "request": request(size) }).to_string().into_bytes();
                match direct.0.invoke("check".into(), payload.into()).await {
                    RResult::ROk(answer) => drop(serde_json::from_slice::<Value>(&answer).unwrap()),
                    RResult::RErr(error) => panic!("{}", String::from_utf8_lossy(&error.body)),
                }
            }
            Self::Registry(registry) => drop(one(registry, size).await.unwrap()),
        }
    }
}

async fn one(registry: &Registry, size: usize) -> Result<Value, handoff_core::world::CallError> {
    let call =
        Call { verb: "check", request: request(size), deadline: Duration::from_secs(10), checkpoints: None };
    registry.call(&ConnectionId::new("bench"), call).await
}

fn request(size: usize) -> Value {
    json!({ "text": "x".repeat(size) })
}

/// Callers that call all the time.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<(u64, u64)>>,
}

impl Load {
    fn start(runtime: &Runtime, registry: &Arc<Registry>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let callers = (0..IN_FLIGHT).map(|_| {
            let (stop, registry) = (stop.clone(), registry.clone());
            runtime.spawn(async move {
                let (mut done, mut lost) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    match one(&registry, 1024).await {
                        Ok(_) => done += 1,
                        Err(_) => lost += 1,
                    }
                }
                (done, lost)
            })
        });
        Self { callers: callers.collect(), stop }
    }

    fn end(self, runtime: &Runtime) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.callers.into_iter().map(|caller| runtime.block_on(caller).unwrap());
        ended.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

fn serves(registry: &Registry, version: &str) -> bool {
    registry.status().iter().any(|connector| connector.version == version)
}

fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it takes too long");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Ends the process at work: of those that this one started, the oldest.
fn kill_worker() {
    let oldest = children().into_iter().min_by_key(|child| started(*child));
    let process = oldest.and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

/// Processes that this one started and that have not ended.
fn children() -> Vec<i32> {
    let parent = format!("PPid:\t{}", std::process::id());
    let ours = |entry: fs::DirEntry| {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let is_ours = status.lines().any(|line| line == parent) && status.contains("\nVmRSS:");
        is_ours.then(|| entry.file_name().to_str()?.parse().ok())?
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(ours).collect()
}

/// When a process began, in the system's ticks.
fn started(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = status.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(u64::MAX)
}

/// Memory that a process shares with nobody, in KiB.
fn private(process: i32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let sizes = maps.lines().filter(|line| line.starts_with("Private_"));
    sizes.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(now.as_millis()).unwrap_or(0))
}

fn world() -> World {
    World {
        clock: Arc::new(RealClock),
        keep: Arc::new(Memory::default()),
        blobs: Arc::new(Memory::default()),
    }
}

struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// Keeps nothing that is not asked for.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, (Value, u64)>>);

impl Keep for Memory {
    fn get(
        &self,
        _connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>> {
        let kept = self.0.lock().get(key).cloned();
        Box::pin(async move { Ok(kept) })
    }

    fn swap(
        &self,
        _connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, Result<bool, String>> {
        let mut kept = self.0.lock();
        let fits = kept.get(key).map_or(0, |(_, version)| *version) == expected;
        if fits {
            kept.insert(key.to_owned(), (value, expected + 1));
        }
        Box::pin(async move { Ok(fits) })
    }
}

impl Blobs for Memory {
    fn write<'a>(&'a self, _: String, _: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async { Err(NotKept::Unavailable("no files here".to_owned())) })
    }

    fn read(&self, _name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        Box::pin(async { Ok(None) })
    }
}
