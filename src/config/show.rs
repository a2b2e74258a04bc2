//! The texts of `config show` and `config check`, and the masks over secrets.

use std::fmt;

use super::{BUILT_IN, Loaded, Mistake, folders};

/// What stands for a secret.
const MASK: &str = "******";

/// A text that no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Each key, its value, and where the value comes from; secrets are masked.
pub fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    for (key, value) in &loaded.values {
        let line = format!("{key} = {:?}", masked(key, &value.text));
        text.push_str(&format!("{line:<70} # {}\n", value.source));
    }
    text
}

/// What `config check` says of a configuration that could be read: its warnings, what has no effect, and a summary.
/// The folders are tried as well, but nothing is made.
pub fn check(loaded: &Loaded) -> Result<String, Vec<Mistake>> {
    folders::try_out(loaded)?;
    let warnings = loaded.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    let notes = loaded.notes.iter().map(|note| format!("note: {note}\n"));
    let set = loaded.values.values().filter(|value| value.source != BUILT_IN).count();
    let summary =
        format!("configuration in order: {set} keys set, {} left at their defaults\n", loaded.values.len() - set);
    Ok(warnings.chain(notes).chain([summary]).collect())
}

/// All mistakes, one a line, and how many.
pub fn report(mistakes: &[Mistake]) -> String {
    let lines: String = mistakes.iter().map(|mistake| format!("{mistake}\n")).collect();
    let count = match mistakes.len() {
        1 => "1 mistake".to_owned(),
        many => format!("{many} mistakes"),
    };
    format!("{lines}{count} in the configuration\n")
}

fn masked(key: &str, text: &str) -> String {
    match text {
        "" => String::new(),
        _ if is_secret(key) => MASK.to_owned(),
        _ => mask_url(text),
    }
}

/// Whether the value of a key must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let last = key.rsplit('.').next().unwrap_or_default();
    ["password", "passwd", "secret", "token"].contains(&last)
        || key.ends_with("secret.key")
        || key.ends_with("access.key")
        || key == "secrets.key"
}

/// Hides the passwords of an address: `//user:password@host` and `password=…`.
pub(super) fn mask_url(text: &str) -> String {
    let mut masked = text.to_owned();
    if let Some(start) = text.find("://").map(|at| at + 3) {
        let end = text[start..].find('?').map_or(text.len(), |at| start + at);
        if let Some(at) = text[start..end].rfind('@').map(|at| start + at)
            && let Some(colon) = text[start..at].find(':').map(|colon| start + colon)
        {
            masked.replace_range(colon + 1..at, MASK);
        }
    }
    for name in ["password=", "passwd=", "secret="] {
        let Some(start) = masked.to_ascii_lowercase().find(name).map(|at| at + name.len()) else { continue };
        let end = masked[start..].find(['&', ';']).map_or(masked.len(), |at| start + at);
        if !masked[start..end].starts_with('$') {
            masked.replace_range(start..end, MASK);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_inside_addresses_are_masked() {
        for (text, shown) in [
            ("mysql://scott:tiger@db:3306/es", "mysql://scott:******@db:3306/es"),
            ("jdbc:mysql://db/es?user=scott&password=tiger&x=1", "jdbc:mysql://db/es?user=scott&password=******&x=1"),
            ("postgres://scott:t/i@ger@db/es", "postgres://scott:******@db/es"),
            ("postgres://db/es", "postgres://db/es"),
            ("sqlite:///a@b/c:d", "sqlite:///a@b/c:d"),
            ("a:2181,b:2181", "a:2181,b:2181"),
        ] {
            assert_eq!(mask_url(text), shown);
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for key in [
            "datasource.password",
            "mail.passwd",
            "enterprise.wechat.secret",
            "fs.s3a.secret.key",
            "cluster.secret",
            "secrets.key",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["enterprise.wechat.token.url", "login.user.keytab.path", "datasource.username"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
