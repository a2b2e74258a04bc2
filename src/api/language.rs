//! In which language a person is told something: the cookie `language`, which the front-end sets, else what the
//! browser accepts, else English.

use crate::model::UnknownName;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};

/// The languages of the front-end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Chinese,
}

/// What a person is told, in each language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    english: String,
    /// `None` where it is the same: names and messages of other programs.
    chinese: Option<String>,
}

impl Words {
    pub fn new(english: impl Into<String>, chinese: impl Into<String>) -> Words {
        Words { english: english.into(), chinese: Some(chinese.into()) }
    }

    /// Said of a text that holds the character which no database keeps.
    pub fn nul() -> Words {
        Words::new("it holds the character NUL", "包含 NUL 字符")
    }

    pub fn text(&self, language: Language) -> &str {
        language.choose(&self.english, self.chinese.as_deref().unwrap_or(&self.english))
    }
}

impl From<String> for Words {
    fn from(text: String) -> Words {
        Words { english: text, chinese: None }
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Words {
        text.to_owned().into()
    }
}

impl From<UnknownName> for Words {
    fn from(UnknownName { given, known }: UnknownName) -> Words {
        Words::new(format!("`{given}` is not one of {known}"), format!("`{given}` 不是 {known} 之一"))
    }
}

impl Language {
    pub fn choose<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    /// The one that a request wants.
    pub fn of(headers: &HeaderMap) -> Language {
        let texts = |name| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let cookie = texts(COOKIE)
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == "language")
            .and_then(|(_, tag)| Language::tagged(tag));
        let accepted = || {
            // Of equals the first counts, so the later one has to be wanted more.
            let mut best: Option<(f32, Language)> = None;
            for range in texts(ACCEPT_LANGUAGE).flat_map(|line| line.split(',')) {
                let (tag, weight) = weighted(range);
                let Some(language) = Language::tagged(tag) else { continue };
                if weight > best.map_or(0.0, |(weight, _)| weight) {
                    best = Some((weight, language));
                }
            }
            best.map(|(_, language)| language)
        };
        cookie.or_else(accepted).unwrap_or_default()
    }

    /// `zh_CN`, `zh-Hans`, `en`, …
    fn tagged(tag: &str) -> Option<Language> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Language::Chinese),
            "en" => Some(Language::English),
            _ => None,
        }
    }
}

/// A range of `Accept-Language` and how much it is wanted.
fn weighted(range: &str) -> (&str, f32) {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse().ok());
    (tag, weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pairs: &[(&'static str, &'static str)]) -> Language {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        Language::of(&headers)
    }

    #[test]
    fn the_cookie_beats_the_browser_and_english_is_the_last_resort() {
        use Language::{Chinese, English};
        assert_eq!(wanted(&[]), English);
        assert_eq!(wanted(&[("cookie", "sessionId=a; language=zh_CN")]), Chinese);
        assert_eq!(wanted(&[("cookie", "language=en_US"), ("accept-language", "zh")]), English);
        assert_eq!(wanted(&[("cookie", "language=fr_FR"), ("accept-language", "zh")]), Chinese);
        assert_eq!(wanted(&[("accept-language", "fr, zh-CN;q=0.8, en;q=0.9")]), English);
        assert_eq!(wanted(&[("accept-language", "zh-Hans-CN,zh;q=0.9,en;q=0.8")]), Chinese);
        assert_eq!(wanted(&[("accept-language", "en;q=0, zh;q=0.1")]), Chinese);
        assert_eq!(wanted(&[("accept-language", "zh;q=much, de")]), English);
    }
}
