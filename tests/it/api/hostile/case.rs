//! One hostile request, drawn from a seed.

use super::form::{Operation, Place};
use super::grounds::{Caller, Grounds};
use super::values::{self, MARK, Value, hostile, one};
use crate::dice::Dice;

const BORDER: &str = "border-of-parts-7f3a";

pub struct Case {
    pub number: u64,
    pub caller: Caller,
    /// Its place among the operations.
    pub operation: usize,
    /// What goes over the wire.
    pub bytes: Vec<u8>,
    /// Nothing more is sent afterwards.
    pub is_cut: bool,
    /// Not the documented method, or not the documented path.
    pub is_astray: bool,
    /// Who is calling is not certain, because headers about it were forged.
    pub is_masked: bool,
    /// No request by the rules of HTTP, or a head that is too large.
    pub is_malformed: bool,
}

/// A request while it is put together.
struct Draft {
    method: String,
    path: Vec<u8>,
    query: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// What `Content-Length` says if not the truth.
    length: Option<String>,
    cut: bool,
    astray: bool,
    masked: bool,
    malformed: bool,
}

impl Case {
    pub fn draw(seed: u64, number: u64, grounds: &Grounds) -> Case {
        let mut dice = Dice(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
        // Every operation gets its turn.
        let at = (number % grounds.operations.len() as u64) as usize;
        let operation = &grounds.operations[at];
        let caller = [Caller::Admin, Caller::Admin, Caller::User, Caller::User, Caller::Nobody][dice.below(5) as usize];
        let mut draft = Draft::of(operation, &mut dice, number);
        if let Some(session) = grounds.session(caller) {
            draft.headers.push(("Cookie".to_owned(), format!("language=en_US; sessionId={session}").into_bytes()));
        }
        if dice.below(3) == 0 {
            draft.trick(&mut dice);
        }
        Case {
            number,
            caller,
            operation: at,
            is_cut: draft.cut,
            is_astray: draft.astray,
            is_masked: draft.masked,
            is_malformed: draft.malformed || draft.path.len() + draft.query.len() > 60_000,
            bytes: draft.written(grounds.address()),
        }
    }
}

impl Draft {
    /// The operation with some of its fields as they should be, and others not.
    fn of(operation: &Operation, dice: &mut Dice, number: u64) -> Draft {
        let mut pairs: Vec<(Place, Vec<u8>, Value)> = Vec::new();
        let mut path = operation.path.clone().into_bytes();
        for field in &operation.fields {
            let value = match dice.below(3) {
                0 => hostile(dice, field.kind()),
                _ => Value::Text(field.plain(dice, number)),
            };
            let name = field.name.clone().into_bytes();
            match (field.place, dice.below(24)) {
                (Place::Path, _) => path = replaced(&path, &format!("{{{}}}", field.name), &segment(&value)),
                (_, 0) => {}
                (place, 1) => {
                    pairs.push((place, name.clone(), Value::Text(field.plain(dice, number))));
                    pairs.push((place, name, value));
                }
                (place, 2) => pairs.push((place, [&name[..], b"[]"].concat(), value)),
                (Place::Body, 3) => pairs.push((Place::Query, name, value)),
                (place, _) => pairs.push((place, name, value)),
            }
        }
        let mut draft = Draft {
            method: operation.method.clone(),
            path,
            query: joined(pairs.iter().filter(|(place, ..)| *place == Place::Query)),
            headers: Vec::new(),
            body: Vec::new(),
            length: None,
            cut: false,
            astray: false,
            masked: false,
            malformed: false,
        };
        if operation.is_upload {
            draft.body = parts(dice, &pairs);
            draft.header("Content-Type", format!("multipart/form-data; boundary={BORDER}"));
        } else if operation.method == "POST" {
            draft.body = joined(pairs.iter().filter(|(place, ..)| *place == Place::Body));
            draft.header("Content-Type", "application/x-www-form-urlencoded".to_owned());
        }
        draft
    }

