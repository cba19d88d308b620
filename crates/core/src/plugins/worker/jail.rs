//! Takes from this process what no connector needs.
//!
//! What is not on the list is refused by the kernel, not answered with the process's end: a library that
//! tries something unusual gets an error that it can handle. While the file is opened, files can still be
//! read, because the system's loader has to; afterwards no file can be.

use std::{collections::BTreeMap, io};

use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use tracing::warn;

/// Bytes of address space. A connector needs a few; threads and allocators reserve far more than they use.
const SPACE: u64 = 2 << 30;
/// Files and sockets open at once.
const FILES: u64 = 64;

/// What a process does that computes and talks over sockets which it has already.
const CALLS: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getrlimit,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_seccomp,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
];

/// The same, as older ways of asking on this machine.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[libc::SYS_arch_prctl, libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// What only the opening of the plugin file needs.
const OPENING: &[libc::c_long] = &[
    libc::SYS_faccessat,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_readlinkat,
    libc::SYS_statx,
];
#[cfg(target_arch = "x86_64")]
const OLDER_OPENING: &[libc::c_long] =
    &[libc::SYS_access, libc::SYS_open, libc::SYS_readlink, libc::SYS_stat];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_OPENING: &[libc::c_long] = &[];

/// Limits what the process may use, and ends it together with the server.
pub(super) fn limit() -> io::Result<()> {
    let limits =
        [(Resource::As, SPACE), (Resource::Nofile, FILES), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Refuses everything but computing, talking over the socket, and reading files; says whether it worked.
pub(super) fn before_opening() -> bool {
    let plain = CALLS.iter().chain(OLDER).chain(OPENING).chain(OLDER_OPENING);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = plain.map(|call| (*call, Vec::new())).collect();
    let some = [
        // Threads, and no processes.
        (libc::SYS_clone, vec![(libc::CLONE_THREAD, true)]),
        (libc::SYS_ioctl, vec![(libc::FIONBIO as libc::c_int, false)]),
        (
            libc::SYS_prctl,
            vec![
                (libc::PR_SET_NAME, false),
                (libc::PR_SET_NO_NEW_PRIVS, false),
                (libc::PR_SET_SECCOMP, false),
            ],
        ),
    ];
    for (call, values) in some {
        // The second argument of `ioctl` is the request, the first one of the others says it all.
        let argument = u8::from(call == libc::SYS_ioctl);
        let allowed = values.into_iter().filter_map(|(value, part)| rule(argument, value, part));
        rules.insert(call, allowed.collect());
    }
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    // The system's library has an older way to start threads, whose kind the kernel can see.
    let unknown = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    filter(rules, refused, SeccompAction::Allow)
        && filter(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Allow, unknown)
}

/// Refuses files from now on; says whether it worked.
pub(super) fn after_opening() -> bool {
    let opening = OPENING.iter().chain(OLDER_OPENING).map(|call| (*call, Vec::new()));
    filter(opening.collect(), SeccompAction::Allow, SeccompAction::Errno(libc::EPERM.unsigned_abs()))
}

/// An argument that is this value, or that has these bits.
fn rule(argument: u8, value: libc::c_int, part: bool) -> Option<SeccompRule> {
    let value = u64::from(value.unsigned_abs());
    let comparison = if part { SeccompCmpOp::MaskedEq(value) } else { SeccompCmpOp::Eq };
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, value).ok()?;
    SeccompRule::new(vec![condition]).ok()
}

fn filter(rules: BTreeMap<i64, Vec<SeccompRule>>, others: SeccompAction, listed: SeccompAction) -> bool {
    let made = || {
        let target = TargetArch::try_from(std::env::consts::ARCH)?;
        let program: BpfProgram = SeccompFilter::new(rules, others, listed, target)?.try_into()?;
        Ok(program)
    };
    let applied = made()
        .map_err(|error: seccompiler::BackendError| error.to_string())
        .and_then(|program| apply_filter(&program).map_err(|error| error.to_string()));
    applied.inspect_err(|error| warn!("The kernel does not confine this process: {error}")).is_ok()
}
