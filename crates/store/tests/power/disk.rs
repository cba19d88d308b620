//! A disk that fails when it is told to, and that knows what would be left of it after a power cut.
//!
//! It stands between SQLite and the system's own files, as the default of this process, so that the store needs to know
//! nothing of it. Only files below the folder that is watched are counted, failed and recorded.

#![expect(unsafe_code, reason = "SQLite calls its disk through C function pointers")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int, c_void},
    mem::size_of,
    path::Path,
    ptr::null_mut,
    sync::{
        Once,
        atomic::{AtomicPtr, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::ffi;

use crate::cut::{Change, Cut, Kept};

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The n-th.
    Once(u64),
    /// Every one from the n-th on, until the disk is mended.
    From(u64),
    /// From the n-th call on there is no room: only what writes fails.
    Full(u64),
}

#[derive(Default)]
struct World {
    /// Folder below which files are watched.
    folder: String,
    calls: u64,
    failed: u64,
    fault: Option<Fault>,
    recording: bool,
    answered: usize,
    files: BTreeMap<String, Kept>,
    cuts: Vec<Cut>,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);
static SYSTEM: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(null_mut());
static INSTALL: Once = Once::new();
static ONE: Mutex<()> = Mutex::new(());

/// The disk, for one test at a time.
pub(crate) struct Disk(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Disk {
    /// Puts the disk in the place of the system's.
    pub(crate) fn install() -> Self {
        INSTALL.call_once(install);
        Self(ONE.lock())
    }

    /// Watches a folder from now on, with nothing counted and no fault, and whether to record power cuts.
    pub(crate) fn watch(&self, folder: &Path, recording: bool) {
        let folder = folder.to_string_lossy().into_owned();
        *WORLD.lock() = Some(World { folder, recording, ..World::default() });
    }

    /// Makes calls fail.
    pub(crate) fn fail(&self, fault: Fault) {
        with(|world| world.fault = Some(fault));
    }

    /// Everything works again.
    pub(crate) fn mend(&self) {
        with(|world| world.fault = None);
    }

    /// Calls so far, and how many of them failed.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let mut calls = (0, 0);
        with(|world| calls = (world.calls, world.failed));
        calls
    }

    /// Another step was answered.
    pub(crate) fn answered(&self, steps: usize) {
        with(|world| world.answered = steps);
    }

    /// The power cuts that were recorded: one before every call that changes something.
    pub(crate) fn cuts(&self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        with(|world| cuts = std::mem::take(&mut world.cuts));
        cuts
    }
}

fn with(work: impl FnOnce(&mut World)) {
    if let Some(world) = WORLD.lock().as_mut() {
        work(world);
    }
}

impl World {
    /// Counts a call; says whether it fails.
    fn fails(&mut self, changes: bool) -> bool {
        self.calls += 1;
        if self.recording && changes {
            let (call, answered, files) = (self.calls, self.answered, self.files.clone());
            self.cuts.push(Cut { call, answered, files });
        }
        let fails = match self.fault {
            None => false,
            Some(Fault::Once(n)) => self.calls == n,
            Some(Fault::From(n)) => self.calls >= n,
            Some(Fault::Full(n)) => self.calls >= n && changes,
        };
        self.failed += u64::from(fails);
        fails
    }

    fn is_full(&self) -> bool {
        matches!(self.fault, Some(Fault::Full(_)))
    }

    fn change(&mut self, name: &str, change: Change) {
        if self.recording {
            let kept = self.files.entry(name.to_owned()).or_default();
            if kept.gone {
                *kept = Kept::default();
            }
            kept.pending.push(change);
        }
    }
}

/// Counts a call on a file; gives the error when it fails.
fn refused(name: &str, changes: bool, error: c_int) -> Option<c_int> {
    let mut world = WORLD.lock();
    let world = world.as_mut()?;
    if world.folder.is_empty() || !name.starts_with(&world.folder) || !world.fails(changes) {
        return None;
    }
    Some(if world.is_full() { ffi::SQLITE_FULL } else { error })
}

/// An open file of ours; the system's own lies behind it.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    name: *mut String,
}

