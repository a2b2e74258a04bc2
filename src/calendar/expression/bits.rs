//! Sets of small numbers.

/// The smallest member that is `from` or more.
pub(super) fn at_or_after(bits: u64, from: u32) -> Option<u32> {
    let rest = bits.checked_shr(from).unwrap_or(0);
    (rest != 0).then(|| from + rest.trailing_zeros())
}

pub(super) fn of(values: impl IntoIterator<Item = u32>) -> u64 {
    values.into_iter().fold(0, |bits, value| bits | 1_u64.checked_shl(value).unwrap_or(0))
}
