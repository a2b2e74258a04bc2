//! At which seconds of a day an expression fires.

use super::bits::at_or_after;

/// Seconds, minutes and hours as bits; none of them is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub seconds: u64,
    pub minutes: u64,
    pub hours: u64,
}

impl Times {
    /// The first second of the day, `from` or later, that all three agree to.
    pub fn next(&self, from: u32) -> Option<u32> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        if at_or_after(self.hours, hour) == Some(hour) {
            if at_or_after(self.minutes, minute) == Some(minute)
                && let Some(second) = at_or_after(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = at_or_after(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + self.seconds.trailing_zeros());
            }
        }
        let hour = at_or_after(self.hours, hour + 1)?;
        Some(hour * 3600 + self.minutes.trailing_zeros() * 60 + self.seconds.trailing_zeros())
    }
}
