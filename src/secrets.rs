//! Secrets that have to be stored and read again, such as the passwords of data sources: encrypted with AES-256-GCM,
//! under a key that lies apart from the database.
//!
//! A sealed text names its key, `{aes:<id>}<base64 of nonce, text and tag>`, so that keys can be changed: the first
//! key of a [`Keyring`] seals, any of them opens. What is not sealed is clear text, as the original has stored it; it
//! is sealed when it is written the next time. The room knows neither where keys are kept nor who has secrets.

use crate::config::Secret;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce. Drawn at random, which is safe for far more texts than anybody stores.
const NONCE: usize = 12;
/// Letters of a key's id.
const ID: usize = 8;
/// What is sealed for one purpose cannot be passed off as something else.
const PURPOSE: &[u8] = b"escheduler data source";

/// The keys of this site. Debug prints show their ids only.
pub struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    id: String,
    cipher: Aes256Gcm,
}

/// Why a secret cannot be sealed or opened; whole sentences, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "there is no key to encrypt passwords with: set secrets.key to the same value at every member of the cluster \
         that plays api, master or worker (make one by: openssl rand -hex 32), and start them again"
    )]
    NoKey,
    #[error(
        "the stored password was encrypted with the key {0}, which is not among those of secrets.key here: add that \
         key, or type the password again"
    )]
    UnknownKey(String),
    #[error("the stored password is damaged, or was encrypted with another key of the same id: type it again")]
    Damaged,
}

impl Keyring {
    /// Without any key: nothing can be sealed, and only clear text can be opened.
    pub fn empty() -> Keyring {
        Keyring { keys: Vec::new() }
    }

    /// Reads keys, each of 64 hexadecimal digits, separated by commas or blanks. The first one seals.
    ///
    /// # Errors
    /// A sentence that does not hold the text.
    pub fn parse(text: &str) -> Result<Keyring, &'static str> {
        let texts = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
        let keys: Option<Vec<Key>> = texts.map(Key::parse).collect();
        keys.map(|keys| Keyring { keys })
            .ok_or("each key must have 64 hexadecimal digits; make one by: openssl rand -hex 32")
    }

    /// The text of a new key.
    pub fn draw() -> String {
        hexadecimal(&rand::random::<[u8; KEY]>())
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Encrypts a text with the first key. The empty text holds no secret and stays as it is.
    ///
    /// # Errors
    /// [`Error::NoKey`]
    pub fn seal(&self, clear: &str) -> Result<String, Error> {
        if clear.is_empty() {
            return Ok(String::new());
        }
        let key = self.keys.first().ok_or(Error::NoKey)?;
        let nonce = rand::random::<[u8; NONCE]>();
        let payload = Payload { msg: clear.as_bytes(), aad: PURPOSE };
        let sealed = key.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Error::Damaged)?;
        let bytes = [&nonce[..], &sealed].concat();
        Ok(format!("{{aes:{}}}{}", key.id, BASE64.encode(bytes)))
    }

    /// The clear text of what is stored: sealed with one of the keys, or clear as the original has left it.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], or [`Error::Damaged`].
    pub fn open(&self, stored: &str) -> Result<Secret, Error> {
        let Some((id, text)) = parts(stored) else { return Ok(Secret::new(stored)) };
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| Error::UnknownKey(id.to_owned()))?;
        let bytes = BASE64.decode(text).map_err(|_| Error::Damaged)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Error::Damaged)?;
        let payload = Payload { msg: sealed, aad: PURPOSE };
        let clear = key.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| Error::Damaged)?;
        String::from_utf8(clear).map(Secret::new).map_err(|_| Error::Damaged)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Key> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.filter(|digits| digits.len() == 2 * KEY)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        let cipher = Aes256Gcm::new_from_slice(&bytes).ok()?;
        let id = hexadecimal(&Sha256::digest(&bytes)).chars().take(ID).collect();
        Some(Key { id, cipher })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

/// The id of the key and the sealed part, if the text is sealed.
fn parts(stored: &str) -> Option<(&str, &str)> {
    let (id, text) = stored.strip_prefix("{aes:")?.split_once('}')?;
    (id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some((id, text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(digits: &[char]) -> Keyring {
        let keys: Vec<String> = digits.iter().map(|digit| digit.to_string().repeat(64)).collect();
        Keyring::parse(&keys.join(",")).unwrap()
    }

    #[test]
    fn what_is_sealed_shows_nothing_and_comes_back() {
        let keys = keyring(&['a']);
        for clear in ["tiger", "密码 {aes:00000000}x", " ", &"x".repeat(5000)] {
            let sealed = keys.seal(clear).unwrap();
            assert!(!sealed.contains(clear) || clear == " ", "{sealed}");
            assert_ne!(sealed, keys.seal(clear).unwrap(), "the same text twice looks different");
            assert_eq!(keys.open(&sealed).unwrap().expose(), clear);
        }
        assert_eq!(keys.seal("").unwrap(), "");
    }

    #[test]
    fn clear_text_of_the_original_is_itself() {
        for clear in ["", "tiger", "{aes}", "{aes:short}x", "{aes:nothexad}x"] {
            assert_eq!(Keyring::empty().open(clear).unwrap().expose(), clear);
        }
    }

    #[test]
    fn a_changed_key_opens_what_the_former_one_has_sealed_and_seals_itself() {
        let sealed = keyring(&['a']).seal("tiger").unwrap();
        let changed = keyring(&['b', 'a']);
        assert_eq!(changed.open(&sealed).unwrap().expose(), "tiger");
        let anew = changed.seal("tiger").unwrap();
        assert_eq!(keyring(&['b']).open(&anew).unwrap().expose(), "tiger");
        let refused = keyring(&['b']).open(&sealed).unwrap_err();
        assert!(matches!(&refused, Error::UnknownKey(id) if sealed.contains(id)), "{refused}");
        assert_eq!(Keyring::empty().open(&sealed).map(drop), Err(refused));
        assert_eq!(Keyring::empty().seal("tiger"), Err(Error::NoKey));
    }

    #[test]
    fn what_was_tampered_with_is_not_opened() {
        let keys = keyring(&['a']);
        let sealed = keys.seal("tiger").unwrap();
        let (head, body) = sealed.split_at(14);
        let mut bytes = BASE64.decode(body).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(keys.open(&format!("{head}{}", BASE64.encode(&bytes))).map(drop), Err(Error::Damaged), "{at}");
            bytes[at] ^= 1;
        }
        assert_eq!(keys.open(head).map(drop), Err(Error::Damaged));
        assert_eq!(keys.open(&format!("{head}%%%")).map(drop), Err(Error::Damaged));
    }

    #[test]
    fn a_key_has_64_digits_and_is_never_shown() {
        for text in ["q!", &"a".repeat(63), &"g".repeat(64), &format!("{},b", "a".repeat(64))] {
            let why = Keyring::parse(text).unwrap_err();
            assert!(why.contains("64") && !why.contains(text), "{why}");
        }
        assert!(Keyring::parse(" \n").unwrap().is_empty());
        let drawn = Keyring::draw();
        let shown = format!("{:?}", Keyring::parse(&drawn).unwrap());
        assert!(shown.len() == ID + 4 && !shown.contains(&drawn), "{shown}");
        assert_ne!(drawn, Keyring::draw());
    }
}
