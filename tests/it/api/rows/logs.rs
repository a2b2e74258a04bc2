//! Task logs.

use super::case::{Row, form};
use super::scene::Scene;
use super::shape::Shape;
use escheduler::model::State;
use sea_orm::ActiveValue::Set;

pub fn rows() -> Vec<Row> {
    vec![
        row_of("GET log/detail", Shape::Text)
            .sees(|_, data| assert_eq!(data, "one\r\ntwo\r\nthree\r\n"))
            .code(10008, |scene, _| form(&[("taskInstId", &waiting(scene))]))
            .code(10103, |_, _| form(&[("taskInstId", &999)])),
        super::case::row("GET log/download-log", Shape::File, |scene, _| form(&[("taskInstId", &scene.task)])),
    ]
}

fn row_of(name: &'static str, shape: Shape) -> Row {
    let right = |scene: &Scene, _| form(&[("taskInstId", &scene.task), ("skipLineNum", &0), ("limit", &100)]);
    super::case::row(name, shape, right)
}

/// A task that has not started.
fn waiting(scene: &Scene) -> i32 {
    scene.wait(scene.task(scene.running, "waits", State::Submitted, |row| row.host = Set(None)))
}
