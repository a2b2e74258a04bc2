//! Which operating-system account a task runs under.
//!
//! An account is never created here (`EasyScheduler 1.0.1: known defects G4`), and asking for somebody
//! else's is only heard as root.

use nix::unistd::{Uid, User, getgrouplist};
use std::collections::HashMap;
use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An account, as the system's user database describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: PathBuf,
    pub shell: PathBuf,
    /// It is not the account of this process, so the shim has to change to it.
    pub foreign: bool,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    #[error(
        "the account `{0}` does not exist on this host; create it, or change the tenant of the workflow to an account that exists"
    )]
    Unknown(String),
    #[error(
        "the task is to run as `{wanted}`, but escheduler runs as `{own}` and only root may change accounts; run escheduler as root, or use the tenant `{own}`"
    )]
    Foreign { wanted: String, own: String },
    #[error("the user database could not be read for `{name}`: {why}")]
    Unreadable { name: String, why: String },
}

/// By tenant: when it was looked up, and what was found.
type Known = HashMap<Option<String>, (Instant, Arc<Account>)>;

/// Looks accounts up, and remembers the answer for a few seconds.
#[derive(Default)]
pub struct Accounts {
    known: Mutex<Known>,
}

const REMEMBERED: Duration = Duration::from_secs(10);

impl Accounts {
    /// The account of a tenant; `None` is that of this process.
    ///
    /// # Errors
    /// See [`Error`]; each names what to do.
    pub fn of(&self, tenant: Option<&str>) -> Result<Arc<Account>, Error> {
        let key = tenant.map(str::to_owned);
        if let Some((at, account)) = self.lock().get(&key)
            && at.elapsed() < REMEMBERED
        {
            return Ok(account.clone());
        }
        let account = Arc::new(look_up(tenant)?);
        self.lock().insert(key, (Instant::now(), account.clone()));
        Ok(account)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look_up(tenant: Option<&str>) -> Result<Account, Error> {
    let own = Uid::effective();
    let unreadable = |name: &str, why: nix::Error| Error::Unreadable { name: name.to_owned(), why: why.to_string() };
    let Some(name) = tenant else { return own_account(own) };
    let user = User::from_name(name).map_err(|why| unreadable(name, why))?;
    let user = user.ok_or_else(|| Error::Unknown(name.to_owned()))?;
    if user.uid == own {
        return Ok(Account { foreign: false, ..account(user)? });
    }
    if !own.is_root() {
        return Err(Error::Foreign { wanted: name.to_owned(), own: own_account(own)?.name });
    }
    Ok(Account { foreign: true, ..account(user)? })
}

/// The account of this process, which need not be in the user database (containers).
fn own_account(own: Uid) -> Result<Account, Error> {
    match User::from_uid(own) {
        Ok(Some(user)) => Ok(Account { foreign: false, ..account(user)? }),
        Ok(None) | Err(_) => Ok(Account {
            name: own.to_string(),
            uid: own.as_raw(),
            gid: nix::unistd::Gid::effective().as_raw(),
            groups: vec![],
            home: "/".into(),
            shell: "/bin/sh".into(),
            foreign: false,
        }),
    }
}

fn account(user: User) -> Result<Account, Error> {
    let unreadable = |why: String| Error::Unreadable { name: user.name.clone(), why };
    let name = CString::new(user.name.as_str()).map_err(|why| unreadable(why.to_string()))?;
    let groups = getgrouplist(&name, user.gid).map_err(|why| unreadable(why.to_string()))?;
    Ok(Account {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        groups: groups.into_iter().map(nix::unistd::Gid::as_raw).collect(),
        home: user.dir,
        shell: user.shell,
        foreign: true,
        name: user.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_means_the_account_of_the_process() {
        let account = Accounts::default().of(None).unwrap();
        assert_eq!(account.uid, Uid::effective().as_raw());
        assert!(!account.foreign);
        let by_name = Accounts::default().of(Some(&account.name)).unwrap();
        assert!(!by_name.foreign, "the own account is always allowed by name as well");
    }

    #[test]
    fn an_account_that_does_not_exist_is_an_error_that_says_what_to_do() {
        let error = Accounts::default().of(Some("no-such-account")).unwrap_err();
        assert_eq!(error, Error::Unknown("no-such-account".into()));
        assert!(error.to_string().contains("create it"));
    }
}