    fn header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Something is wrong with the request itself.
    fn trick(&mut self, dice: &mut Dice) {
        match dice.below(16) {
            0 => {
                let methods =
                    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"];
                let method = methods[dice.below(methods.len() as u64) as usize];
                self.astray = method != self.method;
                self.malformed = method == "CONNECT";
                self.method = method.to_owned();
            }
            1 => {
                let kinds = [
                    "application/json",
                    "text/xml",
                    "multipart/form-data",
                    "multipart/form-data; boundary=",
                    "multipart/form-data; boundary=\"",
                    "text/plain",
                    "\"",
                    ";;;",
                    "application/x-www-form-urlencoded; charset=utf-16",
                    "APPLICATION/X-WWW-FORM-URLENCODED",
                    "multipart/mixed; boundary=x",
                ];
                self.headers.retain(|(name, _)| name != "Content-Type");
                self.header("Content-Type", kinds[dice.below(kinds.len() as u64) as usize]);
            }
            2 => {
                self.masked = true;
                let tokens = ["x", "' or '1'='1", "%00", "../../etc/passwd", "null", "\u{202e}", &"t".repeat(9_000)];
                self.header("token", tokens[dice.below(tokens.len() as u64) as usize]);
            }
            3 => {
                self.masked = true;
                let ids = [
                    "sessionId=x",
                    "sessionId=\"a;b\"",
                    "sessionId='",
                    "sessionId=; sessionId=y",
                    "=;=;==",
                    "sessionid=' or 1=1 --",
                    "sessionId",
                    "\"",
                    "sessionId=%00",
                    "a=\x01",
                ];
                let cookie = ids[dice.below(ids.len() as u64) as usize];
                self.malformed = cookie.contains('\x01');
                self.headers.insert(0, ("Cookie".to_owned(), cookie.as_bytes().to_vec()));
            }
            4 => {
                // In one line, in as many lines as a head may have, and in more.
                let lines = *one(dice, &[&1, &80, &120]);
                self.malformed = lines > 100;
                let each = (0..100_u32.div_ceil(lines)).map(|n| format!("c{n}=v{n}")).collect::<Vec<_>>().join("; ");
                (0..lines).for_each(|_| self.header("Cookie", each.clone()));
            }
            5 => self.header("Cookie", format!("big={}", "x".repeat(30_000))),
            6 => {
                self.masked = true;
                self.header("sessionId", *one(dice, &[&"x", &"' or '1'='1", &"\u{ff}", &"null"]));
            }
            7 => {
                let tags =
                    ["language=zh_CN", "language=", "language=../../etc", "language=\u{6570}", "language=en_US,zh;q=9"];
                self.headers
                    .insert(0, ("Cookie".to_owned(), tags[dice.below(tags.len() as u64) as usize].as_bytes().to_vec()));
                self.header("Accept-Language", *one(dice, &[&"zh", &"*;q=x", &",,,;", &"en;q=1e999", &"zh;q=-1"]));
            }
            8 => {
                self.header(
                    "X-Forwarded-For",
                    *one(
                        dice,
                        &[&"' or 1=1 --", &"1.2.3.4, ::1, x", &"[::1]:80", &"\u{ff}", &",,,,", &"999.999.999.999"],
                    ),
                );
                self.header("X-Forwarded-Host", "evil.example/<script>");
                self.header("X-Real-IP", "%s%n");
                self.header("X-Request-Id", *one(dice, &[&"a'b", &"<b>", &"\u{6570}", &""]));
            }
            9 => {
                self.length = Some(one(dice, &[&(self.body.len() + 100), &(self.body.len() + 1_000_000)]).to_string());
                self.cut = true;
            }
            10 => {
                self.malformed = true;
                self.length =
                    Some((*one(dice, &["-1", "x", "18446744073709551616", "+5", "", "5, 6", "0x5"])).to_owned());
                self.cut = true;
            }
            11 if self.body.len() > 1 => {
                // The rest of the body is another request, or none.
                self.malformed = true;
                self.length = Some((self.body.len() / 2).to_string());
            }
            12 => {
                self.astray = true;
                let places: [&[u8]; 9] = [
                    b"/../../../etc/passwd",
                    b"/./x",
                    b"//",
                    b"/%2e%2e/%2e%2e",
                    b"/%00",
                    b"/\\..\\",
                    b"/;a=b",
                    b"/%ff",
                    b"/x/../../hostile-7f3a",
                ];
                self.path.extend_from_slice(places[dice.below(9) as usize]);
            }
            13 => {
                self.query.extend_from_slice(one::<[u8]>(
                    dice,
                    &[b"&&&==&=", b"&%=%&%zz=%", b"&a=%ff%00", b"&pageNo", b"?x=1#y", b"&pageNo[a]=7&pageSize[]=8"],
                ));
            }
            14 => {
                self.malformed = true;
                let bytes: [&[u8]; 4] = [b"x\0y", b"\xff\xfe", b"a\rb", b"a\nX-Injected: y"];
                self.header("X-Odd", bytes[dice.below(4) as usize]);
            }
            _ => {
                let size = self.body.len() as u64;
                if size > 0 {
                    let at = dice.below(size) as usize;
                    match dice.below(3) {
                        0 => self.body.truncate(at),
                        1 => self.body[at] ^= 1 << dice.below(8),
                        _ => drop(
                            self.body.splice(
                                at..at,
                                one::<[u8]>(dice, &[b"\0", b"\r\n--", b"--border-of-parts-7f3a--", b"&", b"%"])
                                    .iter()
                                    .copied(),
                            ),
                        ),
                    }
                }
            }
        }
    }

