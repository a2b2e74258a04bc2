//! Fields that are lists: `5`, `1,2`, `MON-FRI`, `22-2`, `*/15`, `10/5`, `0-30/10`, `*`.

use super::field::Field;
use std::collections::BTreeSet;

/// The values that a list names. `text` is in capitals.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub(super) fn values(field: Field, text: &str) -> Result<BTreeSet<u32>, String> {
    let mut values = BTreeSet::new();
    for item in text.split(',') {
        add(&mut values, field, item)?;
    }
    Ok(values)
}

fn add(values: &mut BTreeSet<u32>, field: Field, item: &str) -> Result<(), String> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(number(step).ok_or_else(|| bad_step(item))?)),
        None => (item, None),
    };
    if let Some((from, to)) = range.split_once('-') {
        let ends = (value(field, from, item)?, value(field, to, item)?);
        if step.is_some() && (number(from).is_none() || number(to).is_none()) {
            return Err(format!(
                "`{item}` has a step beside names, which Quartz overlooks; write numbers: {}-{}/…",
                ends.0, ends.1
            ));
        }
        return add_range(values, field, ends, step, item);
    }
    let step = step.map(|step| checked_step(field, step, item)).transpose()?;
    let (first, last) = (*field.values().start(), *field.values().end());
    match (range, step) {
        ("*", None | Some(0)) | ("", Some(0)) => values.extend(field.values()),
        ("*" | "", Some(step)) => values.extend(stepped(first, last, step)),
        (single, None) => _ = values.insert(value(field, single, item)?),
        (single, Some(_)) if number(single).is_none() => {
            let number = value(field, single, item)?;
            return Err(format!(
                "`{item}` has a step beside a name, which Quartz overlooks; write a number: {number}/…"
            ));
        }
        // A step of nothing leads nowhere: Quartz stays at the value.
        (single, Some(0)) => _ = values.insert(value(field, single, item)?),
        (single, Some(step)) => values.extend(stepped(value(field, single, item)?, last, step)),
    }
    Ok(())
}

/// A range whose end lies before its start goes on at the field's beginning, and so does its step.
fn add_range(
    values: &mut BTreeSet<u32>,
    field: Field,
    (from, to): (u32, u32),
    step: Option<u32>,
    item: &str,
) -> Result<(), String> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(format!("the step of `{item}` is 0; it would have to be 1 or more"));
    }
    if from <= to {
        values.extend(stepped(from, to, step));
        return Ok(());
    }
    if field == Field::Year {
        return Err(format!("`{item}` ends before it begins; years do not come round again"));
    }
    let (first, last) = (*field.values().start(), *field.values().end());
    let size = last - first + 1;
    values.extend(stepped(from, to + size, step).map(|value| if value > last { value - size } else { value }));
    Ok(())
}

fn stepped(from: u32, to: u32, step: u32) -> impl Iterator<Item = u32> {
    (from..=to).step_by(step as usize)
}

fn checked_step(field: Field, step: u32, item: &str) -> Result<u32, String> {
    let longest = field.longest_step();
    if step > longest {
        return Err(format!("the step of `{item}` is longer than the field: {longest} at most"));
    }
    Ok(step)
}

/// One value, by number or by name.
pub(super) fn value(field: Field, text: &str, item: &str) -> Result<u32, String> {
    let wanted = |what: &str| format!("{what}, where {} belongs", field.expected());
    if text.is_empty() {
        return Err(match item {
            "" => wanted("there is nothing before, between or after commas"),
            _ => wanted(&format!("something is missing in `{item}`")),
        });
    }
    if let Some(number) = number(text) {
        return field.values().contains(&number).then_some(number).ok_or_else(|| wanted(&format!("`{text}`")));
    }
    let special = match text {
        "?" => Some("`?` stands alone, and only in one of the two day fields"),
        "*" => Some("`*` stands alone or before a step, as in `*/5`"),
        _ => None,
    };
    if let Some(sentence) = special {
        return Err(sentence.to_owned());
    }
    let number = field.number_of(text).ok_or_else(|| wanted(&format!("`{text}`")))?;
    if text.len() > 3 && item.len() > text.len() && item.contains('-') {
        // Quartz would take the first three letters for the whole.
        return Err(format!("names in a range have three letters: `{}` instead of `{text}`", &text[..3]));
    }
    Ok(number)
}

/// Digits and nothing else.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn bad_step(item: &str) -> String {
    format!("after the `/` of `{item}` a number belongs, as in `0/15`")
}
