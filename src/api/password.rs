//! Passwords: argon2, slow on purpose, so it runs on the blocking threads, a few at a time. Hashes of the original
//! (MD5, `EasyScheduler 1.0.1: passwords`) still open the door once and are replaced then.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use md5::{Digest, Md5};
use tokio::sync::{Semaphore, SemaphorePermit};

/// One check takes 19 MiB; more than this many at a time would only wait for a processor.
const AT_ONCE: usize = 4;

/// Nobody's hash: a login of an unknown user is checked against it, so that it takes as long as a wrong password.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZXNjaGVkdWxlcgAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but the hash is of the original's kind; this one shall replace it.
    Outdated(String),
}

/// Could not be computed at all.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct Error(String);

/// Checks and makes hashes.
pub struct Passwords {
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Passwords { places: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// A new hash.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.slowly(move || hash(&password)).await?
    }

    /// Waits for its turn to be looked at.
    pub async fn turn(&self) -> Result<Turn<'_>, Error> {
        self.places.acquire().await.map(Turn).map_err(|error| Error(error.to_string()))
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _turn = self.turn().await?;
        slowly(work).await
    }
}

/// The turn of one password; the next one comes when it is dropped.
pub struct Turn<'a>(#[expect(dead_code, reason = "it is held, not read")] SemaphorePermit<'a>);

impl Turn<'_> {
    /// Whether the password belongs to the hash. Without a hash it is wrong, after the same time.
    pub async fn check(&self, password: &str, stored: Option<String>) -> Result<Verdict, Error> {
        let password = password.to_owned();
        slowly(move || check(&password, stored.as_deref())).await?
    }
}

async fn slowly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error(error.to_string()))
}

fn hash(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| Error(error.to_string()))
}

fn check(password: &str, stored: Option<&str>) -> Result<Verdict, Error> {
    match stored.filter(|stored| is_md5(stored)) {
        Some(old) if is_same(&md5(password), &old.to_ascii_lowercase()) => hash(password).map(Verdict::Outdated),
        old => {
            let stored = if old.is_some() { DECOY } else { stored.unwrap_or(DECOY) };
            let fits = Argon2::default().verify_password(password.as_bytes(), stored).is_ok();
            Ok(if fits { Verdict::Right } else { Verdict::Wrong })
        }
    }
}

fn is_md5(hash: &str) -> bool {
    hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes the same time wherever the texts differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_only() {
        let stored = hash("wonder1").unwrap();
        assert_eq!(check("wonder1", Some(&stored)).unwrap(), Verdict::Right);
        assert_eq!(check("wonder2", Some(&stored)).unwrap(), Verdict::Wrong);
        assert_eq!(check("wonder1", None).unwrap(), Verdict::Wrong);
        assert_eq!(check("wonder1", Some("")).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_the_original_is_replaced() {
        let stored = md5("escheduler123");
        assert_eq!(check("wrong", Some(&stored)).unwrap(), Verdict::Wrong);
        let Verdict::Outdated(new) = check("escheduler123", Some(&stored)).unwrap() else { panic!("not outdated") };
        assert_eq!(check("escheduler123", Some(&new)).unwrap(), Verdict::Right);
    }

    /// Else unknown users could be told from known ones by the time that a login takes.
    #[test]
    fn the_decoy_costs_what_a_new_hash_costs() {
        let parameters = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(DECOY), parameters(&hash("x").unwrap()));
        assert_eq!(DECOY.len(), hash("x").unwrap().len());
        let wrong = Argon2::default().verify_password(b"x", DECOY).unwrap_err();
        assert_eq!(wrong.to_string(), argon2::password_hash::Error::PasswordInvalid.to_string(), "it is readable");
    }
}
