//! Status codes (`EasyScheduler 1.0.1: HTTP API, status codes`), each with a text in every language of the front-end.
//! Some numbers mean two things; each meaning has a name of its own.

mod general;
mod processes;
mod resources;

use super::language::Language;
use std::fmt::Display;

/// A code and its texts, in which `{}` stands for an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub number: i32,
    english: &'static str,
    chinese: &'static str,
}

impl Code {
    /// How many arguments its text takes.
    pub fn arguments(self) -> usize {
        self.english.matches("{}").count()
    }

    /// The text with its arguments.
    pub fn text(self, language: Language, arguments: &[String]) -> String {
        let mut parts = language.choose(self.english, self.chinese).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, argument) in parts.zip(arguments) {
            text += argument;
            text += part;
        }
        text
    }
}

/// Arguments as texts.
pub fn texts(arguments: &[&dyn Display]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

/// Names codes: `NAME = number "English" "Chinese"`.
macro_rules! codes {
    ($($name:ident = $number:literal $english:literal $chinese:literal)*) => {
        #[allow(dead_code, reason = "every number of the specification has a name, also where nothing answers it")]
        impl super::Code {
            $(pub const $name: super::Code =
                super::Code { number: $number, english: $english, chinese: $chinese };)*
        }

        /// All of this file.
        #[cfg(test)]
        pub(super) const ALL: &[super::Code] = &[$(super::Code::$name),*];
    };
}
use codes;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static Code> {
        [general::ALL, resources::ALL, processes::ALL].into_iter().flatten()
    }

    #[test]
    fn a_text_takes_its_arguments_in_order() {
        let text = |language, arguments: &[&dyn Display]| Code::NO_PROJECT_RIGHT.text(language, &texts(arguments));
        assert_eq!(text(Language::English, &[&"bob", &"{} x"]), "user bob has no permission for project {} x");
        assert_eq!(text(Language::Chinese, &[&"bob", &7]), "用户 bob 没有项目 7 的权限");
        assert_eq!(Code::LOGIN.text(Language::English, &[]), "the login failed");
    }

    #[test]
    fn no_code_is_zero_and_every_code_has_a_text_in_both_languages() {
        for code in all() {
            assert!(code.number != 0 && !code.english.is_empty(), "{code:?}");
            assert!(code.english.is_ascii() && !code.chinese.is_ascii(), "{code:?}");
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(code.english), places(code.chinese), "{code:?}");
        }
    }

    /// The numbers of the specification that a client can be told, or could be in a release.
    #[test]
    fn every_number_of_the_specification_is_there() {
        let mut known: Vec<i32> = all().map(|code| code.number).collect();
        known.sort_unstable();
        known.dedup();
        let unused = [10005, 10138, 20003];
        let ranges = [10001..=10142, 20001..=20011, 30001..=30002, 50001..=50027, 60001..=60003, 70001..=70003];
        // The last ones are our own.
        let single = [80001, 90001, 100_001, 404, 405, 409, 429, 503, 20013, 20014, 110_001, 110_002, 110_003, 110_004];
        let mut wanted: Vec<i32> =
            ranges.into_iter().flatten().chain(single).filter(|number| !unused.contains(number)).collect();
        wanted.sort_unstable();
        assert_eq!(known, wanted);
    }
}
