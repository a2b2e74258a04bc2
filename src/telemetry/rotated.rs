//! A file that is closed when it is large enough, of which a bounded number is kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// `name` is written; `name.1` was closed last, `name.2` before it.
pub(super) struct Rotated {
    path: PathBuf,
    max_size: u64,
    max_files: usize,
    /// `None` while there cannot be one; each line tries again.
    file: Option<File>,
    size: u64,
}

impl Rotated {
    /// Goes on with the file if there is one. Closed files beyond the bound are removed.
    ///
    /// # Errors
    /// There is no file in this place and there cannot be one. That the disk is full at present is no error.
    pub(super) fn open(path: PathBuf, max_size: u64, max_files: usize) -> io::Result<Rotated> {
        let mut rotated = Rotated { path, max_size, max_files, file: None, size: 0 };
        match rotated.reopen() {
            Err(error) if !is_full(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
        rotated.remove_surplus();
        Ok(rotated)
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn closed(&self, number: usize) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    /// Closes the file and begins a new one. If the names cannot be changed, the file goes on for another
    /// `max_size` bytes: a log that is too large beats none.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let moved = self.move_up();
        self.reopen()?;
        if moved.is_err() {
            self.size = 0;
        }
        Ok(())
    }

    fn move_up(&self) -> io::Result<()> {
        if self.max_files == 0 {
            return fs::remove_file(&self.path);
        }
        let free = (1..self.max_files).find(|&number| !self.closed(number).exists()).unwrap_or(self.max_files);
        for number in (1..free).rev() {
            fs::rename(self.closed(number), self.closed(number + 1))?;
        }
        fs::rename(&self.path, self.closed(1))
    }

    /// The bound may have been lowered since the last start.
    fn remove_surplus(&self) {
        let entries = self.path.parent().unwrap_or(Path::new(".")).read_dir();
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            if self.number(&path).is_some_and(|number| number > self.max_files)
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::warn!(%error, file = %path.display(), "could not remove an old server log");
            }
        }
    }

    fn number(&self, path: &Path) -> Option<usize> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix(self.path.file_name()?.to_str()?)?.strip_prefix('.')?.parse().ok()
    }
}

impl Write for Rotated {
    /// Writes as many whole lines as this file has room for; a line that no file has room for gets one alone.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let first = memchr::memchr(b'\n', lines).map_or(lines.len(), |end| end + 1);
        if self.size > 0 && self.size.saturating_add(first as u64) > self.max_size {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let room = usize::try_from(self.max_size.saturating_sub(self.size)).unwrap_or(usize::MAX).min(lines.len());
        let fitting = memchr::memrchr(b'\n', &lines[..room]).map_or(0, |end| end + 1).max(first);
        let Some(file) = &mut self.file else { return Ok(0) };
        let written = file.write(&lines[..fitting])?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a folder with their text, in alphabetical order.
    fn picture(folder: &Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn files_are_closed_between_lines_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/log");
        let mut log = Rotated::open(path.clone(), 10, 2).unwrap();
        log.write_all(b"one\ntwo\nthree\n").unwrap();
        let one_closed = named(&[("log", "three\n"), ("log.1", "one\ntwo\n")]);
        assert_eq!(picture(path.parent().unwrap()), one_closed);
        log.write_all(b"4\n5\na line that is longer than a file\n6\n").unwrap();
        let lines = [("log", "6\n"), ("log.1", "a line that is longer than a file\n"), ("log.2", "three\n4\n5\n")];
        assert_eq!(picture(path.parent().unwrap()), named(&lines));
    }

    #[test]
    fn a_new_start_goes_on_with_the_file_and_keeps_the_new_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        Rotated::open(path.clone(), 4, 5).unwrap().write_all(b"1\n2\n3\n4\n5\n6\n7\n").unwrap();
        fs::write(folder.path().join("log.old"), "").unwrap();
        Rotated::open(path.clone(), 4, 1).unwrap().write_all(b"8\n").unwrap();
        assert_eq!(picture(folder.path()), named(&[("log", "7\n8\n"), ("log.1", "5\n6\n"), ("log.old", "")]));
        Rotated::open(path, 4, 0).unwrap().write_all(b"9\n").unwrap();
        assert_eq!(picture(folder.path()), named(&[("log", "9\n"), ("log.old", "")]));
    }

    #[test]
    fn the_log_goes_on_in_one_file_while_names_cannot_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::create_dir_all(folder.path().join("log.1/in the way")).unwrap();
        let mut log = Rotated::open(path.clone(), 4, 1).unwrap();
        log.write_all(b"1\n2\n3\n4\n5\n").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "1\n2\n3\n4\n5\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Rotated::open(folder.path().join("file/log"), 4, 1).is_err());
    }

    #[test]
    fn a_folder_that_vanishes_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/log");
        let mut log = Rotated::open(path.clone(), 4, 1).unwrap();
        log.write_all(b"1\n2\n").unwrap();
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        log.write_all(b"3\n").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "3\n");
    }
}
