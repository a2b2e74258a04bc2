//! `$[time expression]` in a text.

use super::pattern::{Item, Pattern};
use super::{Moment, arithmetic};
use chrono::{DateTime, NaiveDateTime};
use chrono_tz::Tz;
use std::borrow::Cow;

/// Whose text it is, and so how much of it may be taken for a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A parameter's value. Nobody else reads it before we do: whatever is a date pattern is one, down to the
    /// `$[d]` that is the day of the month.
    Value,
    /// A script or the arguments of a program, where `$[…]` is also arithmetic of the shell:
    /// see [`is_plainly_a_date`].
    Script,
}

/// Replaces every `$[…]` that is a time expression; all else stays as it is.
///
/// An expression is on one line. Brackets inside pair up, but an inner `$[` begins anew: in `$[ $[yyyy] + x ]` the
/// inner one is read. Each part of the text is looked at twice at most.
pub(super) fn expand<'t>(text: &'t str, moment: &Moment, reading: Reading) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(found) = text[from..].find("$[") {
        let start = from + found;
        from = start + 2;
        let Some(length) = closing_bracket(&text[from..]) else { continue };
        let expression = &text[from..from + length];
        from += length + 1;
        if let Some(value) = evaluate(expression, moment, reading) {
            out.push_str(&text[copied..start]);
            out.push_str(&value);
            copied = from;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// In bytes. What is longer is no expression, and need not be taken apart.
const LONGEST: usize = 1000;

/// Where the bracket closes that was opened before `text`.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => return None,
            b'[' if before == b'$' => return None,
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(at),
            b']' => depth -= 1,
            _ => {}
        }
        before = byte;
    }
    None
}

/// The value of one expression; `None` if it is none or cannot be computed.
fn evaluate(text: &str, moment: &Moment, reading: Reading) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let Some(inner) = call(text, "timestamp(") else { return dated(text, moment, reading) };
    // What carries a function's name is no arithmetic of the shell.
    let digits = dated(inner, moment, Reading::Value)?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let wall = NaiveDateTime::parse_from_str(&digits, "%Y%m%d%H%M%S").ok()?;
    Some(moment.at(wall)?.timestamp().to_string())
}

/// A point in time, computed from the base, and the pattern that shows it.
fn dated(text: &str, moment: &Moment, reading: Reading) -> Option<String> {
    type Function = fn(&Moment, i64) -> Option<DateTime<Tz>>;
    const FUNCTIONS: [(&str, Function); 5] = [
        ("add_months(", Moment::plus_months),
        ("month_begin(", Moment::month_begin),
        ("month_end(", Moment::month_end),
        ("week_begin(", Moment::week_begin),
        ("week_end(", Moment::week_end),
    ];
    for (name, function) in FUNCTIONS {
        if let Some(arguments) = call(text, name) {
            let (format, number) = arguments.split_once(',')?;
            return Some(pattern(format, Reading::Value)?.format(function(moment, arithmetic::evaluate(number)?)?));
        }
    }
    let (format, minutes) = offset(text)?;
    let pattern = pattern(format, reading)?;
    let time = if minutes == 0 { moment.base() } else { moment.plus_minutes(minutes)? };
    Some(pattern.format(time))
}

/// The arguments, if this is a call of the function.
fn call<'a>(text: &'a str, function: &str) -> Option<&'a str> {
    text.strip_prefix(function)?.strip_suffix(')')
}

/// Splits `F+N` and `F-N` into the format and minutes: at the last `+`, if there is any, else at the last `-`; and
/// only if a digit follows, so that `yyyy-MM-dd` is a format.
fn offset(text: &str) -> Option<(&str, i64)> {
    let sign = if text.contains('+') { '+' } else { '-' };
    let Some((format, number)) = text.rsplit_once(sign) else { return Some((text, 0)) };
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((text, 0));
    }
    let minutes = minutes(number)?;
    Some((format, if sign == '-' { minutes.checked_neg()? } else { minutes }))
}

/// Minutes of so many days. The unit is multiplied in before the first division, so that `1/24` is an hour and
/// not zero days.
fn minutes(days: &str) -> Option<i64> {
    let (before, rest) = days.split_at(days.find('/').unwrap_or(days.len()));
    arithmetic::evaluate(&format!("1440*({before}){rest}"))
}

