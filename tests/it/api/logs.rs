//! Task logs.

use super::Stage;
use escheduler::model::State;
use sea_orm::ActiveValue::Set;

fn lines(stage: &Stage, task: i32, skip: &str, limit: &str) -> serde_json::Value {
    let form = [("taskInstId", &*task.to_string()), ("skipLineNum", skip), ("limit", limit)];
    stage.alice.get("log/detail", &form).data()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_shown_with_their_ends_and_none_is_empty_text() {
    let Some(stage) = Stage::new().await else { return };
    assert_eq!(lines(&stage, stage.task, "0", "10000"), "one\r\ntwo\r\nthree\r\n");
    assert_eq!(lines(&stage, stage.task, "1", "1"), "two\r\n");
    assert_eq!(lines(&stage, stage.task, "3", "10000"), "");
    assert_eq!(lines(&stage, stage.task, "-1", "1"), "one\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_shows_what_it_has_written_so_far() {
    let Some(stage) = Stage::new().await else { return };
    let path = stage.world.logs.path().join("2.log");
    let task =
        stage.task(stage.running, "slow", State::Running, |row| row.log_path = Set(Some("2.log".to_owned()))).await;
    std::fs::write(&path, "begun\n").unwrap();
    assert_eq!(lines(&stage, task, "0", "10000"), "begun\r\n");
    std::fs::write(&path, "begun\nhalf way\n").unwrap();
    assert_eq!(lines(&stage, task, "1", "10000"), "half way\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_has_not_started_has_no_log() {
    let Some(stage) = Stage::new().await else { return };
    let detail = |task: i32| {
        let form = [("taskInstId", &*task.to_string()), ("skipLineNum", "0"), ("limit", "1")];
        stage.alice.get("log/detail", &form).code()
    };
    let waiting = stage.task(stage.running, "waits", State::Submitted, |row| row.host = Set(None)).await;
    let gone = stage.task(stage.ended, "gone", State::Success, |row| row.log_path = Set(Some("gone".to_owned()))).await;
    assert_eq!((detail(waiting), detail(gone), detail(999)), (10008, 10103, 10103));
    let download = |task: i32| {
        let answer = stage.alice.get("log/download-log", &[("taskInstId", &task.to_string())]);
        (answer.status, answer.header("content-type").to_owned(), answer.bytes.is_empty())
    };
    for task in [waiting, gone, 999] {
        assert_eq!(download(task), (400, "text/plain;charset=UTF-8".to_owned(), false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_the_log_byte_by_byte() {
    let Some(stage) = Stage::new().await else { return };
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(stage.world.logs.path().join("1.log"), &bytes).unwrap();
    let answer = stage.alice.get("log/download-log", &[("taskInstId", &stage.task.to_string())]);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/octet-stream"));
    let name = answer.header("content-disposition").strip_prefix("attachment; filename=\"").unwrap();
    let digits = name.strip_suffix(".queryLog\"").unwrap();
    assert!(digits.len() == 13 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    assert!(answer.bytes == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_is_an_empty_file() {
    let Some(stage) = Stage::new().await else { return };
    std::fs::write(stage.world.logs.path().join("1.log"), "").unwrap();
    let answer = stage.alice.get("log/download-log", &[("taskInstId", &stage.task.to_string())]);
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    assert_eq!(lines(&stage, stage.task, "0", "1"), "");
}
