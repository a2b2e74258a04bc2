//! The database of a cluster: either of two servers.

use servers::{Mariadb, Postgres, Server};
use std::net::{Ipv4Addr, SocketAddr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Mariadb,
    Postgres,
}

impl Product {
    pub fn name(self) -> &'static str {
        match self {
            Product::Mariadb => "mariadb",
            Product::Postgres => "postgres",
        }
    }
}

pub enum Database {
    Mariadb(Mariadb, String),
    Postgres(Postgres, String),
}

impl Database {
    /// A private server with an empty database, or nothing where it is not installed.
    pub fn start(product: Product) -> Option<Database> {
        match product {
            Product::Mariadb => Mariadb::start().map(|server| {
                let url = server.database();
                Database::Mariadb(server, url)
            }),
            Product::Postgres => Postgres::start().map(|server| {
                let url = server.database();
                Database::Postgres(server, url)
            }),
        }
    }

    pub fn server(&self) -> &Server {
        match self {
            Database::Mariadb(server, _) => server,
            Database::Postgres(server, _) => server,
        }
    }

    pub fn address(&self) -> SocketAddr {
        let port = match self {
            Database::Mariadb(server, _) => server.port(),
            Database::Postgres(server, _) => server.port(),
        };
        (Ipv4Addr::LOCALHOST, port).into()
    }

    fn url(&self) -> &str {
        match self {
            Database::Mariadb(_, url) | Database::Postgres(_, url) => url,
        }
    }

    /// Its URL for who reaches it at another address.
    pub fn url_at(&self, address: SocketAddr) -> String {
        self.url().replace(&self.address().to_string(), &address.to_string())
    }

    /// Runs a statement and returns what it prints.
    pub fn execute(&self, statement: &str) -> String {
        let name = self.url().rsplit('/').next().unwrap_or_default();
        match self {
            Database::Mariadb(server, _) => server.execute(&format!("USE {name}; {statement}")),
            Database::Postgres(server, _) => server.execute_in(name, statement),
        }
    }
}