fn pattern(text: &str, reading: Reading) -> Option<Pattern<'_>> {
    let pattern = Pattern::parse(text)?;
    let is_date = match reading {
        Reading::Value => pattern.has_fields(),
        Reading::Script => is_plainly_a_date(&pattern),
    };
    is_date.then_some(pattern)
}

/// Signs of shell arithmetic and quoting that stand in no date. (`+ - / : , .` and blanks stand in both.)
const SHELL_SIGNS: &str = "*%&|<>!~^?=(){}[]$#@\"`\\;";

/// Letters of dates and clocks.
const DATE_LETTERS: &str = "yuYMLdDEwHhKkmsS";

/// Tells a date pattern from shell arithmetic.
///
/// `$[1+2]`, `$[i]`, `$[d]`, `$[y-1]`, `$[add+1]` are the shell's, although their letters mean something in a
/// date. What no one would name a variable is a letter three times in a row (`yyyy`), or a word made of doubled
/// letters only (`HHmm`); one such makes the text a date, unless a sign in it belongs to arithmetic
/// (`$[hh*60+mm]`). This leaves `$[dd]`, `$[mm+1]` and their like to us: they are in use as dates. Who needs the
/// day without a zero takes it through a parameter, where `$[d]` can mean nothing else.
fn is_plainly_a_date(pattern: &Pattern) -> bool {
    let arithmetic = pattern
        .items()
        .iter()
        .any(|item| matches!(item, Item::Plain(text) if text.contains(|c| SHELL_SIGNS.contains(c))));
    let mut words = pattern.items().split(|item| !matches!(item, Item::Field(..)));
    !arithmetic && words.any(is_date_word)
}

