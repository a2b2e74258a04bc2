//! A process that is held by a descriptor, so that a signal never hits a later one of the same number.

// No safe crate wraps these two system calls.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::signal::Signal;
use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A process that cannot be mistaken for a later one of the same number.
pub(super) enum Handle {
    Descriptor(OwnedFd),
    /// A kernel before 5.3.
    Number(i32),
}

impl Handle {
    /// `None` if there is no such process.
    pub fn open(pid: i32) -> Option<Handle> {
        // SAFETY: a plain system call; the descriptor that it returns is nobody else's.
        unsafe {
            match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
                fd if fd >= 0 => Some(Handle::Descriptor(OwnedFd::from_raw_fd(fd as RawFd))),
                _ if Errno::last() == Errno::ENOSYS => Some(Handle::Number(pid)),
                _ => None,
            }
        }
    }

    /// Sends a signal; a process that is gone, or not ours to signal, is passed over.
    pub fn signal(&self, signal: Signal) {
        let signal = signal as c_int;
        // SAFETY: plain system calls.
        unsafe {
            match self {
                Handle::Descriptor(fd) => {
                    let fd = fd.as_raw_fd();
                    libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, ptr::null::<c_void>(), 0);
                }
                Handle::Number(pid) => {
                    libc::kill(*pid, signal);
                }
            }
        }
    }
}
