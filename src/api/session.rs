//! Logins: a random id, a row, and a short memory, so that a request of somebody seen lately costs no query.

use crate::model::{Time, UserId};
use crate::store::{self, Account, NewSession, Store};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a login is believed without looking at its row: what another API process does to it, a sign-out say,
/// shows so much later.
const BELIEVED: Duration = Duration::from_secs(5);
/// How often a request is noted in the row.
const NOTED: Duration = Duration::from_secs(60);
/// How many logins are remembered.
const REMEMBERED: usize = 10_000;

/// Who is logged in.
pub struct Sessions {
    store: Store,
    timeout: Duration,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    seen: HashMap<String, Seen>,
    /// Counts the sign-outs: whoever read a row before one must not remember it afterwards.
    ended: u64,
}

#[derive(Clone)]
struct Seen {
    account: Account,
    read_at: Time,
    noted_at: Time,
    last_request: Time,
}

impl Sessions {
    pub fn new(store: Store, timeout: Duration) -> Self {
        Sessions { store, timeout, memory: Mutex::default() }
    }

    /// Records a login and answers with its id.
    pub async fn sign_in(&self, store: &Store, account: &Account, ip: String) -> Result<String, store::Error> {
        let id: String = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
        let at = Time::now();
        let new = NewSession { id: id.clone(), user: account.id, ip, at };
        store.sign_in(new).await?;
        Ok(id)
    }

    /// Who has logged in with this id, unless that was too long ago. Counts as a request.
    pub async fn who(&self, id: &str) -> Result<Option<Account>, store::Error> {
        let now = Time::now();
        let (known, ended) = {
            let memory = self.memory();
            (memory.seen.get(id).cloned(), memory.ended)
        };
        let mut seen = match known {
            Some(seen) if now.since(seen.read_at) < BELIEVED => seen,
            known => match self.store.session(id).await? {
                Some(row) => Seen {
                    account: row.account,
                    read_at: now,
                    noted_at: row.last_request,
                    last_request: known.map_or(row.last_request, |known| known.last_request.max(row.last_request)),
                },
                None => {
                    self.memory().seen.remove(id);
                    return Ok(None);
                }
            },
        };
        if now.since(seen.last_request) > self.timeout {
            return Ok(None);
        }
        if now.since(seen.noted_at) >= NOTED.min(self.timeout / 10) {
            match self.store.touch_session(id.to_owned(), now).await {
                Ok(true) => seen.noted_at = now,
                Ok(false) => {
                    self.memory().seen.remove(id);
                    return Ok(None);
                }
                // Reading goes on while nothing can be written.
                Err(error) => tracing::warn!("a login could not be prolonged: {error}"),
            }
        }
        let account = seen.account.clone();
        self.remember(id, Seen { last_request: now, ..seen }, ended, now);
        Ok(Some(account))
    }

    /// Ends a login, at once. `false` if it had ended.
    pub async fn sign_out(&self, store: &Store, id: &str) -> Result<bool, store::Error> {
        let ended = store.sign_out(id.to_owned()).await?;
        let mut memory = self.memory();
        memory.ended += 1;
        memory.seen.remove(id);
        Ok(ended)
    }

    /// Looks at the rows of this user's logins again, because some may have ended, or the user has changed.
    pub fn forget(&self, user: UserId) {
        let mut memory = self.memory();
        memory.ended += 1;
        memory.seen.retain(|_, seen| seen.account.id != user);
    }

    fn remember(&self, id: &str, seen: Seen, ended: u64, now: Time) {
        let mut memory = self.memory();
        if memory.ended != ended {
            return;
        }
        if memory.seen.len() >= REMEMBERED {
            memory.seen.retain(|_, seen| now.since(seen.read_at) < BELIEVED);
        }
        if memory.seen.len() < REMEMBERED {
            memory.seen.insert(id.to_owned(), seen);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
