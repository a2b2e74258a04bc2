//! Where a data source is, and who we are there.

use super::{Misfit, Options};
use crate::model::DbType;

/// What somebody has typed in, but for the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: DbType,
    /// One name or address; several, separated by commas, for HIVE and SPARK.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    /// Of Kerberos; HIVE and SPARK only.
    pub principal: Option<String>,
    pub other: Options,
}

impl Target {
    /// Whether a password that was typed for the other one may be sent to this one as well.
    pub fn is_same_place(&self, other: &Target) -> bool {
        (self.kind, &self.host, self.port, &self.user) == (other.kind, &other.host, other.port, &other.user)
    }

    /// A host is nothing but a host: what would begin another part of an address is refused.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn check_host(&self) -> Result<(), Misfit> {
        for name in self.host.split(',').map(str::trim) {
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
            if name.is_empty() || !name.chars().all(fits) {
                return Err(Misfit::Host(name.to_owned()));
            }
        }
        match self.host.contains(',') && !matches!(self.kind, DbType::Hive | DbType::Spark) {
            true => Err(Misfit::ManyHosts(self.kind)),
            false => Ok(()),
        }
    }

    /// `jdbc:mysql://h:p` and the like.
    pub(super) fn address(&self) -> String {
        let hosts = self.host.split(',').map(|host| format!("{}:{}", host.trim(), self.port));
        format!("{}{}", scheme(self.kind), hosts.collect::<Vec<_>>().join(","))
    }

    /// What the original shows as the whole address.
    pub(super) fn jdbc_url(&self) -> String {
        let principal = self.principal.as_ref().map(|principal| format!(";principal={principal}"));
        format!("{}/{}{}", self.address(), self.database, principal.unwrap_or_default())
    }
}

/// The hosts and the port of an address that [`Target::address`] could have written.
pub(super) fn hosts(kind: DbType, address: &str) -> Option<(String, u16)> {
    let servers = address.strip_prefix(scheme(kind))?.trim_end_matches('/').split(',');
    let mut port = None;
    let mut hosts = Vec::new();
    for server in servers {
        let (host, its) = server.rsplit_once(':')?;
        hosts.push(host.trim());
        port = port.or(its.trim().parse().ok());
    }
    Some((hosts.join(","), port?))
}

fn scheme(kind: DbType) -> &'static str {
    match kind {
        DbType::Mysql => "jdbc:mysql://",
        DbType::Postgresql => "jdbc:postgresql://",
        DbType::Hive | DbType::Spark => "jdbc:hive2://",
        DbType::Clickhouse => "jdbc:clickhouse://",
        DbType::Oracle => "jdbc:oracle:thin:@//",
        DbType::Sqlserver => "jdbc:sqlserver://",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::datasource) fn target(kind: DbType, host: &str) -> Target {
        Target {
            kind,
            host: host.to_owned(),
            port: 3306,
            database: "wh".to_owned(),
            user: "etl".to_owned(),
            principal: None,
            other: Options::default(),
        }
    }

    #[test]
    fn addresses_are_those_of_the_original_and_come_back() {
        for (kind, host, address) in [
            (DbType::Mysql, "db.example.org", "jdbc:mysql://db.example.org:3306"),
            (DbType::Postgresql, "10.0.0.1", "jdbc:postgresql://10.0.0.1:3306"),
            (DbType::Hive, "h1,h2", "jdbc:hive2://h1:3306,h2:3306"),
            (DbType::Spark, "h1", "jdbc:hive2://h1:3306"),
            (DbType::Clickhouse, "c", "jdbc:clickhouse://c:3306"),
            (DbType::Oracle, "o", "jdbc:oracle:thin:@//o:3306"),
            (DbType::Sqlserver, "s", "jdbc:sqlserver://s:3306"),
            (DbType::Mysql, "::1", "jdbc:mysql://::1:3306"),
        ] {
            let target = target(kind, host);
            assert_eq!(target.address(), address);
            assert_eq!(target.jdbc_url(), format!("{address}/wh"));
            assert_eq!(hosts(kind, address), Some((host.to_owned(), 3306)));
        }
        assert_eq!(hosts(DbType::Mysql, "jdbc:hive2://h1:3306"), None);
        assert_eq!(hosts(DbType::Mysql, "jdbc:mysql://h1"), None);
    }

    #[test]
    fn a_host_is_nothing_but_a_host() {
        for host in ["", " ", "/var/run", "a b", "a?b", "u@h", "h#", "a,b", "h/x", "a;b"] {
            assert!(target(DbType::Postgresql, host).check_host().is_err(), "{host}");
        }
        assert!(target(DbType::Hive, "a,b").check_host().is_ok());
        assert!(target(DbType::Hive, "a,").check_host().is_err());
    }

    #[test]
    fn a_password_goes_only_where_it_was_meant_to_go() {
        let meant = target(DbType::Mysql, "db");
        assert!(meant.is_same_place(&Target { database: "other".into(), ..meant.clone() }));
        for other in [
            Target { host: "evil".into(), ..meant.clone() },
            Target { port: 3307, ..meant.clone() },
            Target { user: "root".into(), ..meant.clone() },
            Target { kind: DbType::Postgresql, ..meant.clone() },
        ] {
            assert!(!meant.is_same_place(&other), "{other:?}");
        }
    }
}
