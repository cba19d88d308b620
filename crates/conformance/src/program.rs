//! The program that opens plugin files in processes of their own: whoever runs the kit, once more.

use std::{
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use handoff_core::plugins;

/// What the server calls its processes by.
const WORKER: &str = "connector-worker";
const PROBE: &str = "connector-probe";

/// Does what a worker or a probe does when this process was started as one, and ends it then. The macro
/// [`test!`](crate::test!) calls it before anything else of a test program.
pub fn play_worker() {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(role), Some(file), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return;
    };
    let file = Path::new(&file);
    let played = match role.to_str() {
        Some(WORKER) => {
            let server = io::stdin().as_fd().try_clone_to_owned();
            server.and_then(|server| plugins::work_here(file, server.into()))
        }
        Some(PROBE) => plugins::probe_here(file, io::stdout()),
        _ => return,
    };
    std::process::exit(i32::from(played.is_err()));
}

/// Ids of our processes that work on plugin files of this folder.
pub(crate) fn workers(vault: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    ids.filter(|id| works_for(*id, vault)).collect()
}

fn works_for(id: u32, vault: &Path) -> bool {
    let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    words.get(1).is_some_and(|word| word == WORKER)
        && words.get(2).is_some_and(|file| PathBuf::from(file.as_ref()).starts_with(vault))
}

/// Threads of a process.
pub(crate) fn threads(id: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{id}/task")).ok()?.count())
}
