//! Access tokens: drawn here, shown in the header `token`, and known by their hash only.

use crate::store::NewToken;
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

/// A token that could be guessed is none.
pub const SHORTEST: usize = 16;
/// What the column of the original holds.
pub const LONGEST: usize = 64;
/// How many letters of a token lists show.
const HINT: usize = 4;
/// What stands for the others.
const MASK: &str = "****************************";

/// A new token: 128 bits as hexadecimal digits, like those of the original.
pub fn draw() -> String {
    rand::random::<[u8; 16]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a token. It is random and long, so that a plain hash cannot be turned round.
pub fn kept(token: &str) -> NewToken {
    NewToken {
        clear: token.to_owned(),
        hash: Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
        hint: token.chars().take(HINT).collect(),
    }
}

/// What lists show of a token. Given back as it was shown it means: the same as before.
pub fn masked(hint: Option<&str>) -> String {
    format!("{}{MASK}", hint.unwrap_or_default())
}

/// The token that came along.
pub fn shown(headers: &HeaderMap) -> Option<&str> {
    headers.get("token").and_then(|value| value.to_str().ok()).filter(|token| !token.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_as_a_hash_with_its_first_letters() {
        let (one, other) = (draw(), draw());
        assert!(one.len() == 32 && one != other);
        let kept = kept(&one);
        assert_eq!(kept.hash.len(), LONGEST);
        assert_eq!(kept.hint, &one[..4]);
        assert!(!kept.hash.contains(&one) && masked(Some(&kept.hint)).len() == 32);
        assert_eq!(super::kept("abc").hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_blank_header_shows_no_token() {
        let shown = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("token", text.parse().unwrap());
            shown(&headers).map(str::to_owned)
        };
        assert_eq!((shown(" "), shown("x").as_deref()), (None, Some("x")));
    }
}
