//! Where the database is. An address may be written as the original's drivers take it; what those can be told and
//! ours cannot is dropped, with a note.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::reader::{Reader, quote};
use super::sections::{Backend, Database};
use super::show::{Secret, mask_url};

/// What a parameter of an address comes to.
enum Meaning {
    /// The same for our driver.
    Is(&'static str, String),
    User,
    Password,
    /// It has nothing to act on here.
    NoEffect,
}

/// A parameter that our driver takes: its names, and the one that is handed on.
const MYSQL: [(&str, &str); 9] = [
    ("ssl-mode", "ssl-mode"),
    ("sslmode", "ssl-mode"),
    ("ssl-ca", "ssl-ca"),
    ("sslca", "ssl-ca"),
    ("ssl-cert", "ssl-cert"),
    ("sslcert", "ssl-cert"),
    ("ssl-key", "ssl-key"),
    ("sslkey", "ssl-key"),
    ("socket", "socket"),
];

const POSTGRES: [(&str, &str); 7] = [
    ("sslmode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("host", "host"),
    ("application_name", "application_name"),
    ("currentschema", "options[search_path]"),
];

/// Reads the section. What is dropped is added to `notes`.
pub(super) fn read(r: &mut Reader<'_>, notes: &mut Vec<String>) -> Database {
    let (user, password) = (r.text("datasource.username"), r.text("datasource.password"));
    let backend = r.read("datasource.url", |text| {
        let (backend, dropped) = backend(text, &user, &password)?;
        let drop = |name| format!("datasource.url: the parameter {} has no effect here", quote(name));
        notes.extend(dropped.iter().map(|name| drop(name)));
        Ok(backend)
    });
    let connections = r.count("datasource.maxActive");
    Database {
        backend: backend.unwrap_or(Backend::Sqlite(PathBuf::new())),
        max_active: connections,
        min_idle: r.whole("datasource.minIdle"),
        max_wait: Duration::from_millis(r.whole("datasource.maxWait") as u64),
    }
}

/// The backend, and the parameters that were dropped.
fn backend(text: &str, user: &str, password: &str) -> Result<(Backend, Vec<String>), String> {
    let url = text.strip_prefix("jdbc:").unwrap_or(text);
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "sqlite" => {
            let file = PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
            let fits = file.is_absolute() && !rest.contains('?') && !rest.contains("${");
            match fits {
                true => Ok((Backend::Sqlite(file), Vec::new())),
                false => Err(format!("{} is no sqlite:// with an absolute path", quote(url))),
            }
        }
        "mysql" | "mariadb" if rest.starts_with("//") => {
            let (url, dropped) = address("mysql", rest, user, password)?;
            Ok((Backend::Mysql(url), dropped))
        }
        "postgres" | "postgresql" if rest.starts_with("//") => {
            let (url, dropped) = address("postgres", rest, user, password)?;
            Ok((Backend::Postgres(url), dropped))
        }
        _ => Err(format!("{} is no sqlite://, mysql:// or postgres:// address", quote(&mask_url(text)))),
    }
}

/// A whole address for our driver. The keys beat what stands in the address.
fn address(scheme: &str, rest: &str, user: &str, password: &str) -> Result<(Secret, Vec<String>), String> {
    let wrong = |what: &str| format!("{} {what}", quote(&mask_url(&format!("{scheme}:{rest}"))));
    let mut url = Url::parse(&format!("{scheme}:{rest}"))
        .map_err(|error| wrong(&format!("cannot be read: {error}; one server is named, as in host:port/database")))?;
    if url.path().trim_matches('/').is_empty() {
        return Err(wrong("names no database"));
    }
    let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    let (mut user, mut password) = (user.to_owned(), password.to_owned());
    let mut dropped = Vec::new();
    for (name, value) in given {
        match meaning(scheme, &name, &value) {
            Meaning::Is(ours, value) => drop(url.query_pairs_mut().append_pair(ours, &value)),
            Meaning::User if user.is_empty() => user = value,
            Meaning::Password if password.is_empty() => password = value,
            Meaning::User | Meaning::Password => {}
            Meaning::NoEffect => dropped.push(name),
        }
    }
    let refused = |()| wrong("takes no user");
    if !user.is_empty() {
        url.set_username(&user).map_err(refused)?;
    }
    if !password.is_empty() {
        url.set_password(Some(&password)).map_err(refused)?;
    }
    Ok((Secret::new(url), dropped))
}

fn meaning(scheme: &str, name: &str, value: &str) -> Meaning {
    let (name, yes) = (name.to_lowercase(), value.eq_ignore_ascii_case("true"));
    let is = |ours, value: &str| Meaning::Is(ours, value.to_owned());
    let known = if scheme == "mysql" { &MYSQL[..] } else { &POSTGRES[..] };
    if let Some((_, ours)) = known.iter().find(|(theirs, _)| *theirs == name) {
        return is(ours, value);
    }
    match (scheme, name.as_str()) {
        (_, "user" | "username") => Meaning::User,
        (_, "password") => Meaning::Password,
        ("mysql", "usessl") => is("ssl-mode", if yes { "REQUIRED" } else { "DISABLED" }),
        ("mysql", "requiressl") if yes => is("ssl-mode", "REQUIRED"),
        ("mysql", "verifyservercertificate") if yes => is("ssl-mode", "VERIFY_CA"),
        ("postgres", "ssl") => is("sslmode", if yes { "require" } else { "disable" }),
        ("postgres", "applicationname") => is("application_name", value),
        _ => Meaning::NoEffect,
    }
}

impl Database {
    /// The database in words, without user and password.
    pub fn place(&self) -> String {
        let url = match &self.backend {
            Backend::Sqlite(file) => return file.display().to_string(),
            Backend::Mysql(url) | Backend::Postgres(url) => url.expose(),
        };
        let Ok(mut url) = Url::parse(url) else { return "on a server".to_owned() };
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        match backend(text, "scott", "t/i@g:er").unwrap().0 {
            Backend::Mysql(url) | Backend::Postgres(url) => url.expose().to_owned(),
            Backend::Sqlite(file) => file.display().to_string(),
        }
    }

