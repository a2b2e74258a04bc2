//! The document that describes when a schedule fires (`EasyScheduler 1.0.1: schedule document`), with the keys of our
//! own: `timezoneId`, `misfirePolicy`, `overlapPolicy`, `gap`, `overlap` and `jitter`.

use crate::calendar::{self, Calendar, Expression};
use crate::model::{DstGap, DstOverlap, MisfirePolicy, OverlapPolicy, Time, UnknownName};
use chrono_tz::Tz;
use serde::Deserialize;
use std::str::FromStr;

/// A document that makes sense.
pub struct Document {
    pub crontab: String,
    pub timezone_id: Option<String>,
    pub gap: Option<DstGap>,
    pub overlap: Option<DstOverlap>,
    pub start: Time,
    pub end: Time,
    pub misfire: Option<MisfirePolicy>,
    pub overlapping: Option<OverlapPolicy>,
    pub jitter_ms: Option<i64>,
    calendar: Calendar,
}

/// What is wrong with a document.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    Document(String),
    Crontab(String),
    /// It begins when it ends, or later.
    Empty,
}

/// The longest jitter, in seconds: a day later the next one is due.
const LONGEST_JITTER: i64 = 86_400;
/// What the column of an expression holds.
const LONGEST_CRONTAB: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    start_time: String,
    end_time: String,
    crontab: String,
    timezone_id: Option<String>,
    misfire_policy: Option<String>,
    overlap_policy: Option<String>,
    gap: Option<String>,
    overlap: Option<String>,
    /// Seconds.
    jitter: Option<i64>,
}

/// Reads a document. Its start and end are on the server's clock, as the front-end sends them.
pub fn read(text: &str, server: Tz) -> Result<Document, Wrong> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| Wrong::Document(error.to_string()))?;
    let mut wrong = Vec::new();
    let start = instant("startTime", &raw.start_time, server, &mut wrong);
    let end = instant("endTime", &raw.end_time, server, &mut wrong);
    let zone = raw.timezone_id.filter(|name| !name.trim().is_empty());
    let named = zone.as_deref().map(|name| {
        calendar::zone(name).unwrap_or_else(|why| {
            wrong.push(format!("timezoneId: {why}"));
            server
        })
    });
    let misfire = choice("misfirePolicy", raw.misfire_policy, &mut wrong);
    let overlapping = choice("overlapPolicy", raw.overlap_policy, &mut wrong);
    let gap = choice("gap", raw.gap, &mut wrong);
    let overlap = choice("overlap", raw.overlap, &mut wrong);
    if let Some(jitter) = raw.jitter.filter(|jitter| !(0..=LONGEST_JITTER).contains(jitter)) {
        wrong.push(format!("jitter: {jitter} is not between 0 and {LONGEST_JITTER} seconds"));
    }
    if !wrong.is_empty() {
        return Err(Wrong::Document(wrong.join("; ")));
    }
    if start >= end {
        return Err(Wrong::Empty);
    }
    if raw.crontab.chars().count() > LONGEST_CRONTAB {
        return Err(Wrong::Crontab(format!("it is longer than {LONGEST_CRONTAB} characters")));
    }
    let expression = Expression::parse(&raw.crontab).map_err(|why| Wrong::Crontab(why.to_string()))?;
    let calendar = Calendar {
        expression,
        zone: named.unwrap_or(server),
        gap: gap.unwrap_or(DstGap::Shift),
        overlap: overlap.unwrap_or(DstOverlap::First),
    };
    let jitter_ms = raw.jitter.map(|seconds| seconds * 1000);
    Ok(Document {
        crontab: raw.crontab,
        timezone_id: zone,
        gap,
        overlap,
        start,
        end,
        misfire,
        overlapping,
        jitter_ms,
        calendar,
    })
}

impl Document {
    /// The zone that the expression is meant in.
    pub fn zone(&self) -> Tz {
        self.calendar.zone
    }

    /// The instants at which it fires, from one on.
    pub fn fires_from(&self, from: Time) -> impl Iterator<Item = Time> + '_ {
        self.calendar.between(from, self.end)
    }
}

fn instant(key: &str, text: &str, zone: Tz, wrong: &mut Vec<String>) -> Time {
    crate::api::form::wall_time(text, zone).unwrap_or_else(|| {
        wrong.push(format!("{key}: `{text}` is no date with time, such as 2026-01-31 00:00:00"));
        Time(0)
    })
}

fn choice<T: FromStr<Err = UnknownName>>(key: &str, text: Option<String>, wrong: &mut Vec<String>) -> Option<T> {
    text.filter(|text| !text.trim().is_empty())?.parse().map_err(|error| wrong.push(format!("{key}: {error}"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(more: &str) -> String {
        format!(
            r#"{{"startTime":"2026-01-01 00:00:00","endTime":"2027-01-01 00:00:00","crontab":"0 0 2 * * ? *"{more}}}"#
        )
    }

    #[test]
    fn a_document_of_the_front_end_is_read_with_the_defaults() {
        let document = read(&document(""), Tz::Asia__Shanghai).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!((document.zone(), document.misfire, document.jitter_ms), (Tz::Asia__Shanghai, None, None));
        assert_eq!(document.start, Time(1_767_196_800_000));
        let fires: Vec<i64> = document.fires_from(document.start).take(2).map(|at| at.0 / 1000).collect();
        assert_eq!(fires, [1_767_204_000, 1_767_290_400]);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let more = r#","timezoneId":"Mars","misfirePolicy":"maybe","overlapPolicy":"wait","gap":"shift","jitter":-1"#;
        let Err(Wrong::Document(told)) = read(&document(more), Tz::UTC) else { panic!("it was taken") };
        let expected = [
            "timezoneId: `Mars` is no time zone; zones have names such as Europe/Berlin, Asia/Shanghai or UTC",
            "misfirePolicy: `maybe` is not one of fire once, fire all, skip",
            "jitter: -1 is not between 0 and 86400 seconds",
        ];
        assert_eq!(told, expected.join("; "));
    }

    #[test]
    fn a_misspelt_key_is_no_default() {
        let Err(Wrong::Document(told)) = read(&document(r#","misfirePolcy":"skip""#), Tz::UTC) else { panic!("taken") };
        assert!(told.contains("misfirePolcy"), "{told}");
    }

    #[test]
    fn an_expression_and_dates_have_codes_of_their_own() {
        let swap = |from: &str, to: &str| read(&document("").replace(from, to), Tz::UTC).err();
        assert_eq!(swap("2027", "2026"), Some(Wrong::Empty));
        assert!(matches!(swap("0 0 2", "0 0 25"), Some(Wrong::Crontab(_))));
        assert!(matches!(swap("0 0 2 * * ? *", &"0".repeat(300)), Some(Wrong::Crontab(_))));
    }
}
