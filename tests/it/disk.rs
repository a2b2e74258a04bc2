//! A disk that fills up in mid-run.

use crate::ledger::Ledger;
use crate::site::{Site, document, eventually, shell};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// A small file system, there until it is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where that is not allowed.
    fn mount(size: &str) -> Option<Disk> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = format!("size={size},mode=0711");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Disk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all room that is left.
    fn fill(&self) {
        let mut file = std::fs::File::options().create(true).append(true).open(self.path().join("filler"));
        let file = file.as_mut().expect("room for a name");
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("our own file");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps nobody from going on.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_holds_work_up_and_loses_nothing() {
    let Some(disk) = Disk::mount("24m") else {
        return println!("skipped, because it needs root: a disk that fills up");
    };
    let mut site = Site::prepare(&[("ESCHEDULER_WORKER_EXEC_THREADS", "1")]);
    site.data = disk.path().join("data");
    site.up();
    site.project();
    let ledger = Ledger::new(site.folder.path());
    let gate = site.folder.path().join("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.02; done", gate.display());
    let nodes = vec![
        shell("a", &ledger.script("a", &wait), &[]),
        shell("b", &ledger.script("b", ""), &["a"]),
        shell("c", &ledger.script("c", ""), &["b"]),
        // In the queue when the disk fills up: there is no room for its script.
        shell("queued", &ledger.script("queued", ""), &[]),
    ];
    let long = site.define("long", &document(nodes));
    let short = site.define("short", &document(vec![shell("s", &ledger.script("s", ""), &[])]));
    site.start_instance(long, &[]);
    eventually("the first node runs", || (ledger.running() == 1).then_some(()));

    let full = Instant::now();
    disk.fill();
    // The room that the database has already may take some more; whatever is accepted will have to run.
    let mut accepted = 0;
    eventually("a start is refused", || {
        disk.fill();
        let answer = site.risk_start(short, &[]).expect("an answer");
        accepted += usize::from(answer);
        (!answer).then_some(())
    });
    println!("{accepted} starts were accepted before one was refused");
    std::fs::write(&gate, "").expect("another disk");
    eventually("the running node ends", || {
        ledger.lines().iter().any(|line| matches!(line, crate::ledger::Line::End(a) if a.node == "a")).then_some(())
    });
    // The site goes on answering what needs no room.
    assert_eq!(site.instances(long)[0]["state"], "RUNNING_EXEUTION");
    assert!(crate::processes::shim(&site.data).is_some(), "the shim lives");
    eventually("it says so", || site.said().contains("nothing can be recorded").then_some(()));
    eventually("a queued task waits", || site.said().contains("tasks wait until there is room").then_some(()));
    let complaints = site.said().matches("nothing can be recorded").count() as u64;
    assert!(complaints <= 1 + full.elapsed().as_secs() / 60, "{complaints} complaints");

    disk.clear();
    eventually("everything ends well", || {
        let rows = [site.instances(long), site.instances(short)].concat();
        (rows.len() == 1 + accepted && rows.iter().all(|row| row["state"] == "SUCCESS")).then_some(())
    });
    let starts = ledger.starts();
    assert_eq!(starts.len(), 4 + accepted);
    assert!(starts.values().all(|count| *count == 1), "{starts:?}");
    println!("{complaints} complaint; {} instances ended in SUCCESS when there was room", 1 + accepted);
}
