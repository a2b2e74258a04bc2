//! Starting a process the cheap way, and the other system calls around it that no safe crate wraps.
//!
//! A child shares our memory until it executes its program, and we stand still meanwhile (as with `vfork`).
//! So nothing is copied: a start costs 30 µs of ours, however much memory we hold, where `fork` costs 70 and
//! grows. `posix_spawn` does the same inside, but can neither change the account nor enter a cgroup. The
//! child runs on our stack below the frame that waits, makes system calls only, allocates nothing, and tells
//! a failure by writing it into the plan, which is still ours to read.

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::ffi::{CString, c_char, c_int, c_long, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

/// All that a child needs, made before it exists.
pub(super) struct Plan<'a> {
    /// The places where the program may be; the first that can be executed is.
    pub programs: &'a [CString],
    pub argv: &'a [CString],
    pub env: &'a [CString],
    pub dir: &'a CString,
    pub null: BorrowedFd<'a>,
    pub log: BorrowedFd<'a>,
    pub account: Option<&'a super::Account>,
    /// The marker, as the soft and the hard limit of `RLIMIT_LOCKS`.
    pub limits: (u64, u64),
    /// How many descriptors it may open, soft and hard; ours are more.
    pub files: (u64, u64),
    pub oom_score_adj: &'a [u8],
    pub nice: c_int,
    /// The cgroup to be born in.
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// The step at which a child gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    Fork,
    Session,
    Output,
    Account,
    Directory,
    Program,
}

/// What parent and child both see.
struct Shared {
    argv: *const *const c_char,
    env: *const *const c_char,
    programs: *const *const c_char,
    dir: *const c_char,
    null: RawFd,
    log: RawFd,
    account: *const super::Account,
    limits: [u64; 2],
    files: [u64; 2],
    oom: *const u8,
    oom_length: usize,
    nice: c_int,
    parent: libc::pid_t,
    failed: Option<(Step, i32)>,
}

/// Starts a program. The answer is its pid, or the step that failed and why; then no process is left, but
/// for one to be reaped, whose pid comes along.
pub(super) fn start(plan: &Plan) -> Result<i32, (Step, Errno, Option<i32>)> {
    let argv = pointers(plan.argv);
    let env = pointers(plan.env);
    let programs = pointers(plan.programs);
    let mut shared = Shared {
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        programs: programs.as_ptr(),
        dir: plan.dir.as_ptr(),
        null: plan.null.as_raw_fd(),
        log: plan.log.as_raw_fd(),
        account: plan.account.map_or(ptr::null(), ptr::from_ref),
        limits: [plan.limits.0, plan.limits.1],
        files: [plan.files.0, plan.files.1],
        oom: plan.oom_score_adj.as_ptr(),
        oom_length: plan.oom_score_adj.len(),
        nice: plan.nice,
        parent: nix::unistd::getpid().as_raw(),
        failed: None,
    };
    // SAFETY: everything that `shared` points to lives until this function returns, which is after the child
    // has executed its program or is gone.
    let pid = unsafe { clone(plan.cgroup.map(|fd| fd.as_raw_fd()), &mut shared) };
    match (pid, shared.failed) {
        (Err(errno), _) => Err((Step::Fork, errno, None)),
        (Ok(pid), Some((step, errno))) => Err((step, Errno::from_raw(errno), Some(pid))),
        (Ok(pid), None) => Ok(pid),
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// `struct clone_args` of the kernel, second version.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// SAFETY: the pointers in `shared` are valid.
unsafe fn clone(cgroup: Option<RawFd>, shared: *mut Shared) -> Result<i32, Errno> {
    let flags = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
    let args = CloneArgs {
        flags: flags | cgroup.map_or(0, |_| CLONE_INTO_CGROUP),
        exit_signal: libc::SIGCHLD as u64,
        cgroup: cgroup.map_or(0, |fd| fd as u64),
        ..CloneArgs::default()
    };
    let size = size_of::<CloneArgs>() as u64;
    // SAFETY: `child` never returns and keeps to the rules at the head of this module.
    let mut answer = unsafe { clone_call(libc::SYS_clone3, &raw const args as u64, size, shared) };
    if cgroup.is_none() && (answer == -i64::from(libc::ENOSYS) || answer == -i64::from(libc::EPERM)) {
        // Old kernels, and old seccomp filters of containers, do not know clone3.
        // SAFETY: as above; flags and no new stack.
        answer = unsafe { clone_call(libc::SYS_clone, flags | libc::SIGCHLD as u64, 0, shared) };
    }
    if answer < 0 { Err(Errno::from_raw(-answer as i32)) } else { Ok(answer as i32) }
}

/// Makes the call; in the child, goes on in [`child`] on the same stack. The parent does not run before the
/// child has let go of the memory, and the child only writes below the parent's frame, because it calls
/// from here and never returns. Assembly, because a compiler must not see a function that returns twice.
#[cfg(target_arch = "x86_64")]
unsafe fn clone_call(number: c_long, first: u64, second: u64, shared: *mut Shared) -> i64 {
    let answer: i64;
    // SAFETY: see above. The registers that the kernel changes are named, the rest survive in the parent.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number => answer,
            in("rdi") first, in("rsi") second, in("rdx") 0u64, in("r10") 0u64, in("r8") 0u64,
            in("r12") shared, in("r13") child as extern "C" fn(*mut Shared) -> !,
            out("rcx") _, out("r11") _,
        );
    }
    answer
}

