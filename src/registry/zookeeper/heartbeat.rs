//! The text that monitors read: six fields, separated by commas (`EasyScheduler 1.0.1: heartbeat`).

use chrono::{DateTime, Local};
use std::time::Duration;
use sysinfo::System;

/// How long the processors are looked at, when they were not looked at before.
const FIRST_LOOK: Duration = Duration::from_millis(200);

/// What the fields tell of one process.
pub(super) struct Heartbeat {
    host: String,
    pid: u32,
    start: DateTime<Local>,
    /// `None` where nothing can be measured.
    machine: Option<System>,
}

impl Heartbeat {
    pub(super) fn new(host: &str, pid: u32) -> Heartbeat {
        Heartbeat { host: host.to_owned(), pid, start: Local::now(), machine: System::new().ok() }
    }

    /// The load of the processors is that since the last call.
    pub(super) async fn text(&mut self) -> String {
        let Some(machine) = &mut self.machine else { return self.fields(0.0, 0.0, Local::now()) };
        if machine.cpus().is_empty() {
            machine.refresh_cpu_usage();
            tokio::time::sleep(FIRST_LOOK).await;
        }
        machine.refresh_cpu_usage();
        machine.refresh_memory();
        let (load, memory) = (f64::from(machine.global_cpu_usage()) / 100.0, memory(machine));
        self.fields(load, memory, Local::now())
    }

    fn fields(&self, load: f64, memory: f64, now: DateTime<Local>) -> String {
        let time = |at: DateTime<Local>| at.format("%Y-%m-%d %H:%M:%S").to_string();
        let (host, pid) = (&self.host, self.pid);
        format!("{host},{pid},{},{},{},{}", double(load), double(memory), time(self.start), time(now))
    }
}

/// The share of memory in use. Swap in use counts as available, as the original has it.
fn memory(machine: &System) -> f64 {
    let (total, available) = (machine.total_memory(), machine.available_memory());
    if total == 0 {
        return 0.0;
    }
    let used = total.saturating_sub(available).saturating_sub(machine.used_swap());
    used as f64 / total as f64
}

/// As Java writes a double of two decimals: `0.1`, `1.0`.
fn double(value: f64) -> String {
    format!("{:?}", (value.clamp(0.0, 1.0) * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(second: u32) -> DateTime<Local> {
        Local.with_ymd_and_hms(2019, 3, 10, 13, 5, second).unwrap()
    }

    #[test]
    fn the_text_has_the_six_fields_of_the_original() {
        let heartbeat = Heartbeat { host: "192.168.1.5".into(), pid: 23456, start: at(9), machine: None };
        let text = heartbeat.fields(0.1, 0.456, at(19));
        assert_eq!(text, "192.168.1.5,23456,0.1,0.46,2019-03-10 13:05:09,2019-03-10 13:05:19");
    }

    #[test]
    fn shares_are_written_as_java_writes_doubles() {
        for (value, text) in [(0.0, "0.0"), (0.1, "0.1"), (0.123, "0.12"), (1.0, "1.0"), (7.0, "1.0"), (-0.5, "0.0")] {
            assert_eq!(double(value), text);
        }
    }

    #[tokio::test]
    async fn a_real_machine_has_memory_in_use() {
        let text = Heartbeat::new("10.0.0.1", 1).text().await;
        let fields: Vec<&str> = text.split(',').collect();
        let memory: f64 = fields[3].parse().unwrap();
        assert!(memory > 0.0 && memory < 1.0, "{text}");
    }
}
