//! Names of resources: they become names of files here, on workers, and in HDFS.

/// How long a name may be in the database, in characters.
const LONGEST: usize = 64;
/// How long the name of a file may be, in bytes.
const LONGEST_FILE: usize = 255;

/// Whether a file may have the name; else why not, as the end of a sentence.
///
/// # Errors
/// What is wrong with it.
pub fn fits(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("it is empty".into());
    }
    if name.chars().nth(LONGEST).is_some() || name.len() > LONGEST_FILE {
        return Err(format!("it is longer than {LONGEST} characters or {LONGEST_FILE} bytes"));
    }
    if name.starts_with('.') {
        return Err("it begins with a dot".into());
    }
    if name.trim() != name {
        return Err("it begins or ends with a blank".into());
    }
    // A colon or a slash cannot be part of a file's name in HDFS.
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '\u{2028}' | '\u{2029}');
    match name.chars().find(|c| odd(*c)) {
        Some(c) => Err(format!("the name of a file cannot hold {c:?}")),
        None => Ok(()),
    }
}

/// What follows the last dot; empty if there is none.
pub fn suffix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder_hide_or_be_too_long() {
        for name in ["load.sh", "数据.csv", "a b.txt", "no-suffix", "a..b", &"x".repeat(64)] {
            assert_eq!(fits(name), Ok(()), "{name}");
        }
        let long = "x".repeat(65);
        let wide = "\u{1F600}".repeat(64);
        let wrong = [
            "",
            " ",
            "..",
            ".",
            ".hidden",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "a\nb",
            "a\0b",
            "hdfs:x",
            " a",
            "a ",
            &long,
            &wide,
        ];
        for name in wrong {
            assert!(fits(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_suffix_is_what_follows_the_last_dot() {
        assert_eq!(["a.sh", "a.tar.gz", "a", "a."].map(suffix), ["sh", "gz", "", ""]);
    }
}
