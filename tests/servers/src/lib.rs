//! Real servers for tests and benches: MariaDB, PostgreSQL and ZooKeeper, on 127.0.0.1, each with a port and a folder
//! of its own. Nothing of what the machine may be running itself is touched.
//!
//! [`mariadb`], [`postgres`] and [`zookeeper`] start one server for all tests of this process, at first use. Whoever
//! wants to kill or pause one starts his own: [`Mariadb::start`], [`Postgres::start`], [`Zookeeper::start`],
//! [`Ensemble::start`]. A server ends when its value is dropped, and when this process ends, however that happens:
//! see [`Server`].
//!
//! Where the programs are not installed, all of these answer with nothing, and say so where the harness cannot hide
//! it; with `CI=true` that is a failure. `make servers` installs them.

mod guardian;
mod mariadb;
mod port;
mod postgres;
mod processes;
mod programs;
mod server;
mod skip;
mod template;
mod zookeeper;

pub use mariadb::Mariadb;
pub use postgres::Postgres;
pub use programs::{Missing, missing_packages};
pub use server::Server;
pub use skip::{forget_skips, note_skip, skips};
pub use zookeeper::{Ensemble, Zookeeper};

use std::sync::OnceLock;

/// The MariaDB that all tests of this process share. Do not end it.
pub fn mariadb() -> Option<&'static Mariadb> {
    static SHARED: OnceLock<Option<Mariadb>> = OnceLock::new();
    shared(&SHARED, Missing::Mariadb, Mariadb::launch)
}

/// The PostgreSQL that all tests of this process share. Do not end it.
pub fn postgres() -> Option<&'static Postgres> {
    static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
    shared(&SHARED, Missing::Postgres, Postgres::launch)
}

/// The ZooKeeper that all tests of this process share. Do not end it; work below a node of your own.
pub fn zookeeper() -> Option<&'static Zookeeper> {
    static SHARED: OnceLock<Option<Zookeeper>> = OnceLock::new();
    shared(&SHARED, Missing::Zookeeper, Zookeeper::launch)
}

/// Every test that goes without is counted, not only the first.
fn shared<T>(cell: &'static OnceLock<Option<T>>, program: Missing, launch: fn() -> T) -> Option<&'static T> {
    let server = cell.get_or_init(|| program.is_there().then(launch)).as_ref();
    if server.is_none() {
        skip::note(program);
    }
    server
}

/// A private server, or nothing where its program is missing.
fn private<T>(program: Missing, launch: fn() -> T) -> Option<T> {
    if program.is_there() {
        return Some(launch());
    }
    skip::note(program);
    None
}
