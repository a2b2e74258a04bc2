//! What the expression language and the rules for put clocks mean, by example.

use crate::calendar::{Calendar, Expression, Gap, Overlap, zone};
use crate::model::Time;
use chrono::DateTime;

fn calendar(text: &str, zone_name: &str, gap: Gap, overlap: Overlap) -> Calendar {
    Calendar { expression: Expression::parse(text).unwrap(), zone: zone(zone_name).unwrap(), gap, overlap }
}

fn instant(text: &str) -> Time {
    Time(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
}

fn shown(calendar: &Calendar, from: &str, until: &str) -> Vec<String> {
    let show = |time: Time| DateTime::from_timestamp_millis(time.0).unwrap().format("%d %H:%M").to_string();
    calendar.between(instant(from), instant(until)).map(show).collect()
}

/// Berlin goes from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC, and back from 03:00 to 02:00 on 2026-10-25.
const SPRING: (&str, &str) = ("2026-03-29T00:00:00Z", "2026-03-29T02:59:59Z");
const AUTUMN: (&str, &str) = ("2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z");

fn berlin(text: &str, gap: Gap, overlap: Overlap, window: (&str, &str)) -> Vec<String> {
    shown(&calendar(text, "Europe/Berlin", gap, overlap), window.0, window.1)
}

#[test]
fn a_fixed_time_in_a_gap_fires_after_it_once_or_not_at_all() {
    for text in ["0 30 2 * * ?", "0 */10 2 * * ?", "0 0 2,3 * * ?", "* * 2 29 3 ?"] {
        assert_eq!(berlin(text, Gap::Shift, Overlap::First, SPRING), ["29 01:00"], "{text}");
    }
    assert!(berlin("0 30 2 * * ?", Gap::Skip, Overlap::First, SPRING).is_empty());
    assert_eq!(berlin("0 0 2,3 * * ?", Gap::Skip, Overlap::First, SPRING), ["29 01:00"]);
}

#[test]
fn a_fixed_time_in_an_overlap_fires_in_the_pass_that_was_chosen() {
    let text = "0 30 2 * * ?";
    assert_eq!(berlin(text, Gap::Shift, Overlap::First, AUTUMN), ["25 00:30"]);
    assert_eq!(berlin(text, Gap::Shift, Overlap::Second, AUTUMN), ["25 01:30"]);
    assert_eq!(berlin(text, Gap::Shift, Overlap::Both, AUTUMN), ["25 00:30", "25 01:30"]);
}

#[test]
fn every_hour_means_the_hours_that_pass() {
    for overlap in [Overlap::First, Overlap::Second, Overlap::Both] {
        for gap in [Gap::Shift, Gap::Skip] {
            assert_eq!(berlin("0 30 * * * ?", gap, overlap, SPRING), ["29 00:30", "29 01:30", "29 02:30"]);
            assert_eq!(berlin("0 30 0/1 * * ?", gap, overlap, AUTUMN), ["24 23:30", "25 00:30", "25 01:30"]);
        }
    }
    // Neither at 02:30, which does not exist, nor in its place.
    assert_eq!(berlin("0 30 0/2 * * ?", Gap::Shift, Overlap::First, SPRING), ["29 02:30"]);
}

#[test]
fn a_day_that_a_zone_has_left_out_is_a_gap() {
    // Samoa went from the end of the 29th to the 31st of December 2011, at 10:00 UTC.
    let window = ("2011-12-29T00:00:00Z", "2011-12-31T00:00:00Z");
    let samoa = |text| shown(&calendar(text, "Pacific/Apia", Gap::Shift, Overlap::First), window.0, window.1);
    assert_eq!(samoa("0 0 12 30 12 ?"), ["30 10:00"]);
    assert!(samoa("0 0 * 30 12 ?").is_empty());
}

#[test]
fn what_never_comes_ends() {
    for text in ["0 0 0 31 2 ?", "* * * 30 2 ?", "0 0 0 L-30 2 ?", "0 0 0 29 2 ? 2100/4", "0 0 0 31 4,6,9,11 ?"] {
        let Ok(expression) = Expression::parse(text) else { continue };
        let calendar = Calendar { expression, ..calendar("* * * * * ?", "Europe/Berlin", Gap::Shift, Overlap::First) };
        assert_eq!(calendar.next_after(Time(0)), None, "{text}");
    }
    let ever = calendar("* * * * * ?", "UTC", Gap::Shift, Overlap::First);
    assert_eq!(ever.next_after(Time(i64::MIN)), Some(instant("1970-01-01T00:00:00Z")));
    assert_eq!(ever.next_after(instant("2099-12-31T23:59:58.999Z")), Some(instant("2099-12-31T23:59:59Z")));
    for last in [instant("2099-12-31T23:59:59Z"), Time(i64::MAX)] {
        assert_eq!(ever.next_after(last), None);
    }
}

#[test]
fn between_includes_both_ends() {
    let minutes = calendar("0 * * * * ?", "UTC", Gap::Shift, Overlap::First);
    assert_eq!(shown(&minutes, "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z"), ["01 00:00", "01 00:01", "01 00:02"]);
}

#[test]
fn names_ranges_and_cases_are_as_quartz_has_them() {
    for (text, same) in [
        ("0 0 0 ? jan-MAR Mon-fri", "0 0 0 ? 1-3 2-6"),
        ("0 0 0 ? NOV-FEB FRI-MON", "0 0 0 ? 11,12,1,2 6,7,1,2"),
        ("50-10/5 0 22-2 * * ?", "50,55,0,5,10 0 22,23,0,1,2 * * ?"),
        ("/5 */0 3/0 * * ?", "*/5 * 3 * * ?"),
        ("  0\t0  12 ? * MONDAY ", "0 0 12 ? * 2"),
        ("0 0 0 ? * L", "0 0 0 ? * SAT"),
        ("0 0 0 28-31/10 * ? *", "0 0 0 28 * ?"),
    ] {
        let fires = |text| {
            shown(&calendar(text, "UTC", Gap::Shift, Overlap::First), "2027-10-01T00:00:00Z", "2028-01-09T00:00:00Z")
        };
        assert_eq!(fires(text), fires(same), "{text}");
        assert!(!fires(text).is_empty(), "{text}");
    }
}

#[test]
fn mistakes_are_explained() {
    for (text, expected) in [
        ("* * * * *", "5 fields, where 6 or 7 belong"),
        ("0 0 0 * * ? * extra", "8 fields"),
        ("60 0 0 * * ?", "second: `60`, where a number from 0 to 59 belongs"),
        ("0 0 99 * * ?", "hour: `99`, where a number from 0 to 23 belongs"),
        ("0 0 0 ? FOO *", "month: `FOO`, where a number from 1 to 12, or JAN to DEC belongs"),
        ("0 0 0 ? * 0", "day of week: `0`, where a number from 1 (Sunday) to 7 (Saturday), or SUN to SAT belongs"),
        ("0 0 0 * * *", "either the day of month or the day of week has to be `?`"),
        ("0 0 0 ? * ?", "either the day of month or the day of week has to be `?`"),
        ("0 0 */25 * * ?", "hour: the step of `*/25` is longer than the field: 23 at most"),
        ("0 0/x 0 * * ?", "minute: after the `/` of `0/X` a number belongs"),
        ("0 5X 0 * * ?", "minute: `5X`"),
        ("0 0 0 1,15W * ?", "day of month: `1,15W`: before `W` belongs a single day"),
        ("0 0 0 L-31 * ?", "day of month: `L-31`: after `L-` belongs a number from 0 to 30"),
        ("0 0 0 1,L * ?", "day of month: `1,L` has an `L` among other days"),
        ("0 0 0 ? * 2#6", "day of week: `2#6`: after `#` belongs a number from 1 to 5"),
        ("0 0 0 ? * 2#1,5", "day of week: `2#1,5` has a `#` among other days"),
        (
            "0 0 0 ? * MON-FRI/2",
            "day of week: `MON-FRI/2` has a step beside names, which Quartz overlooks; write numbers: 2-6/",
        ),
        ("0 0 0 ? * MONDAY-FRI", "day of week: names in a range have three letters: `MON` instead of `MONDAY`"),
        ("0 0 0 * * ? 2030-2029", "year: `2030-2029` ends before it begins"),
        ("0 0 0 * * ? 2100", "year: `2100`, where a year from 1970 to 2099 belongs"),
        ("0,, 0 0 * * ?", "second: there is nothing before, between or after commas"),
        ("0 0 5- * * ?", "hour: something is missing in `5-`"),
        ("0 0 ? * * ?", "hour: `?` stands alone, and only in one of the two day fields"),
        ("ü 0 0 é#€ * ?", "second: `ü`"),
        ("", "0 fields"),
    ] {
        let error = Expression::parse(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let error = Expression::parse("61 61 25 32 13 8 1900").expect_err("all wrong");
    assert_eq!(error.problems.len(), 7, "{error}");
    assert!(zone("Europe/Berlim").expect_err("no zone").contains("is Europe/Berlin meant?"));
}

#[test]
fn no_text_hurts() {
    for piece in ["*", "/", "-", ",", "?", "L", "W", "#", "1", "9999999999", "MON", "L-", "é", "0 ", "0/", "1-"] {
        for other in ["*", "/", "-", ",", "L", "W", "#", "0", "MON", " ", "ß"] {
            let field = format!("{piece}{other}");
            for text in
                [format!("0 0 0 {field} * ?"), format!("0 0 0 ? * {field}"), format!("{field} 0 0 * * ? {field}")]
            {
                _ = Expression::parse(&text);
            }
            _ = Expression::parse(&field.repeat(10_000));
        }
    }
}
