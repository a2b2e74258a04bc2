//! What a sparse file holds between its holes.

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// A file without its holes, up to the length that it had when it was opened.
pub(super) struct Data {
    file: File,
    /// Where the next byte is read.
    at: u64,
    /// Up to where there is no hole.
    end: u64,
    length: u64,
}

impl Data {
    pub(super) fn of(file: File) -> io::Result<Data> {
        let length = file.metadata()?.len();
        Ok(Data { file, at: 0, end: 0, length })
    }

    /// Passes over this many bytes, without reading them.
    pub(super) fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > 0 {
            let passed = bytes.min(self.ahead()?);
            if passed == 0 {
                break;
            }
            self.at += passed;
            bytes -= passed;
        }
        Ok(())
    }

    /// How many bytes follow up to the next hole; 0 at the end. Moves over a hole.
    fn ahead(&mut self) -> io::Result<u64> {
        if self.at == self.end && self.at < self.length {
            self.at = self.seek(self.at, Whence::SeekData)?;
            self.end = self.seek(self.at, Whence::SeekHole)?;
        }
        Ok(self.end - self.at)
    }

    fn seek(&self, from: u64, to: Whence) -> io::Result<u64> {
        if from >= self.length {
            return Ok(self.length);
        }
        let from = i64::try_from(from).map_err(io::Error::other)?;
        match lseek(&self.file, from, to) {
            Ok(found) => Ok((found as u64).min(self.length)),
            // There is no data up to the end, or the file was shortened.
            Err(Errno::ENXIO) => Ok(self.length),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for Data {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = usize::try_from(self.ahead()?).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(ahead);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
