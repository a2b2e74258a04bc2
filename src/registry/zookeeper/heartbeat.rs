//! The text that monitors read: six fields, separated by commas (`EasyScheduler 1.0.1: heartbeat`).

use crate::model::Time;
use crate::registry::machine::{Look, Machine};
use chrono::{DateTime, Local, NaiveDateTime};

const DATE: &str = "%Y-%m-%d %H:%M:%S";

/// What the fields tell of one process.
pub(super) struct Heartbeat {
    host: String,
    pid: u32,
    start: DateTime<Local>,
    machine: Machine,
}

impl Heartbeat {
    pub(super) fn new(host: &str, pid: u32) -> Heartbeat {
        Heartbeat { host: host.to_owned(), pid, start: Local::now(), machine: Machine::new() }
    }

    pub(super) async fn text(&mut self) -> String {
        let look = self.machine.look().await;
        self.fields(look, Local::now())
    }

    fn fields(&self, look: Look, now: DateTime<Local>) -> String {
        let time = |at: DateTime<Local>| at.format(DATE).to_string();
        let (host, pid) = (&self.host, self.pid);
        format!("{host},{pid},{},{},{},{}", double(look.cpu), double(look.memory), time(self.start), time(now))
    }
}

/// As Java writes a double of two decimals: `0.1`, `1.0`.
fn double(value: f64) -> String {
    format!("{:?}", (value.clamp(0.0, 1.0) * 100.0).round() / 100.0)
}

/// A heartbeat that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    pub host: String,
    pub pid: u32,
    pub cpu: f64,
    pub memory: f64,
    pub start: Time,
}

/// Reads the text of a node that was last written at that time. The times in it are those on the wall of its writer,
/// wherever that is; the time between them is the same everywhere.
pub(super) fn read(text: &str, written: Time) -> Option<Read> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let [host, pid, cpu, memory, start, now] = fields[..] else { return None };
    let time = |text: &str| NaiveDateTime::parse_from_str(text, DATE).ok();
    let age = time(now)?.signed_duration_since(time(start)?).num_milliseconds().max(0);
    Some(Read {
        host: host.to_owned(),
        pid: pid.parse().ok()?,
        cpu: cpu.parse().ok()?,
        memory: memory.parse().ok()?,
        start: Time(written.0.saturating_sub(age)),
    })
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
        let heartbeat = Heartbeat { host: "192.168.1.5".into(), pid: 23456, start: at(9), machine: Machine::new() };
        let text = heartbeat.fields(Look { cpu: 0.1, memory: 0.456, load: 3.0 }, at(19));
        assert_eq!(text, "192.168.1.5,23456,0.1,0.46,2019-03-10 13:05:09,2019-03-10 13:05:19");
    }

    #[test]
    fn shares_are_written_as_java_writes_doubles() {
        for (value, text) in [(0.0, "0.0"), (0.1, "0.1"), (0.123, "0.12"), (1.0, "1.0"), (7.0, "1.0"), (-0.5, "0.0")] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn a_text_is_read_wherever_it_was_written() {
        let text = "192.168.1.5,23456,0.1,0.46,2019-03-10 13:05:09,2019-03-10 13:05:19";
        let read = read(text, Time(1_000_000)).unwrap();
        let expected = Read { host: "192.168.1.5".into(), pid: 23456, cpu: 0.1, memory: 0.46, start: Time(990_000) };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_no_heartbeat_is_left_out() {
        for text in ["", "a", "a,b,c,d,e,f", "h,1,0.1,0.1,2019-03-10 13:05:09", "h,1,0.1,0.1,yesterday,now"] {
            assert_eq!(read(text, Time(0)), None, "{text}");
        }
    }
}
