//! The first process of a container: reaps orphans, and passes signals on to the real program, which
//! runs as its only child.

use super::cannot;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::process::{Command, ExitCode};

const PASSED_ON: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// Who sent a signal, if it was the kernel itself: the keys of a terminal.
const SI_KERNEL: i32 = 0x80;

/// Starts this program once more with the same arguments, and ends as it ends.
pub(super) fn supervise() -> ExitCode {
    let signals = match listen() {
        Ok(signals) => signals,
        Err(error) => return cannot(&format!("signals cannot be received: {error}")).into(),
    };
    let child = match Command::new("/proc/self/exe").args(std::env::args_os().skip(1)).spawn() {
        Ok(child) => Pid::from_raw(child.id() as i32),
        Err(error) => return cannot(&format!("the program cannot be started below process 1: {error}")).into(),
    };
    loop {
        let Ok(Some(info)) = signals.read_signal() else { continue };
        match Signal::try_from(info.ssi_signo as i32) {
            Ok(Signal::SIGCHLD) => {
                if let Some(code) = reap(child) {
                    return ExitCode::from(code);
                }
            }
            Ok(signal) if !heard_by_all(&info, signal) => {
                // It may have ended meanwhile; then its end is the next signal.
                let _ = kill(child, signal);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The signals are held back here and read one by one; the program below takes none of that over.
fn listen() -> nix::Result<SignalFd> {
    let mut signals: SigSet = PASSED_ON.into_iter().collect();
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
}

/// A terminal sends what its keys stand for to everybody on it; passed on, it would count twice.
fn heard_by_all(info: &siginfo, signal: Signal) -> bool {
    info.ssi_code == SI_KERNEL && matches!(signal, Signal::SIGINT | Signal::SIGQUIT)
}

/// Reaps everybody who has ended; the exit code of `child` if it is among them.
fn reap(child: Pid) -> Option<u8> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Some(code as u8),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Some(128 + signal as u8),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return None,
            Ok(_) | Err(_) => {}
        }
    }
}
