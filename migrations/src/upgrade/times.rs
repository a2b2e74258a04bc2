//! Times of the original's columns become UTC.

use super::journal::Journal;
use super::shape;
use super::walk::{Walk, done};
use super::zone::{Period, Zone};
use super::{Error, Work};
use chrono::{NaiveDate, NaiveDateTime};
use sea_orm_migration::sea_query::TableCreateStatement;

/// What MySQL writes where there is no date. Nothing can be read from it.
const NOTHING: &str = "'0001-01-01'";
/// Earlier dates are not meant as times; MySQL does not promise to count with them.
const FIRST: &str = "'1000-01-02'";
/// Later ones mean "for ever", and would leave the calendar in some zones.
const EVER: &str = "'9999-12-30'";
/// What a column that must have a time gets for no date.
const EPOCH: &str = "'1970-01-01'";

const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.f";

/// The name of the note with the columns of a table that hold local times.
pub(super) fn note(table: &str) -> String {
    format!("columns {table}")
}

/// Converts the times of a table; the note of its columns was made before anything was changed.
pub(super) async fn convert(work: &mut Work<'_, '_>, table: &TableCreateStatement) -> Result<(), Error> {
    let name = shape::name(table);
    let step = format!("times {name}");
    let columns = columns(work.journal, &name);
    if work.journal.is_done(&done(&step)) {
        return Ok(());
    }
    let Some((first, last)) = span(work, &name, &columns).await? else { return Ok(()) };
    let periods = work.zone.periods(first, last);
    let set: Vec<_> = columns
        .iter()
        .map(|column| {
            let required = table
                .get_columns()
                .iter()
                .any(|c| c.get_column_name() == *column && c.get_column_spec().nullable == Some(false));
            format!("`{column}` = {}", expression(column, &periods, required))
        })
        .collect();
    let set = set.join(", ");
    let doing = format!("converting the times of {name}");
    let walk = Walk { step: &step, table: &name, key: "id", doing: &doing };
    walk.go(work, async |session, range| {
        session.run(&format!("UPDATE `{name}` SET {set} WHERE {range}")).await.map(drop)
    })
    .await
}

/// The columns of a table that hold, or held, local times.
pub(super) fn columns(journal: &Journal, table: &str) -> Vec<String> {
    let columns = journal.get(&note(table)).unwrap_or_default();
    columns.split(',').filter(|column| !column.is_empty()).map(str::to_owned).collect()
}

/// The earliest and the latest time in any of the columns.
async fn span(
    work: &mut Work<'_, '_>,
    table: &str,
    columns: &[String],
) -> Result<Option<(NaiveDateTime, NaiveDateTime)>, Error> {
    let mut times = Vec::new();
    for column in columns {
        let sql = format!(
            "SELECT MIN(`{column}`), MAX(`{column}`) FROM `{table}` WHERE `{column}` >= {FIRST} AND `{column}` < {EVER}"
        );
        for pair in work.session.texts::<2>(&sql).await? {
            times.extend(pair.iter().filter_map(|text| NaiveDateTime::parse_from_str(text, FORMAT).ok()));
        }
    }
    if times.is_empty() && !columns.is_empty() {
        // There may be dates of zeros nevertheless.
        times.extend(NaiveDate::from_ymd_opt(2019, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0)));
    }
    Ok(times.iter().min().copied().zip(times.iter().max().copied()))
}

fn expression(column: &str, periods: &[Period], required: bool) -> String {
    let nothing = if required { EPOCH } else { "NULL" };
    let mut text = format!(
        "CASE WHEN `{column}` < {NOTHING} THEN {nothing} WHEN `{column}` < {FIRST} OR `{column}` >= {EVER} THEN `{column}`"
    );
    for Period { until, offset } in periods {
        let shifted = format!("`{column}` - INTERVAL {offset} SECOND");
        text += &match until {
            Some(until) => format!(" WHEN `{column}` < '{until}' THEN {shifted}"),
            None => format!(" ELSE {shifted} END"),
        };
    }
    text
}

/// A UTC time as a column takes it.
pub(super) fn text(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// The zone that a journal names.
pub(super) fn zone_of(journal: &Journal) -> Option<Zone> {
    journal.get(super::journal::ZONE)?.parse().ok()
}
