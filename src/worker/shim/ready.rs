//! Waiting for descriptors.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Waits until one of these can be read (or is closed), or the one that has output can be written, and says
/// which can be read.
pub(super) fn ready<const N: usize>(
    fds: [Option<BorrowedFd>; N],
    with_output: Option<usize>,
    timeout: Duration,
) -> io::Result<[bool; N]> {
    let mut polled = Vec::with_capacity(N);
    let mut at = 0;
    let places = fds.map(|fd| {
        let output = if with_output == Some(at) { PollFlags::POLLOUT } else { PollFlags::empty() };
        at += 1;
        fd.map(|fd| {
            polled.push(PollFd::new(fd, PollFlags::POLLIN | output));
            polled.len() - 1
        })
    });
    // Rounded up: what is due in half a millisecond is not due yet.
    let milliseconds = timeout.as_micros().div_ceil(1000).min(1 << 30) as i32;
    match poll(&mut polled, PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let readable = |fd: &PollFd| fd.revents().is_some_and(|found| found.intersects(!PollFlags::POLLOUT));
    Ok(places.map(|place| place.is_some_and(|place| readable(&polled[place]))))
}
