//! Names compare exactly, searches do not; the same on every database.

use super::place::store;
use crate::model::{Time, UserId, UserType};
use crate::store::{Account, Error, NewProject, Page, Store};

async fn create(store: &Store, name: &str) -> Result<(), Error> {
    let new = NewProject { name: name.to_owned(), desc: None, owner: UserId(1), at: Time(0) };
    store.create_project(new).await.map(drop)
}

async fn search(store: &Store, text: &str) -> Vec<String> {
    let admin = Account { id: UserId(1), name: "admin".to_owned(), kind: UserType::Admin };
    let found = store.projects(&admin, text, Page { number: 1, size: 100 }).await.unwrap();
    let mut names: Vec<_> = found.rows.into_iter().map(|row| row.name.unwrap_or_default()).collect();
    assert_eq!(found.total, names.len() as u64);
    names.sort();
    names
}

#[tokio::test]
async fn names_that_differ_in_case_accents_or_blanks_are_different_names() {
    let store = store!();
    for name in ["sales", "Sales", "sáles", "sales ", " sales", "日报", "日報", "🦀", "🐍"] {
        create(&store, name).await.unwrap();
        assert!(matches!(create(&store, name).await, Err(Error::Conflict(_))), "{name} twice");
    }
}

#[tokio::test]
async fn searches_ignore_case_and_take_every_letter_for_itself() {
    let store = store!();
    for name in ["Daily_Sales", "daily sales", "100%", "100", "a!b", r"a\b", "日报🦀"] {
        create(&store, name).await.unwrap();
    }
    for (text, found) in [
        ("DAILY", &["Daily_Sales", "daily sales"][..]),
        ("_", &["Daily_Sales"]),
        ("%", &["100%"]),
        ("!", &["a!b"]),
        (r"\", &[r"a\b"]),
        ("报🦀", &["日报🦀"]),
        ("sales ", &[]),
        ("'", &[]),
    ] {
        assert_eq!(search(&store, text).await, found, "{text}");
    }
    assert_eq!(search(&store, "").await.len(), 7);
}
