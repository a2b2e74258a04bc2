//! Known mistakes that the simulator switches on to prove that it would find them. None is ever on by itself.

use std::cell::Cell;

thread_local! {
    static MISTAKE: Cell<&'static str> = const { Cell::new("") };
}

/// Switches one mistake on for this thread, or all off (`""`).
pub fn plant(mistake: &'static str) {
    MISTAKE.set(mistake);
}

/// Whether this mistake is to be made.
pub fn is(mistake: &str) -> bool {
    MISTAKE.get() == mistake
}
