//! Request parameters: the query and the body as one map, and how their texts become values
//! (`EasyScheduler 1.0.1: parameter conversion rules`). What cannot be converted is code 10001.

use super::language::Words;
use super::param::{Kind, LONGEST_SEARCH, Param, Params};
use super::reply::Failure;
use crate::model::{Time, UnknownName};
use crate::store::Page;
use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use std::str::FromStr;
use url::form_urlencoded;

/// The parameters of a request; of two with one name the first counts, the query before the body.
///
/// Only declared parameters may be asked for, and only as what they are declared to be: in debug builds anything else
/// panics, so that the declaration of a route cannot lie.
#[derive(Debug, Default)]
pub struct Form {
    values: Vec<(String, String)>,
    declared: Option<Params>,
}

impl Form {
    pub fn parse(query: &str, body: &[u8]) -> Form {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        Form { values: query.chain(form_urlencoded::parse(body).into_owned()).collect(), declared: None }
    }

    /// The same with the fields of a body that has been read already.
    pub fn of_fields(query: &str, fields: Vec<(String, String)>) -> Form {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        Form { values: query.chain(fields).collect(), declared: None }
    }

    /// The form of a route that takes these. What it does not take is forgotten.
    pub fn of(mut self, declared: Params) -> Result<Form, Failure> {
        self.values.retain(|(name, _)| declared.iter().any(|param| param.name == name));
        match self.values.iter().find(|(_, value)| value.contains('\0')) {
            Some((name, _)) => Err(Failure::parameter(name, Words::nul())),
            None => Ok(Form { declared: Some(declared), ..self }),
        }
    }

