use super::*;

const PATH: &str = "/service/Method";

fn key(secret: &str) -> Key {
    Key::new(&Secret::new(secret))
}

fn here() -> SocketAddr {
    "127.0.0.1:5000".parse().unwrap()
}

#[test]
fn a_call_is_let_in_once_and_answered_by_proof() {
    let now = Instant::now();
    let mut gate = Gate::new(key("one"), here(), now);
    let claim = claim(&key("one"), gate.challenge(now), here(), PATH);
    let text = claim.text.clone();
    let answer = gate.admit(&text, PATH, now).unwrap();
    assert!(claim.accepts(&answer));
    assert_eq!(gate.admit(&text, PATH, now), Err(Refusal::Replayed));
}

#[test]
fn a_proof_is_for_one_secret_one_path_and_one_server() {
    let now = Instant::now();
    let mut gate = Gate::new(key("one"), here(), now);
    let challenge = gate.challenge(now);
    let elsewhere = "127.0.0.1:5001".parse().unwrap();
    for (claim, path) in [
        (claim(&key("two"), challenge, here(), PATH), PATH),
        (claim(&key(""), challenge, here(), PATH), PATH),
        (claim(&key("one"), challenge, elsewhere, PATH), PATH),
        (claim(&key("one"), challenge, here(), PATH), "/service/Other"),
    ] {
        assert_eq!(gate.admit(&claim.text, path, now), Err(Refusal::Stranger));
    }
    let good = claim(&key("one"), challenge, here(), PATH);
    for at in 0..good.text.len() {
        let mut text = good.text.clone().into_bytes();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(gate.admit(&String::from_utf8(text).unwrap(), PATH, now), Err(Refusal::Stranger), "{at}");
    }
    for text in ["", ".", "..", "a.b.c", &"0".repeat(32), &format!("{0}.{0}.{0}{0}", "+".repeat(32)), "ü.ü.ü"] {
        assert_eq!(gate.admit(text, PATH, now), Err(Refusal::Stranger), "{text}");
    }
    assert!(gate.admit(&good.text, PATH, now).is_ok());
}

#[test]
fn only_who_knows_the_secret_can_answer() {
    let now = Instant::now();
    let mut server = Gate::new(key("one"), here(), now);
    let mut stranger = Gate::new(key("two"), here(), now);
    let first = claim(&key("one"), server.challenge(now), here(), PATH);
    let echoed = first.text.rsplit('.').next().unwrap().to_owned();
    assert!(!first.accepts(&echoed), "its own proof");
    let second = claim(&key("one"), server.challenge(now), here(), PATH);
    let of_another = claim(&key("one"), server.challenge(now), here(), PATH);
    let answer = server.admit(&of_another.text, PATH, now).unwrap();
    assert!(!second.accepts(&answer), "the answer to another call");
    let third = claim(&key("two"), stranger.challenge(now), here(), PATH);
    let answer = stranger.admit(&third.text, PATH, now).unwrap();
    assert!(!claim(&key("one"), stranger.challenge(now), here(), PATH).accepts(&answer));
}

#[test]
fn a_challenge_is_taken_a_while_longer_than_it_is_given_out() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut gate = Gate::new(key("one"), here(), start);
    let first = gate.challenge(start);
    let call = |challenge| claim(&key("one"), challenge, here(), PATH);
    assert_eq!(gate.challenge(at(59)), first);
    let second = gate.challenge(at(61));
    assert_ne!(first, second);
    let (late, too_late) = (call(first), call(first));
    assert!(gate.admit(&late.text, PATH, at(110)).is_ok());
    assert_eq!(gate.admit(&late.text, PATH, at(111)), Err(Refusal::Replayed));
    assert_eq!(gate.admit(&too_late.text, PATH, at(121)), Err(Refusal::Stale));
    assert!(gate.admit(&call(second).text, PATH, at(121)).is_ok());
    assert_eq!(gate.admit(&call(second).text, PATH, at(1000)), Err(Refusal::Stale));
}

#[test]
fn a_restarted_server_takes_no_call_of_its_former_life() {
    let now = Instant::now();
    let mut gate = Gate::new(key("one"), here(), now);
    let claim = claim(&key("one"), gate.challenge(now), here(), PATH);
    let mut restarted = Gate::new(key("one"), here(), now);
    assert_eq!(restarted.admit(&claim.text, PATH, now), Err(Refusal::Stale));
    assert!(gate.admit(&claim.text, PATH, now).is_ok());
}

#[test]
fn the_list_of_used_nonces_is_bounded() {
    let now = Instant::now();
    let mut gate = Gate::new(key("one"), here(), now);
    let first = gate.challenge(now);
    gate.present.used.extend(0..CALLS_MAX as u128);
    assert_ne!(gate.challenge(now), first);
    let late = claim(&key("one"), first, here(), PATH);
    assert_eq!(gate.admit(&late.text, PATH, now), Err(Refusal::Stale));
}

#[test]
fn a_key_shows_nothing() {
    assert_eq!(format!("{:?}", key("tiger")), "Key");
}
