//! 200 shapes of expressions. In some a letter stands for what the clock shows at the change that is looked at, so
//! that they fire there: H hour, D day of month, M month, N name of the weekday, O its occurrence, Y year.

use chrono::{Datelike, NaiveDateTime, Timelike};

const TIMES: [&str; 20] = [
    "0 0 0",
    "0 30 1",
    "0 0 2",
    "0 30 2",
    "15 45 2",
    "0 0 3",
    "0 30 23",
    "0 0 {H}",
    "0 30 {H}",
    "59 59 {H}",
    "0 0,30 0-4",
    "0/20 10-50/20 1,2,3",
    "0 */15 22-2",
    "30 15/20 {H}",
    "0 0 *",
    "0 */10 *",
    "0 0 */2",
    "*/30 7 0/3",
    "0 20 1-5/2",
    "5-7 0-59/29 *",
];
const DATES: [&str; 10] = [
    "* * ?",
    "? * *",
    "{D} {M} ?",
    "? {M} {N}",
    "? * {N}#{O} {Y}",
    "L,",
    "? * {N}L",
    "{D}W * ?",
    "? * MON-FRI 1970-2099",
    "{D}-{D} {M}-{M} ? {Y}/1",
];

/// The shape of a number below [`COUNT`], for a change.
pub fn expression(number: usize, wall: NaiveDateTime) -> String {
    let dates = match DATES[number / TIMES.len() % DATES.len()] {
        // The ends of a month, by turns.
        "L," => ["L * ?", "LW * ?", "L-1 * ?", "L-2W * ?", "*/2 * ?"][number % 5],
        dates => dates,
    };
    format!("{} {dates}", TIMES[number % TIMES.len()])
        .replace("{H}", &wall.hour().to_string())
        .replace("{D}", &wall.day().to_string())
        .replace("{M}", &wall.month().to_string())
        .replace("{N}", &wall.weekday().to_string().to_uppercase())
        .replace("{O}", &(wall.day0() / 7 + 1).to_string())
        .replace("{Y}", &wall.year().to_string())
}

pub const COUNT: usize = TIMES.len() * DATES.len();
