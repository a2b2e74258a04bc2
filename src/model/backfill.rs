//! Past dates for which a definition runs (`EasyScheduler 1.0.1: complement data`).

use super::codes::*;
use super::ids::*;
use super::run::{Command, param};
use super::time::Time;
use chrono_tz::Tz;

/// A definition that is to run for each of some business dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfill {
    /// What each date's run is like.
    pub template: Command,
    /// The schedule whose fire times the dates are; `None`: every day.
    pub schedule: Option<ScheduleId>,
    /// The zone that the dates are meant in.
    pub zone: Tz,
    pub mode: RunMode,
    /// How many dates run at once.
    pub parallelism: i32,
    pub order: DateOrder,
}

impl Backfill {
    /// The wish for one of its dates.
    pub fn command(&self, id: BackfillId, date: Time, now: Time) -> Command {
        Command {
            kind: CommandType::Complement,
            param: with_date(&self.template.param, &date.on_the_clock_of(self.zone)),
            schedule_time: Some(date),
            created_at: now,
            backfill: Some(id),
            zone: Some(self.zone.name().to_owned()),
            ..self.template.clone()
        }
    }
}

/// The parameters with the date that the run is for, where front-ends look for it.
fn with_date(text: &str, date: &str) -> String {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    for key in [param::FIRST_DATE, param::LAST_DATE] {
        members.insert(key.to_owned(), date.into());
    }
    serde_json::Value::from(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_wish_of_its_own() {
        let template = Command {
            param: r#"{"StartNodeNameList":"a,b"}"#.to_owned(),
            priority: Priority::Lowest,
            ..Command::start(DefinitionId(7), UserId(3))
        };
        let zone = Tz::Asia__Shanghai;
        let (mode, order) = (RunMode::Parallel, DateOrder::Ascending);
        let backfill = Backfill { template, schedule: None, zone, mode, parallelism: 2, order };
        let date = Time(1_559_318_400_000);
        let wish = backfill.command(BackfillId(5), date, Time(9));
        assert_eq!((wish.kind, wish.definition, wish.executor), (CommandType::Complement, DefinitionId(7), UserId(3)));
        assert_eq!((wish.schedule_time, wish.created_at, wish.priority), (Some(date), Time(9), Priority::Lowest));
        assert_eq!((wish.backfill, wish.zone.as_deref()), (Some(BackfillId(5)), Some("Asia/Shanghai")));
        assert_eq!(wish.param("StartNodeNameList").as_deref(), Some("a,b"));
        assert_eq!(wish.param("complementStartDate").as_deref(), Some("2019-06-01 00:00:00"));
        assert_eq!(wish.param("complementEndDate").as_deref(), Some("2019-06-01 00:00:00"));
    }
}
