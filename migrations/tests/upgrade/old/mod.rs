//! Databases as EasyScheduler 1.0.0, 1.0.1, 1.0.2 and 1.1.0 have left them: tables, indexes, and rows with everything
//! that those releases have ever stored.

pub mod documents;
mod rows;
mod values;

pub use rows::Rows;

pub const VERSIONS: [&str; 4] = ["1.0.0", "1.0.1", "1.0.2", "1.1.0"];

/// The statements that make the tables of a release.
pub fn tables(version: &str) -> String {
    const ALL: &str = include_str!("schema.sql");
    let mut text = String::new();
    for line in ALL.lines() {
        match line.strip_prefix("-- ") {
            Some(later) if later > version => break,
            Some(_) => {}
            None => text += &with_engine(line),
        }
    }
    text
}

fn with_engine(line: &str) -> String {
    match line.strip_suffix(';') {
        Some(create) if line.starts_with("CREATE TABLE") => format!("{create} ENGINE=InnoDB CHARSET=utf8;\n"),
        _ => format!("{line}\n"),
    }
}

/// All statements that make a database of a release, with about so many rows.
pub fn database(version: &str, rows: usize) -> String {
    // As the original's connections: no rule against dates of zeros, and times that are not meant for us in UTC.
    format!(
        "SET SESSION sql_mode = '', time_zone = '+00:00';\nSET NAMES utf8mb4;\n{}{}",
        tables(version),
        Rows::new(version, rows).statements()
    )
}