    /// What was sent under a name, whether or not the route knows it.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text of a parameter, if there is one; it may be empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.declared_as(name, |_| true);
        self.sent(name)
    }

    /// The text of a parameter, if there is one that is not blank.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|text| !text.trim().is_empty())
    }

    /// A parameter that must be there; it may be empty.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.declared_as(name, |param| param.required);
        self.given(name).ok_or_else(|| Failure::parameter(name, Words::new("it is missing", "缺少该参数")))
    }

    /// A parameter that must be there, must not be blank, and must fit into its column.
    pub fn name(&self, name: &str, longest: usize) -> Result<&str, Failure> {
        match self.text(name)? {
            text if text.trim().is_empty() => Err(Failure::invalid(name, Words::new("it is empty", "不能为空"))),
            _ => Ok(self.short(name, longest)?.unwrap_or_default()),
        }
    }

    /// A parameter that may be missing, and must fit into its column.
    pub fn short(&self, name: &str, longest: usize) -> Result<Option<&str>, Failure> {
        self.declared_as(name, |param| matches!(param.kind, Kind::Text(most) | Kind::Secret(most) if most == longest));
        match self.given(name) {
            Some(text) if text.chars().nth(longest).is_some() => {
                let english = format!("it is longer than {longest} characters");
                Err(Failure::invalid(name, Words::new(english, format!("超过 {longest} 个字符"))))
            }
            text => Ok(text),
        }
    }

    /// What a list is searched for; empty means every row.
    pub fn search(&self) -> Result<&str, Failure> {
        Ok(self.short("searchVal", LONGEST_SEARCH)?.unwrap_or_default())
    }

    /// A whole number that must be there.
    pub fn int(&self, name: &str) -> Result<i32, Failure> {
        self.declared_as(name, |param| param.kind == Kind::Int);
        integer(name, self.text(name)?)
    }

    /// A whole number; missing or blank means `default`.
    pub fn int_or(&self, name: &str, default: i32) -> Result<i32, Failure> {
        self.declared_as(name, |param| param.kind == Kind::Int && param.default == Some(default));
        self.filled(name).map_or(Ok(default), |text| integer(name, text))
    }

    /// `true` or `false`, in the ways that a servlet understands; missing or blank means `None`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        self.declared_as(name, |param| param.kind == Kind::Bool);
        let Some(text) = self.filled(name) else { return Ok(None) };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(Some(true)),
            "false" | "off" | "no" | "0" => Ok(Some(false)),
            _ => {
                let english = format!("`{text}` is neither true nor false");
                Err(Failure::parameter(name, Words::new(english, format!("`{text}` 不是 true 或 false"))))
            }
        }
    }

    /// Ids with commas between them, each once, in the order given; the parameter must be there and may be empty.
    pub fn ids(&self, name: &str) -> Result<Vec<i32>, Failure> {
        self.declared_as(name, |param| param.kind == Kind::Ids);
        let mut ids = Vec::new();
        for text in self.text(name)?.split(',').filter(|text| !text.trim().is_empty()) {
            let id = integer(name, text)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// A name of an enumeration that must be there.
    pub fn one_of<T: FromStr<Err = UnknownName>>(&self, name: &str) -> Result<T, Failure> {
        self.declared_as(name, |param| matches!(param.kind, Kind::OneOf(_)));
        enumerated(name, self.text(name)?)
    }

    /// A name of an enumeration; missing or blank means none.
    pub fn any_of<T: FromStr<Err = UnknownName>>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.declared_as(name, |param| matches!(param.kind, Kind::OneOf(_)));
        self.filled(name).map(|text| enumerated(name, text)).transpose()
    }

    /// A date with time in the zone, which must be there.
    pub fn date(&self, name: &str, zone: Tz) -> Result<Time, Failure> {
        self.text(name)?;
        self.instant(name, zone).ok_or_else(|| {
            let english = "it is no date such as 2026-01-31 08:00:00";
            Failure::parameter(name, Words::new(english, "不是 2026-01-31 08:00:00 格式的日期"))
        })
    }

    /// A date with time in the zone; what cannot be read means none.
    pub fn instant(&self, name: &str, zone: Tz) -> Option<Time> {
        self.declared_as(name, |param| param.kind == Kind::Date);
        wall_time(self.given(name)?, zone)
    }

    /// The part of a list that is asked for; what is not above zero is code 10001.
    pub fn page(&self) -> Result<Page, Failure> {
        let (number, size) = (self.int("pageNo")?, self.int("pageSize")?);
        match (positive(number), positive(size)) {
            (None, _) => Err(Failure::invalid("pageNo", not_positive())),
            (_, None) => Err(Failure::invalid("pageSize", not_positive())),
            (Some(number), Some(size)) => Ok(Page { number, size }),
        }
    }

    /// The same for the lists that take every number: below the first page is the first page, and a size that is
    /// none is the generic code of the route.
    pub fn lenient_page(&self) -> Result<Page, Failure> {
        let (number, size) = (self.int("pageNo")?, self.int("pageSize")?);
        let size = positive(size)
            .ok_or_else(|| Failure::because(Words::new("pageSize is not above zero", "pageSize 必须大于零")))?;
        Ok(Page { number: positive(number).unwrap_or(1), size })
    }

    fn declared_as(&self, name: &str, fits: impl Fn(&Param) -> bool) {
        if let Some(declared) = self.declared.filter(|_| cfg!(debug_assertions)) {
            let param = declared.iter().find(|param| param.name == name);
            debug_assert!(param.is_some_and(fits), "a route reads `{name}`, which it declares as {param:?}");
        }
    }
}

fn not_positive() -> Words {
    Words::new("it is not above zero", "必须大于零")
}

fn positive(number: i32) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

fn integer(name: &str, text: &str) -> Result<i32, Failure> {
    text.trim().parse().map_err(|_| {
        let english = format!("`{text}` is not a whole number");
        Failure::parameter(name, Words::new(english, format!("`{text}` 不是整数")))
    })
}

fn enumerated<T: FromStr<Err = UnknownName>>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: UnknownName| Failure::parameter(name, error))
}

