//! Values that follow from the number of their row.

/// Times that are easily got wrong: twice, never, for ever, never set.
const SPECIAL_TIMES: [&str; 8] = [
    "2019-10-27 02:30:00",
    "2019-10-27 03:00:00",
    "2019-03-31 02:30:00",
    "2019-03-31 01:59:59",
    "1990-08-01 00:00:00",
    "2037-12-31 23:59:59",
    "9999-12-31 23:59:59",
    "0000-00-00 00:00:00",
];

/// What Quartz would fire a schedule at next.
pub fn next_fire(schedule: usize) -> u64 {
    1_800_000_000_000 + schedule as u64
}

/// Most instances have ended; the fifth, and every thousandth, is under way in one way or another.
pub fn state(instance: usize) -> u8 {
    match instance {
        5 => 1,
        6 => 10,
        8 => 2,
        9 => 4,
        10 => 0,
        n if n % 1000 == 0 => 11,
        n => [7, 6, 7, 3, 5, 7, 9][n % 7],
    }
}

/// Two of ten are children of the one before.
pub fn is_child(instance: usize) -> bool {
    instance > 10 && matches!(instance % 10, 3 | 4)
}

/// A time, or none; now and then a special one.
pub fn time(n: usize) -> String {
    if n % 11 == 10 { "NULL".into() } else { set(n) }
}

/// A time in any case, in the years in which the original was used.
pub fn set(n: usize) -> String {
    if n % 5 == 4 {
        return format!("'{}'", SPECIAL_TIMES[n / 5 % SPECIAL_TIMES.len()]);
    }
    let (day, second) = (n * 17 % 1200, n * 7919 % 86400);
    format!(
        "'{}-{:02}-{:02} {:02}:{:02}:{:02}'",
        2018 + day / 300,
        day % 300 / 25 + 1,
        day % 25 + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

pub fn pair(n: usize) -> String {
    times(n, 2).join(", ")
}

pub fn times(n: usize, count: usize) -> Vec<String> {
    (0..count).map(|k| time(n + k * 3)).collect()
}

pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

pub fn or_null(value: Option<&str>) -> String {
    value.map_or("NULL".into(), text)
}
