//! Reading the `--conf` folder: the original's property files, then `escheduler.toml`.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use java_properties::{LineContent, PropertiesIter};
use toml::de::{DeTable, DeValue};

use super::layer::Layer;
use super::original::{self, Meaning};
use super::table::Table;
use super::{Findings, Mistake};

/// Our own file, which beats the original's.
const OWN_FILE: &str = "escheduler.toml";

/// Reads all files of a folder that are known by name, the weakest first.
pub(super) fn read(dir: &Path, table: &Table, found: &mut Findings) -> Vec<Layer> {
    if !dir.is_dir() {
        let what = if dir.exists() { "is a file; the configuration is a folder" } else { "there is no such folder" };
        found.mistakes.push(Mistake::new(dir.display().to_string(), what));
        return Vec::new();
    }
    let mut layers = Vec::new();
    for name in original::FILES {
        layers.extend(open(&dir.join(name), found).map(|file| properties(&file, table, found)));
    }
    layers.extend(open(&dir.join(OWN_FILE), found).map(|file| own(&file, table, found)));
    if layers.is_empty() && found.mistakes.is_empty() {
        found.warnings.push(format!("{}: holds no file that is known, {OWN_FILE} for one", dir.display()));
    }
    layers
}

/// A file and its text.
struct File {
    path: String,
    bytes: Vec<u8>,
}

impl File {
    fn line(&self, number: usize) -> String {
        format!("{}:{number}", self.path)
    }
}

fn open(path: &Path, found: &mut Findings) -> Option<File> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Some(File { path: name, bytes }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            found.mistakes.push(Mistake::new(name, format!("cannot be read: {error}")));
            None
        }
    }
}

/// A property file of the original. Java's are ISO-8859-1, but people write UTF-8.
fn properties(file: &File, table: &Table, found: &mut Findings) -> Layer {
    let encoding = match str::from_utf8(&file.bytes) {
        Ok(_) => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    };
    let mut layer = Layer::default();
    for line in PropertiesIter::new_with_encoding(Cursor::new(&file.bytes), encoding) {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                let place = error.line_number().map_or_else(|| file.path.clone(), |number| file.line(number));
                found.mistakes.push(Mistake::new(place, "cannot be read; is a backslash meant to be two?"));
                break;
            }
        };
        let place = file.line(line.line_number());
        if let LineContent::KVPair(name, value) = line.consume_content() {
            property(&name, value.trim(), &place, table, &mut layer, found);
        }
    }
    layer
}

fn property(name: &str, value: &str, place: &str, table: &Table, layer: &mut Layer, found: &mut Findings) {
    match original::meaning(name, table) {
        Meaning::Key(key) => layer.set(key, value.to_owned(), Some(place)),
        Meaning::NoEffect => found.notes.push(format!("{place}: {name} has no effect here")),
        Meaning::Unknown { nearest } => {
            found.mistakes.push(Mistake::new(place, format!("{name} is no known key; the nearest is {nearest}")));
        }
    }
}

/// Our own file.
fn own(file: &File, table: &Table, found: &mut Findings) -> Layer {
    let mut layer = Layer::default();
    let text = match str::from_utf8(&file.bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &file.bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            found.mistakes.push(Mistake::new(file.line(line), "is not UTF-8"));
            return layer;
        }
    };
    let (entries, unreadable) = entries(text);
    found.mistakes.extend(unreadable.into_iter().map(|(line, what)| Mistake::new(file.line(line), what)));
    for Entry { key, line, value } in entries {
        let place = file.line(line);
        match value {
            Err(Shape::EmptyTable) if table.has_section(&key) => {}
            _ if !table.knows(&key) => found.mistakes.push(Mistake::new(place, unknown(&key, table))),
            Ok(scalar) => layer.set(&key, scalar.into_text(), Some(&place)),
            Err(Shape::EmptyTable) => found.mistakes.push(Mistake::new(place, format!("{key} cannot be a table"))),
            Err(Shape::Other(what)) => found.mistakes.push(Mistake::new(place, format!("{key} cannot be {what}"))),
        }
    }
    layer
}

fn unknown(key: &str, table: &Table) -> String {
    match original::our_name(key) {
        Some(ours) => format!("{key} is called {ours} here"),
        None => format!("{key} is no known key; the nearest is {}", table.nearest(key)),
    }
}

/// One key of a TOML text, under its full dotted name.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Result<Scalar, Shape>,
}

/// A value that a key can have.
pub(super) enum Scalar {
    Flag(bool),
    Whole(String),
    Number(String),
    Text(String),
}

impl Scalar {
    pub(super) fn into_text(self) -> String {
        match self {
            Scalar::Flag(flag) => flag.to_string(),
            Scalar::Whole(text) | Scalar::Number(text) | Scalar::Text(text) => text,
        }
    }
}

/// What is no value of a key.
pub(super) enum Shape {
    EmptyTable,
    Other(&'static str),
}

/// All keys of a TOML text in the order of their lines, and each line that cannot be read. What follows such a line
/// is read all the same, so that all mistakes are told at once.
pub(super) fn entries(text: &str) -> (Vec<Entry>, Vec<(usize, String)>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let line_at = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    // The parser's own text would quote the line, which may hold a secret; its message does not.
    let mut unreadable: Vec<(usize, String)> = errors
        .iter()
        .map(|error| (error.span().map_or(1, |span| line_at(span.start)), format!("is not TOML: {}", error.message())))
        .collect();
    unreadable.dedup_by_key(|(line, _)| *line);

    let mut entries = Vec::new();
    flatten(document.get_ref(), "", &line_at, &mut entries);
    entries.retain(|entry| unreadable.iter().all(|(line, _)| *line != entry.line));
    entries.sort_by_key(|entry| entry.line);
    (entries, unreadable)
}

fn flatten(table: &DeTable<'_>, prefix: &str, line_at: &impl Fn(usize) -> usize, entries: &mut Vec<Entry>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        let line = line_at(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(inner, &format!("{key}."), line_at, entries),
            value => entries.push(Entry { key, line, value: scalar(value) }),
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Result<Scalar, Shape> {
    Ok(match value {
        DeValue::String(text) => Scalar::Text(text.to_string()),
        DeValue::Integer(number) => Scalar::Whole(
            i64::from_str_radix(number.as_str(), number.radix()).map_or(number.to_string(), |n| n.to_string()),
        ),
        DeValue::Float(number) => Scalar::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Scalar::Flag(*flag),
        // A list may be written as one; the original separates its parts by commas.
        DeValue::Array(parts) => {
            let parts: Result<Vec<String>, Shape> =
                parts.iter().map(|part| scalar(part.get_ref()).map(Scalar::into_text)).collect();
            Scalar::Text(parts.map_err(|_| Shape::Other("a list of tables"))?.join(","))
        }
        DeValue::Datetime(_) => return Err(Shape::Other("a date")),
        DeValue::Table(_) => return Err(Shape::EmptyTable),
    })
}