    #[test]
    fn addresses_of_the_original_are_understood() {
        let user = "scott:t%2Fi%40g%3Aer";
        for (text, ours) in [
            ("jdbc:mysql://db:3306/es?characterEncoding=UTF-8", format!("mysql://{user}@db:3306/es")),
            ("jdbc:mysql://db/es?useUnicode=true&useSSL=false", format!("mysql://{user}@db/es?ssl-mode=DISABLED")),
            ("mariadb://db/es?user=other&password=x", format!("mysql://{user}@db/es")),
            (
                "mysql://other:x@db/es?sslMode=VERIFY_CA&ssl-ca=/ca.pem",
                format!("mysql://{user}@db/es?ssl-mode=VERIFY_CA&ssl-ca=%2Fca.pem"),
            ),
            ("jdbc:postgresql://db:5432/es?ssl=true", format!("postgres://{user}@db:5432/es?sslmode=require")),
            ("postgres://db/es?currentSchema=jobs", format!("postgres://{user}@db/es?options%5Bsearch_path%5D=jobs")),
        ] {
            assert_eq!(url(text), ours, "{text}");
        }
    }

    #[test]
    fn users_in_addresses_count_where_the_keys_are_empty() {
        let of = |text| match backend(text, "", "").unwrap().0 {
            Backend::Mysql(url) => url.expose().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of("jdbc:mysql://db/es?user=scott&password=tiger"), "mysql://scott:tiger@db/es");
        assert_eq!(of("mysql://scott:tiger@db/es"), "mysql://scott:tiger@db/es");
    }

    #[test]
    fn what_is_dropped_is_named() {
        let text = "jdbc:mysql://db/es?useUnicode=true&characterEncoding=UTF-8&useSSL=false&autoReconnect=true";
        assert_eq!(backend(text, "", "").unwrap().1, ["useUnicode", "characterEncoding", "autoReconnect"]);
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for text in ["mysql://scott:tiger@db", "mysql://scott:tiger@one:1,two:2/es", "postgres://db/?password=tiger"] {
            let error = backend(text, "", "").unwrap_err();
            assert!(!error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn the_place_shows_no_secret() {
        let (backend, _) = backend("mysql://scott:tiger@db:3306/es?ssl-mode=DISABLED", "", "").unwrap();
        let database = Database { backend, max_active: 1, min_idle: 0, max_wait: Duration::ZERO };
        assert_eq!(database.place(), "mysql://db:3306/es");
    }
}
