//! Uploaded files, with the real program: tasks get them, memory does not grow with them, and a kill leaves nothing.

use crate::site::{Site, document, shell};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

const MIB: usize = 1 << 20;
const BORDER: &str = "border-of-parts";

/// One upload, sent by hand.
struct Upload {
    stream: TcpStream,
}

impl Upload {
    /// Everything in front of the content, which will have that many bytes.
    fn begin(site: &Site, name: &str, size: usize) -> Upload {
        let session = site.post("login", &[("userName", "admin"), ("userPassword", "escheduler123")]);
        let address = site.base().trim_start_matches("http://").trim_end_matches("/escheduler").to_owned();
        // The file comes first, as the front-end sends it.
        let head = format!(
            "--{BORDER}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&address).unwrap();
        let length = head.len() + size + Upload::tail(name).len();
        let request = format!(
            "POST /escheduler/resources/create HTTP/1.1\r\nHost: {address}\r\nsessionId: {}\r\n\
             Content-Type: multipart/form-data; boundary={BORDER}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{head}",
            session.as_str().unwrap()
        );
        stream.write_all(request.as_bytes()).unwrap();
        Upload { stream }
    }

    fn tail(name: &str) -> String {
        let part = |key: &str, value: &str| {
            format!("\r\n--{BORDER}\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}")
        };
        part("type", "FILE") + &part("name", name) + &part("desc", "") + &format!("\r\n--{BORDER}--\r\n")
    }

    fn send(&mut self, piece: &[u8]) {
        self.stream.write_all(piece).unwrap();
    }

    /// The rest of the form; answers with the data of the answer.
    fn end(mut self, name: &str) -> Value {
        self.stream.write_all(Upload::tail(name).as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(answer["code"], 0, "{answer}");
        answer["data"].clone()
    }
}

fn uploading(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("upload")).map_or(0, Iterator::count)
}

#[test]
fn a_task_gets_the_file_that_it_names() {
    let site = Site::start();
    let mut upload = Upload::begin(&site, "greet.sh", 12);
    upload.send(b"echo hi $1\n\n");
    upload.end("greet.sh");
    site.project();
    let mut node = shell("greets", "sh greet.sh there", &[]);
    node["params"]["resourceList"] = serde_json::json!([{"res": "greet.sh"}]);
    let id = site.define("w", &document(vec![node]));
    let instance = site.run(id);
    assert_eq!(instance["state"], "SUCCESS");
    let task = &site.tasks(instance["id"].as_i64().unwrap())[0];
    assert!(site.log(task).contains("hi there"));
    assert_eq!(uploading(&site.data), 0);
}

#[test]
fn a_kill_in_the_middle_of_an_upload_leaves_nothing() {
    let mut site = Site::start();
    let mut upload = Upload::begin(&site, "cut.sh", 4 * MIB);
    upload.send(&vec![b'x'; 2 * MIB]);
    crate::site::eventually("the upload has begun", || (uploading(&site.data) == 1).then_some(()));
    site.crash();
    assert_eq!(uploading(&site.data), 1, "nobody could clean up");
    for entry in std::fs::read_dir(site.data.join("upload")).unwrap().flatten() {
        // As if it had been some time ago; a file of this minute could be somebody's.
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        std::fs::File::options().write(true).open(entry.path()).unwrap().set_modified(long_ago).unwrap();
    }
    site.up();
    crate::site::eventually("it is removed at the next start", || (uploading(&site.data) == 0).then_some(()));
    assert!(site.get("resources/list?type=FILE").as_array().unwrap().is_empty());
}

/// What the kernel says about the memory of a process, in KiB.
fn memory(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Not part of the suite: it needs 2 GiB of disk and some seconds. `make test-memory` prints the figures.
#[test]
#[ignore = "writes 1 GiB"]
fn memory_stays_flat_while_one_gib_goes_up_and_comes_down() {
    let site = Site::start();
    let pid = site.pid();
    let piece: Vec<u8> = (0..MIB).map(|at| (at * 31 % 253) as u8).collect();
    let before = memory(pid, "VmRSS");
    let begun = std::time::Instant::now();
    let mut upload = Upload::begin(&site, "large.bin", 1024 * MIB);
    let mut highest_up = 0;
    for sent in 0..1024 {
        upload.send(&piece);
        if sent % 16 == 0 {
            highest_up = highest_up.max(memory(pid, "VmRSS"));
        }
    }
    let made = upload.end("large.bin");
    let up = begun.elapsed();
    assert_eq!(made["size"], 1u64 << 30);
    let begun = std::time::Instant::now();
    let (mut highest_down, mut down, mut wrong) = (0, 0usize, 0);
    let mut body = site.download(&format!("resources/download?id={}", made["id"]));
    let mut buffer = vec![0; MIB];
    loop {
        let read = body.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        wrong += buffer[..read].iter().zip(piece.iter().cycle().skip(down % MIB)).filter(|(a, b)| a != b).count();
        down += read;
        highest_down = highest_down.max(memory(pid, "VmRSS"));
    }
    assert_eq!((down, wrong), (1024 * MIB, 0));
    let peak = memory(pid, "VmHWM");
    eprintln!(
        "resident: {before} KiB before, at most {highest_up} KiB while 1 GiB went up ({up:?}), at most {highest_down} \
         KiB while it came down ({:?}); peak {peak} KiB",
        begun.elapsed()
    );
    assert!(peak < before + 64 * 1024, "peak {peak} KiB, {before} KiB before");
}
