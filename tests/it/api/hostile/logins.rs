//! Many log-ins at once, right and wrong ones.

use super::grounds::{Grounds, post};
use super::wire::Answer;
use serde_json::Value;

const AT_ONCE: usize = 200;

#[test]
fn two_hundred_log_ins_at_once_are_all_answered() {
    let Some(grounds) = Grounds::new() else { return };
    let address = grounds.address();
    let answers: Vec<(usize, Answer)> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || (number, attempt(address, number)))).collect();
        all.into_iter().map(|one| one.join().expect("it was sent")).collect()
    });
    for (number, answer) in &answers {
        let Answer::Http { status: 200, body, .. } = answer else { panic!("log-in {number}: {answer:?}") };
        let answer: Value = serde_json::from_slice(body).expect("an envelope");
        let right = number % 2 == 0;
        assert_eq!(answer["code"], if right { 0 } else { 10013 }, "log-in {number}: {answer}");
        assert_eq!(answer["data"].is_string(), right);
    }
}

/// Every other one knows the password.
fn attempt(address: &str, number: usize) -> Answer {
    let form = match number % 4 {
        0 | 2 => "userName=admin&userPassword=escheduler123".to_owned(),
        1 => "userName=admin&userPassword=wrong".to_owned(),
        _ => format!("userName=nobody{number}&userPassword=wrong"),
    };
    post(address, "", "login", &form)
}