/// The system's file behind ours.
///
/// # Safety
/// `file` was opened by [`open`].
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` leaves room for both.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

/// # Safety
/// As [`behind`].
unsafe fn name_of<'a>(file: *mut ffi::sqlite3_file) -> &'a str {
    // SAFETY: set when it was opened, dropped when it is closed.
    unsafe { (*(*file.cast::<File>()).name).as_str() }
}

/// Calls a method of the system's file.
macro_rules! system {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls us with a file that is open, so that the one behind it is open as well.
        unsafe {
            let file = behind($file);
            match (*(*file).pMethods).$method {
                Some(method) => method(file $(, $argument)*),
                None => ffi::SQLITE_NOTFOUND,
            }
        }
    }};
}

/// Fails, or goes on.
macro_rules! or_fail {
    ($file:expr, $changes:expr, $error:ident) => {
        // SAFETY: SQLite calls us with a file that is open.
        if let Some(error) = refused(unsafe { name_of($file) }, $changes, ffi::$error) {
            return error;
        }
    };
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = system!(file, xClose);
    // SAFETY: made in `open`; SQLite closes a file once.
    drop(unsafe { Box::from_raw((*file.cast::<File>()).name) });
    code
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, most: c_int, at: i64) -> c_int {
    or_fail!(file, false, SQLITE_IOERR_READ);
    system!(file, xRead, into, most, at)
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite gives that many bytes, of a file that is open.
    let (name, bytes) =
        unsafe { (name_of(file), std::slice::from_raw_parts(from.cast::<u8>(), length as usize)) };
    let error = refused(name, true, ffi::SQLITE_IOERR_WRITE);
    // A write that fails has done a part of it.
    let done = if error.is_some() { bytes.len() / 2 } else { bytes.len() };
    with(|world| {
        if name.starts_with(&world.folder) {
            world.change(name, Change::Write(at as usize, bytes[..done].to_vec()));
        }
    });
    let code = system!(file, xWrite, from, done as c_int, at);
    error.unwrap_or(code)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    or_fail!(file, true, SQLITE_IOERR_TRUNCATE);
    // SAFETY: the file is open.
    let name = unsafe { name_of(file) };
    with(|world| {
        if name.starts_with(&world.folder) {
            world.change(name, Change::Cut(size as usize));
        }
    });
    system!(file, xTruncate, size)
}

/// What was written is on the disk, as far as the power cut goes; the system's disk is spared. As there, the first time
/// that a new log is kept its folder is kept as well, and with it what was deleted in it.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    or_fail!(file, true, SQLITE_IOERR_FSYNC);
    // SAFETY: the file is open.
    let name = unsafe { name_of(file) };
    with(|world| {
        if let Some(kept) = world.files.get_mut(name) {
            let pending = std::mem::take(&mut kept.pending);
            pending.iter().for_each(|change| change.apply(&mut kept.synced));
            let new_log = !kept.listed && (name.ends_with("-wal") || name.ends_with("-journal"));
            kept.listed = true;
            if new_log {
                world.files.retain(|_, kept| !kept.gone);
            }
        }
    });
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    or_fail!(file, false, SQLITE_IOERR_FSTAT);
    system!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    or_fail!(file, false, SQLITE_IOERR_LOCK);
    system!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    system!(file, xUnlock, level)
}

unsafe extern "C" fn check_lock(file: *mut ffi::sqlite3_file, found: *mut c_int) -> c_int {
    system!(file, xCheckReservedLock, found)
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    system!(file, xFileControl, what, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    system!(file, xSectorSize)
}

unsafe extern "C" fn characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    system!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    memory: *mut *mut c_void,
) -> c_int {
    or_fail!(file, false, SQLITE_IOERR_SHMMAP);
    system!(file, xShmMap, page, size, extend, memory)
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    system!(file, xShmLock, first, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as `system!`.
    unsafe {
        let file = behind(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    system!(file, xShmUnmap, delete)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// `name` is null or a C string.
unsafe fn text(name: *const c_char) -> String {
    if name.is_null() {
        return String::new();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name or null, and room for `szOsFile` bytes.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let name = text(path);
        if let Some(error) = refused(&name, false, ffi::SQLITE_CANTOPEN) {
            return error;
        }
        let system = SYSTEM.load(Ordering::Acquire);
        let real = behind(file);
        let Some(open) = (*system).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = open(system, path, real, flags, out);
        if !(*real).pMethods.is_null() {
            (*file.cast::<File>()).name = Box::into_raw(Box::new(name));
            (*file).pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, path: *const c_char, folder: c_int) -> c_int {
    // SAFETY: SQLite gives a name; the system's disk was there before ours.
    unsafe {
        let name = text(path);
        if let Some(error) = refused(&name, true, ffi::SQLITE_IOERR_DELETE) {
            return error;
        }
        with(|world| {
            if let Some(kept) = world.files.get_mut(&name) {
                kept.gone = true;
            }
        });
        let system = SYSTEM.load(Ordering::Acquire);
        (*system).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(system, path, folder))
    }
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    flags: c_int,
    found: *mut c_int,
) -> c_int {
    // SAFETY: as `delete`.
    unsafe {
        if let Some(error) = refused(&text(path), false, ffi::SQLITE_IOERR_ACCESS) {
            return error;
        }
        let system = SYSTEM.load(Ordering::Acquire);
        (*system).xAccess.map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(system, path, flags, found))
    }
}

/// Registers the disk as the one that every connection of this process opens its files on.
fn install() {
    // SAFETY: the system's disk lives as long as the process, and so does ours, which is leaked.
    unsafe {
        let system = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!system.is_null(), "SQLite has no disk");
        SYSTEM.store(system, Ordering::Release);
        let mut ours = *system;
        ours.zName = c"watched".as_ptr();
        ours.pNext = null_mut();
        ours.szOsFile = size_of::<File>() as c_int + (*system).szOsFile;
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        ours.xAccess = Some(access);
        let code = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
        assert_eq!(code, ffi::SQLITE_OK);
    }
}