/// See the other one.
#[cfg(target_arch = "aarch64")]
unsafe fn clone_call(number: c_long, first: u64, second: u64, shared: *mut Shared) -> i64 {
    let answer: i64;
    // SAFETY: see above.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            inlateout("x0") first => answer,
            in("x1") second, in("x2") 0u64, in("x3") 0u64, in("x4") 0u64, in("x8") number,
            in("x20") shared, in("x21") child as extern "C" fn(*mut Shared) -> !,
        );
    }
    answer
}

extern "C" fn child(shared: *mut Shared) -> ! {
    // SAFETY: the parent waits, so the memory is ours; only system calls are made from here on.
    unsafe {
        let shared = &mut *shared;
        shared.failed = Some(become_task(shared));
        libc::_exit(127)
    }
}

/// Returns only if it failed. The system calls are made bare where the C library would do more than that
/// (`setuid` tells other threads, of which there are none, and must not try).
unsafe fn become_task(shared: &Shared) -> (Step, i32) {
    // SAFETY: system calls with pointers that outlive them.
    unsafe {
        if libc::setsid() < 0 {
            return (Step::Session, errno());
        }
        if libc::dup2(shared.null, 0) < 0 || libc::dup2(shared.log, 1) < 0 || libc::dup2(shared.log, 2) < 0 {
            return (Step::Output, errno());
        }
        libc::umask(0o022);
        // These make us easier to find, to kill first, and no greedier than others. None is worth failing for.
        libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_LOCKS, shared.limits.as_ptr(), ptr::null::<c_void>());
        libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, shared.files.as_ptr(), ptr::null::<c_void>());
        let oom = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if oom >= 0 {
            libc::write(oom, shared.oom.cast(), shared.oom_length);
            libc::close(oom);
        }
        libc::setpriority(libc::PRIO_PROCESS, 0, shared.nice);

        if !shared.account.is_null() {
            let account = &*shared.account;
            let (uid, gid) = (account.uid, account.gid);
            if libc::syscall(libc::SYS_setgroups, account.groups.len(), account.groups.as_ptr()) < 0
                || libc::syscall(libc::SYS_setresgid, gid, gid, gid) < 0
                || libc::syscall(libc::SYS_setresuid, uid, uid, uid) < 0
            {
                return (Step::Account, errno());
            }
        }
        // A change of account clears this wish, so it comes after. It tells of a death from now on only.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
        if libc::getppid() != shared.parent {
            libc::_exit(127);
        }
        if libc::chdir(shared.dir) < 0 {
            return (Step::Directory, errno());
        }
        // They stay open until the program is executed: who holds our lock file's descriptor holds the lock,
        // so a successor of ours waits until this process can be recognised.
        libc::syscall(libc::SYS_close_range, 3, c_int::MAX, libc::CLOSE_RANGE_CLOEXEC);
        // No handler is set in this program, so nothing of ours runs when signals come in again.
        let none: u64 = 0;
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, ptr::null::<c_void>(), 8);

        let mut failure = libc::ENOENT;
        let mut program = shared.programs;
        while !(*program).is_null() {
            libc::execve(*program, shared.argv, shared.env);
            // What is there but must not be executed is worth more words than what is not there.
            if failure == libc::ENOENT {
                failure = errno();
            }
            program = program.add(1);
        }
        (Step::Program, failure)
    }
}

fn errno() -> i32 {
    Errno::last_raw()
}

/// Lets go of every inherited descriptor but the standard three, and makes every signal do what it does by
/// default, so that no child has to. To be called before anything is opened.
pub(super) fn forget_inheritance() {
    // SAFETY: nothing above the standard three was opened by this process; no handler of ours is lost.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3, c_int::MAX, 0) < 0 {
            (3..1024).for_each(|fd| {
                libc::close(fd);
            });
        }
        // The C library keeps two signals to itself, which somebody may have left ignored; the kernel does not.
        let default = [0u64; 4];
        (1..=64).for_each(|signal| {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null::<c_void>(), 8);
        });
    }
}

/// Reaps one child that has ended, if there is one. (The safe wrapper loses children that end by a real-time
/// signal.)
pub(super) fn reap() -> Option<(i32, super::Exit)> {
    let mut status = 0;
    // SAFETY: a plain system call that writes the status.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then(|| match libc::WIFSIGNALED(status) {
        true => (pid, super::Exit::Signal(libc::WTERMSIG(status))),
        false => (pid, super::Exit::Code(libc::WEXITSTATUS(status))),
    })
}

/// A raised priority makes an exit heard at once on a busy machine; tasks get back what was before.
pub(super) fn raise_priority(by: c_int) -> c_int {
    // SAFETY: plain system calls.
    unsafe {
        let before = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, before - by);
        before
    }
}