/// A date with time in the zone; `None` if the text is none.
pub fn wall_time(text: &str, zone: Tz) -> Option<Time> {
    instant(NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S").ok()?, zone)
}

/// A time that the clocks show twice is the first one; one that they leave out is as long after the gap's start.
fn instant(local: NaiveDateTime, zone: Tz) -> Option<Time> {
    let at = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
        LocalResult::None => {
            let gap = TimeDelta::hours(3);
            zone.from_local_datetime(&local.checked_sub_signed(gap)?).earliest()?.checked_add_signed(gap)?
        }
    };
    Some(Time(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;

    #[test]
    fn the_query_comes_before_the_body_and_blanks_may_be_plus_signs() {
        let form = Form::parse("a=1&b=%E6%95%B0+x", b"a=2&c=3&c=4&d");
        let values = ["a", "b", "c", "d", "e"].map(|name| form.given(name));
        assert_eq!(values, [Some("1"), Some("数 x"), Some("3"), Some(""), None]);
    }

    #[test]
    fn an_empty_parameter_is_the_default_or_none_and_an_unreadable_one_is_refused() {
        let form = Form::parse("id=&state=&odd=x&up=SUCCESS&blank=+7+", b"");
        assert_eq!(form.int_or("id", 5).unwrap(), 5);
        assert_eq!(form.int_or("gone", 5).unwrap(), 5);
        assert_eq!(form.int("blank").unwrap(), 7);
        assert!(form.int("id").is_err() && form.int("gone").is_err() && form.int_or("odd", 5).is_err());
        assert_eq!(form.any_of::<State>("state").unwrap(), None);
        assert_eq!(form.one_of::<State>("up").unwrap(), State::Success);
        assert!(form.any_of::<State>("odd").is_err() && form.one_of::<State>("state").is_err());
    }

    #[test]
    fn dates_are_read_in_the_zone_and_what_is_no_date_is_none() {
        let form = Form::parse("a=2026-01-02+03:04:05&b=2026-03-29+02:30:00&c=2026-10-25+02:30:00&d=soon", b"");
        let berlin = |name| form.instant(name, Tz::Europe__Berlin).map(|time| time.0 / 1000);
        assert_eq!(berlin("a"), Some(1_767_319_445));
        assert_eq!(berlin("b"), Some(1_774_747_800), "left out: 03:30 in summer time");
        assert_eq!(berlin("c"), Some(1_792_888_200), "twice: the first");
        assert_eq!((berlin("d"), berlin("e")), (None, None));
    }

    #[test]
    fn flags_and_lists_of_ids_are_read() {
        let form = Form::parse("a=TRUE&b=0&c=&d=maybe&e=3,+4,3,,&f=&g=1,x", b"");
        let flags = ["a", "b", "c", "z"].map(|name| form.flag(name).unwrap());
        assert_eq!(flags, [Some(true), Some(false), None, None]);
        assert!(form.flag("d").is_err() && form.ids("g").is_err() && form.ids("z").is_err());
        assert_eq!((form.ids("e").unwrap(), form.ids("f").unwrap()), (vec![3, 4], vec![]));
    }

    const DECLARED: Params =
        &[crate::api::param::need("id", Kind::Int, "An id."), crate::api::param::may("desc", Kind::Text(3), "A text.")];

    #[test]
    fn what_is_not_declared_is_forgotten_and_no_text_holds_nul() {
        let form = Form::parse("id=1&other=%00&desc=abcd", b"").of(DECLARED).unwrap();
        assert_eq!(form.int("id").unwrap(), 1);
        assert!(form.short("desc", 3).is_err());
        assert!(Form::parse("id=1%00", b"").of(DECLARED).is_err());
    }

    #[test]
    #[should_panic(expected = "a route reads `other`")]
    fn asking_for_what_is_not_declared_is_a_mistake() {
        let _ = Form::parse("", b"").of(DECLARED).unwrap().given("other");
    }

    #[test]
    #[should_panic(expected = "a route reads `desc`")]
    fn so_is_asking_for_it_as_something_else() {
        let _ = Form::parse("", b"").of(DECLARED).unwrap().short("desc", 4);
    }

    #[test]
    fn a_page_begins_at_one() {
        let part = |query: &str| Form::parse(query, b"").page().ok();
        assert_eq!(part("pageNo=2&pageSize=1000"), Some(Page { number: 2, size: 1000 }));
        assert!(part("pageNo=0&pageSize=1").is_none() && part("pageNo=1&pageSize=0").is_none());
        let lenient = Form::parse("pageNo=-3&pageSize=1", b"").lenient_page().ok();
        assert_eq!(lenient, Some(Page { number: 1, size: 1 }));
    }
}
