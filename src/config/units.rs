//! Durations and sizes with a unit.

use std::time::Duration;

/// Reads `250ms`, `10s`, `5min`, `1h` or `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no duration; write for example \"250ms\", \"10s\", \"5min\" or \"1h\"");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err(format!("\"{text}\" needs a unit, for example \"{text}s\"")),
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(|| format!("\"{text}\" is too long"))
}

/// Reads a bare number of seconds, as the original writes it, or a duration with a unit.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => duration(text),
    }
}

/// Reads a bare number of bytes, or `64MB`, `1GiB`; units are powers of 1024, whichever way they are written.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is no size; write for example \"512KB\", \"64MB\" or \"1GiB\"");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(wrong()),
    };
    number.checked_mul(1024u64.pow(power)).ok_or_else(|| format!("\"{text}\" is too large"))
}

/// Splits `64 MB` into its number and its unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("10s", 10_000), ("5min", 300_000), ("1h", 3_600_000), ("7 d", 604_800_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1.5h", "10 fortnights", "99999999999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_originals_seconds_need_no_unit() {
        assert_eq!(seconds("7200"), Ok(Duration::from_secs(7200)));
        assert_eq!(seconds("2h"), Ok(Duration::from_secs(7200)));
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in
            [("5000000", 5_000_000), ("1024MB", 1 << 30), ("64mb", 64 << 20), ("1GiB", 1 << 30), ("2k", 2048)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "1.5GB", "64 potatoes", "99999999999TB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