/// `word` is the pattern letters between two literals.
fn is_date_word(word: &[Item]) -> bool {
    let repeated = |item: &Item, times| matches!(item, Item::Field(l, n) if *n >= times && DATE_LETTERS.contains(*l));
    word.iter().any(|item| repeated(item, 3)) || (!word.is_empty() && word.iter().all(|item| repeated(item, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    /// 2019-03-10 13:05:09, a Sunday, in UTC+8.
    fn moment() -> Moment {
        Moment::of_run(Time(1_552_194_309_000), Tz::Asia__Shanghai)
    }

    fn script(text: &str) -> String {
        expand(text, &moment(), Reading::Script).into_owned()
    }

    fn value(text: &str) -> String {
        expand(text, &moment(), Reading::Value).into_owned()
    }

    #[test]
    fn examples_of_the_original() {
        for (text, expected) in [
            ("$[yyyyMMdd]", "20190310"),
            ("$[HHmmss]", "130509"),
            ("$[yyyy-MM-dd HH:mm:ss]", "2019-03-10 13:05:09"),
            ("$[yyyyMMdd-1]", "20190309"),
            ("$[yyyyMMdd+1]", "20190311"),
            ("$[yyyy-MM-dd-1]", "2019-03-09"),
            ("$[yyyyMMdd-7*1]", "20190303"),
            ("$[yyyyMMdd+7*2]", "20190324"),
            ("$[HHmmss+1/24]", "140509"),
            ("$[HHmmss-1/24]", "120509"),
            ("$[HHmmss+15/24/60]", "132009"),
            ("$[HHmmss-1/24/60*30]", "123509"),
            ("$[yyyy年MM月]", "2019年03月"),
            ("$[yyyyMMdd - 1]", "20190310 - 1"),
            ("$[yyyyMMdd+-1]", "20190310+-1"),
            ("$[add_months(yyyyMMdd,1)]", "20190410"),
            ("$[add_months(yyyyMMdd,-1)]", "20190210"),
            ("$[add_months(yyyyMMdd,12*1)]", "20200310"),
            ("$[add_months(yyyyMMdd,-12*1)]", "20180310"),
            ("$[month_begin(yyyyMMdd,0)]", "20190301"),
            ("$[month_begin(yyyyMMdd,-1)]", "20190228"),
            ("$[month_end(yyyyMMdd,0)]", "20190331"),
            ("$[month_end(yyyyMMdd, -1)]", "20190330"),
            ("$[week_begin(yyyyMMdd,0)]", "20190304"),
            ("$[week_end(yyyyMMdd,0)]", "20190310"),
            ("$[timestamp(yyyyMMddHHmmss)]", "1552194309"),
            ("$[timestamp(yyyyMMdd000000)]", "1552147200"),
        ] {
            assert_eq!(script(text), expected, "{text}");
            assert_eq!(value(text), expected, "{text}");
        }
        for text in ["$[timestamp(yyyyMMdd)]", "$[yyyyMMdd-1/0]", "$[abc]", "$[month_begin(yyyyMMdd)]"] {
            assert_eq!(script(text), text);
            assert_eq!(value(text), text);
        }
        let january = Moment::of_run(Time(1_548_907_509_000), Tz::Asia__Shanghai);
        assert_eq!(expand("$[yyyyMMdd $[add_months(yyyyMMdd,1)]", &january, Reading::Script), "$[yyyyMMdd 20190228");
    }

    #[test]
    fn more_of_the_same() {
        for (text, expected) in [
            ("a$[yyyy]b$[MM]c", "a2019b03c"),
            ("$$[yyyy]", "$2019"),
            ("$[yyyyMMdd-1+1]", "20190311-1"),
            ("$[add_months(M,-12+1)] F5", "4 F5"),
            ("$[timestamp(add_months(yyyyMMdd000000,-1))]", "1549728000"),
            ("$[timestamp(yyyyMMddHHmmss-1)]", "1552107909"),
            ("$[yyyy-MM-dd'T'HH:mm:ss]", "2019-03-10T13:05:09"),
            ("$[yyyy年M月d日]", "2019年3月10日"),
            ("$[d/M/yyyy hh:mma]", "10/3/2019 01:05PM"),
            ("$[yyyyMMddH]", "2019031013"),
            ("dt=$[yyyy-MM-dd]/h=$[HH]", "dt=2019-03-10/h=13"),
        ] {
            assert_eq!(script(text), expected, "{text}");
        }
        for text in [
            "$[]",
            "$[+1]",
            "$[timestamp(timestamp(yyyyMMddHHmmss))]",
            "$[timestamp(yyyyMMdd999999)]",
            "$[add_months(yyyyMMdd,1,2)]",
            "$[add_months(yyyyMMdd,x)]",
            "$[add_months(yyyyMMdd,99999999999999)]",
            "$[yyyyMMdd+9223372036854775807]",
            "$[yyyyMMdd+99999999]",
            "$[yyyyMMdd+1x]",
            "$[yyyy\n]",
            "$[yyyy",
        ] {
            assert_eq!(script(text), text);
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn f3_arithmetic_of_the_shell_survives_in_scripts() {
        for text in [
            "$[1+2]",
            "$[i]",
            "$[x+1]",
            "$[i+1]",
            "$[ $a + 1 ]",
            "${arr[$[i]]}",
            "$[d]",
            "$[m]",
            "$[s+1]",
            "$[y-1]",
            "$[M/d]",
            "$[h*60+m]",
            "$[hh*60+mm]",
            "$[(mm+1)/2]",
            "$[a+b]",
            "$[day+1]",
            "$[days]",
            "$[add+1]",
            "$[dummy]",
            "$[mess]",
            "$[dd[0]]",
            "$[x=yy]",
            "grep 'x$[a-z]' $[0].name $[*]",
            "$['name'] $['store']['book']",
        ] {
            assert_eq!(script(text), text);
        }
    }

    #[test]
    fn in_a_value_every_date_pattern_counts_but_numbers_do_not() {
        assert_eq!(value("$[M]/$[d] $[E] $[e] $[d-1]"), "3/10 Sun 7 9");
        for text in ["$[1+2]", "$[0]", "$[i+1]", "$[ ]", "$['x']"] {
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn an_unclosed_or_nested_bracket_hides_nothing() {
        assert_eq!(script("[[ $x =~ foo$[ ]\n$[yyyy]"), "[[ $x =~ foo$[ ]\n2019");
        assert_eq!(script("$[ $[yyyy] + x ]"), "$[ 2019 + x ]");
        assert_eq!(script("$[ unclosed\n$[yyyy]"), "$[ unclosed\n2019");
    }

    #[test]
    fn neither_depth_nor_length_hurts() {
        for piece in ["$[", "[", "$[[", "$[yyyy", "$[timestamp(", "$[1+(", "$[']'"] {
            let text = piece.repeat(300_000);
            assert_eq!(script(&text), text);
            assert_eq!(value(&text), text);
        }
        let longest = format!("$[{}]", "y-".repeat(LONGEST / 2));
        assert_eq!(value(&longest), "2019-".repeat(LONGEST / 2));
        let longer = format!("$[{}]", "y-".repeat(1_000_000));
        assert_eq!(value(&longer), longer);
    }
}
