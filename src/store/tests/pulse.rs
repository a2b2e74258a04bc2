//! The database tells how it is, on every kind of it.

use super::place::store;

#[tokio::test]
async fn it_counts_its_connections_and_answers_until_it_is_closed() {
    let store = store!();
    let pulse = store.pulse().await.unwrap();
    let (most, open, running) = (pulse.most.unwrap(), pulse.open.unwrap(), pulse.running.unwrap());
    assert!(open >= 1 && most >= open && running <= open, "{pulse:?}");
    assert!(pulse.peak.is_none_or(|peak| peak >= open && peak <= most + 1), "{pulse:?}");
    store.ping().await.unwrap();
    store.clone().close().await;
    assert!(store.ping().await.is_err() && store.pulse().await.is_err());
}
