//! The log of a DEPENDENT node, made of what its row holds.

use crate::dependency::{Report, Verdict};
use crate::model::{TaskId, Time};
use crate::store::TaskPlace;
use chrono::DateTime;
use chrono_tz::Tz;

/// One line for each item; those that are decided end as the original's do, which other programs look for
/// (`EasyScheduler 1.0.1: dependent item complete`).
pub fn dependent_log(id: TaskId, task: &TaskPlace, zone: Tz) -> String {
    let Some(report) = task.dependent_result.as_deref().and_then(Report::read) else { return String::new() };
    let ids = [task.process_definition_id, task.process_instance_id].map(Option::unwrap_or_default);
    let app = format!("[taskAppId=TASK_{}_{}_{id}]", ids[0], ids[1]);
    let mut log = report.problem.map(|problem| format!("[ERROR] {app} {problem}\n")).unwrap_or_default();
    for item in &report.items {
        let at = shown(item.at, zone);
        log += &format!("[INFO] {at} - {app} {}\n", item.text);
        if item.result != Verdict::Waiting {
            let result = serde_json::to_string(&item.result).unwrap_or_default();
            let result = result.trim_matches('"');
            log += &format!("[INFO] {at} - {app} dependent item complete :|| {},{result}\n", item.key);
        }
    }
    log
}

fn shown(at: Time, zone: Tz) -> String {
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependency::ItemReport;

    #[test]
    fn every_item_has_its_line_and_a_decided_one_the_line_of_the_original() {
        let item =
            |key: &str, result, text: &str| ItemReport { key: key.into(), result, text: text.into(), at: Time(1) };
        let items = vec![
            item("5-ALL-day-today", Verdict::Success, "the run succeeded"),
            item("6-a-day-today", Verdict::Waiting, "there is no run yet"),
        ];
        let place = TaskPlace {
            task_type: Some("DEPENDENT".into()),
            process_definition_id: Some(1),
            process_instance_id: Some(2),
            host: None,
            log_path: None,
            dependent_result: Some(Report { problem: None, items }.text()),
        };
        assert_eq!(
            dependent_log(TaskId(3), &place, Tz::UTC),
            "[INFO] 1970-01-01 00:00:00.001 - [taskAppId=TASK_1_2_3] the run succeeded\n\
             [INFO] 1970-01-01 00:00:00.001 - [taskAppId=TASK_1_2_3] dependent item complete :|| 5-ALL-day-today,SUCCESS\n\
             [INFO] 1970-01-01 00:00:00.001 - [taskAppId=TASK_1_2_3] there is no run yet\n"
        );
    }
}