    fn written(self, address: &str) -> Vec<u8> {
        let mut bytes = self.method.clone().into_bytes();
        bytes.extend_from_slice(b" /escheduler");
        bytes.extend_from_slice(&self.path);
        if !self.query.is_empty() {
            bytes.push(b'?');
            bytes.extend_from_slice(&self.query);
        }
        bytes.extend_from_slice(format!(" HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n").as_bytes());
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        let has_body = !self.body.is_empty() || self.method == "POST";
        if let Some(length) = self.length.or_else(|| has_body.then(|| self.body.len().to_string())) {
            bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn encoded(text: &[u8]) -> Vec<u8> {
    percent(text, |byte| byte.is_ascii_alphanumeric())
}

fn percent(text: &[u8], is_plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text {
        match is_plain(*byte) {
            true => encoded.push(*byte),
            false => encoded.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    encoded
}

fn of_value(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => encoded(text.as_bytes()),
        Value::Bytes(bytes) => bytes.to_vec(),
    }
}

/// As a part of a path; not too long for one, and not nothing.
fn segment(value: &Value) -> Vec<u8> {
    let mut text = of_value(value);
    text.truncate(20_000);
    if text.is_empty() { b"sandbox".to_vec() } else { text }
}

fn replaced(path: &[u8], place: &str, by: &[u8]) -> Vec<u8> {
    match path.windows(place.len()).position(|part| part == place.as_bytes()) {
        Some(at) => [&path[..at], by, &path[at + place.len()..]].concat(),
        None => path.to_vec(),
    }
}

fn joined<'a>(pairs: impl Iterator<Item = &'a (Place, Vec<u8>, Value)>) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> =
        pairs.map(|(_, name, value)| [encoded(name), b"=".to_vec(), of_value(value)].concat()).collect();
    pairs.join(&b'&')
}

/// A form with a file, in which some border or header may be broken.
fn parts(dice: &mut Dice, pairs: &[(Place, Vec<u8>, Value)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (place, name, value) in pairs {
        let name = String::from_utf8_lossy(name);
        let text = match value {
            Value::Text(text) => text.clone().into_bytes(),
            Value::Bytes(bytes) => bytes.to_vec(),
        };
        let head = match place {
            Place::Query | Place::Path => continue,
            Place::Body => format!("name=\"{name}\""),
            Place::File => {
                let names = [
                    "n.sh",
                    "../../hostile-7f3a.sh",
                    "/tmp/hostile-7f3a.sh",
                    "",
                    "a\"b.sh",
                    "n\0.sh",
                    "..",
                    "数.sh",
                    "n.sh\r\nX: y",
                ];
                format!("name=\"{name}\"; filename=\"{}\"", names[dice.below(names.len() as u64) as usize])
            }
        };
        body.extend_from_slice(format!("--{BORDER}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(&text);
        body.extend_from_slice(b"\r\n");
    }
    match dice.below(6) {
        0 => {}
        1 => body.extend_from_slice(format!("--{BORDER}").as_bytes()),
        2 => body.extend_from_slice(format!("--{BORDER}\r\n{MARK}").as_bytes()),
        _ => body.extend_from_slice(format!("--{BORDER}--\r\n").as_bytes()),
    }
    body
}

#[test]
fn a_case_follows_from_its_seed_and_number() {
    let draw = |seed| {
        let mut dice = Dice(seed);
        (0..50).map(|_| format!("{:?}", hostile(&mut dice, values::Kind::Text))).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}
