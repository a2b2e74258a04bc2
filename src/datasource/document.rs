//! The JSON that the tables hold of a data source (`connection_params`).

use super::target::hosts;
use super::{Options, Target};
use crate::model::DbType;
use serde::{Deserialize, Deserializer, Serialize};

/// What stands for a password that is there and not shown.
pub const MASK: &str = "******";

/// The keys of the original. A field that is missing or `null` counts as empty.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Document {
    #[serde(deserialize_with = "filled")]
    address: String,
    #[serde(deserialize_with = "filled")]
    database: String,
    #[serde(deserialize_with = "filled")]
    jdbc_url: String,
    #[serde(deserialize_with = "filled")]
    user: String,
    #[serde(deserialize_with = "filled")]
    password: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<String>,
}

fn filled<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(text)?.unwrap_or_default())
}

impl Document {
    /// The document of a target. `password` is stored as it is given: sealed, or nothing.
    pub fn new(target: &Target, password: String) -> Document {
        Document {
            address: target.address(),
            database: target.database.clone(),
            jdbc_url: target.jdbc_url(),
            user: target.user.clone(),
            password,
            principal: target.principal.clone(),
            other: target.other.text(target.kind),
        }
    }

    /// Reads what the table holds; `None` if that is no such document.
    pub fn parse(text: &str) -> Option<Document> {
        serde_json::from_str(text).ok()
    }

    /// As the table holds it.
    pub fn text(&self) -> String {
        // Texts always become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For the eyes of users: the password, if there is one, is masked.
    pub fn masked(&self) -> Document {
        let password = if self.password.is_empty() { "" } else { MASK };
        Document { password: password.to_owned(), ..self.clone() }
    }

    /// What somebody has typed in; `None` if the address is none of this kind.
    pub fn target(&self, kind: DbType) -> Option<Target> {
        let (host, port) = hosts(kind, &self.address)?;
        Some(Target {
            kind,
            host,
            port,
            database: self.database.clone(),
            user: self.user.clone(),
            principal: self.principal.clone(),
            other: Options::split(self.other.as_deref().unwrap_or_default(), kind),
        })
    }

    /// The password as it is stored.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked().text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = r#"{"address":"jdbc:mysql://db.example.org:3306","database":"wh","jdbcUrl":"jdbc:mysql://db.example.org:3306/wh","user":"etl","password":"secret","other":"useUnicode=true"}"#;

    #[test]
    fn a_document_of_the_original_is_read_and_written_alike() {
        let document = Document::parse(ORIGINAL).unwrap();
        let target = document.target(DbType::Mysql).unwrap();
        assert_eq!(
            (&*target.host, target.port, target.other.get("useUnicode")),
            ("db.example.org", 3306, Some("true"))
        );
        assert_eq!(document.password(), "secret");
        assert_eq!(document.text(), ORIGINAL);
        assert_eq!(Document::new(&target, "secret".to_owned()).text(), ORIGINAL);
    }

    #[test]
    fn no_password_is_shown() {
        let document = Document::parse(ORIGINAL).unwrap();
        assert_eq!(document.masked().text(), ORIGINAL.replace("secret", MASK));
        assert!(!format!("{document:?}").contains("secret"));
        let without = Document { password: String::new(), ..document };
        assert_eq!(without.masked().password(), "");
    }

    #[test]
    fn what_is_missing_or_null_is_empty_and_what_is_no_document_is_none() {
        let document = Document::parse(r#"{"address":"jdbc:mysql://h:1/","user":null,"other":null,"new":1}"#).unwrap();
        assert_eq!(document.target(DbType::Mysql).unwrap().user, "");
        assert!(document.target(DbType::Oracle).is_none());
        assert!(["", "x", "7", r#"{"password":[]}"#].iter().all(|text| Document::parse(text).is_none()));
    }
}
