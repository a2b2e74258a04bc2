//! `${name}` in a text.

use std::borrow::Cow;

/// A `${` whose `}` has not come yet.
struct Open {
    /// Where it begins in the text.
    from: usize,
    /// Where its name begins in the output.
    name: usize,
    /// How many plain `{` inside wait for their `}`.
    braces: usize,
    /// A name inside is unknown, hence so is this one.
    unknown: bool,
}

/// Replaces every `${name}` that `value` knows.
///
/// Names nest (`${${n}}`) and are expanded innermost first. Around an unknown name everything stays verbatim,
/// also what stands inside it: `${A:-${a}}` is the shell's. Braces inside a name pair up. A `${` without its `}`
/// ends the pass. Values are inserted as they are: whoever gives them has expanded them.
///
/// One walk over the text without recursion, so neither depth nor length can hurt.
pub(super) fn expand<'t, 'v, E>(
    text: &'t str,
    mut value: impl FnMut(&str) -> Result<Option<&'v str>, E>,
) -> Result<Cow<'t, str>, E> {
    let closed = &text[..first_unclosed(text).unwrap_or(text.len())];
    let mut out = String::new();
    let mut copied = 0;
    let mut open: Vec<Open> = Vec::new();
    for brace in braces(closed) {
        match (brace, open.last_mut()) {
            (Brace::Placeholder(at), _) => {
                out.push_str(&closed[copied..at]);
                copied = at + 2;
                open.push(Open { from: at, name: out.len(), braces: 0, unknown: false });
            }
            (Brace::Left, Some(inner)) => inner.braces += 1,
            (Brace::Right(_), Some(inner)) if inner.braces > 0 => inner.braces -= 1,
            (Brace::Right(at), Some(_)) => {
                let Some(ended) = open.pop() else { continue };
                out.push_str(&closed[copied..at]);
                copied = at + 1;
                let known = if ended.unknown { None } else { value(&out[ended.name..])? };
                out.truncate(ended.name);
                match (known, open.last_mut()) {
                    (Some(value), _) => out.push_str(value),
                    (None, Some(outer)) => outer.unknown = true,
                    (None, None) => copied = ended.from,
                }
            }
            (Brace::Left | Brace::Right(_), None) => {}
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    out.push_str(&text[copied..]);
    Ok(Cow::Owned(out))
}

enum Brace {
    /// `${`, with the place of the `$`.
    Placeholder(usize),
    Left,
    Right(usize),
}

/// The braces of a text from its first `${` on; what stands before does not matter.
fn braces(text: &str) -> impl Iterator<Item = Brace> {
    let start = text.find("${").unwrap_or(text.len());
    let bytes = text.as_bytes();
    text[start..].match_indices(['{', '}']).map(move |(offset, brace)| match (brace, start + offset) {
        ("{", at) if at > 0 && bytes[at - 1] == b'$' => Brace::Placeholder(at - 1),
        ("{", _) => Brace::Left,
        (_, at) => Brace::Right(at),
    })
}

/// Where the first `${` without its `}` stands.
fn first_unclosed(text: &str) -> Option<usize> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    for brace in braces(text) {
        match (brace, open.last_mut()) {
            (Brace::Placeholder(at), _) => open.push((at, 0)),
            (Brace::Left, Some((_, braces))) => *braces += 1,
            (Brace::Right(_), Some((_, braces))) if *braces > 0 => *braces -= 1,
            (Brace::Right(_), Some(_)) => {
                open.pop();
            }
            (Brace::Left | Brace::Right(_), None) => {}
        }
    }
    open.first().map(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Option<&'static str> {
        match name {
            "a" => Some("1"),
            "n" => Some("a"),
            "b{c}" => Some("braces"),
            "open" => Some("${"),
            "" => Some("nothing"),
            _ => None,
        }
    }

    fn expanded(text: &str) -> String {
        expand(text, |name| Ok::<_, ()>(value(name))).unwrap().into_owned()
    }

    /// The rules as the original's recursion has them: what the single walk must agree with.
    fn expanded_by_recursion(text: &str) -> String {
        let Some(start) = text.find("${") else { return text.to_owned() };
        let mut depth = 0;
        let end = text[start + 2..].find(|c| match c {
            '{' => {
                depth += 1;
                false
            }
            '}' if depth > 0 => {
                depth -= 1;
                false
            }
            _ => c == '}',
        });
        let Some(end) = end.map(|end| start + 2 + end) else { return text.to_owned() };
        let inserted = value(&expanded_by_recursion(&text[start + 2..end])).unwrap_or(&text[start..=end]);
        format!("{}{inserted}{}", &text[..start], expanded_by_recursion(&text[end + 1..]))
    }

    proptest::proptest! {
        #[test]
        fn the_walk_and_the_recursion_agree(text in r"(\$\{|\$|\{|\}|\$\{a\}|\$\{n\}|a|n|b\{c|é|open){0,30}") {
            proptest::prop_assert_eq!(expanded(&text), expanded_by_recursion(&text));
        }
    }

    #[test]
    fn known_names_are_replaced_and_all_else_stays() {
        for (text, expected) in [
            ("", ""),
            ("no placeholder }{ here", "no placeholder }{ here"),
            ("${a}", "1"),
            ("é${a}é${a}", "é1é1"),
            ("$${a}", "$1"),
            ("{${a}}", "{1}"),
            ("}${a}{", "}1{"),
            ("${zz} ${a}", "${zz} 1"),
            ("${${n}}", "1"),
            ("${${${n}}}", "${${${n}}}"),
            ("${b{c}}", "braces"),
            ("${A:-${a}}", "${A:-${a}}"),
            ("${A:-${a}}${a}", "${A:-${a}}1"),
            ("${${a}${zz}}${a}", "${${a}${zz}}1"),
            ("${A:-{}}${a}", "${A:-{}}1"),
            ("${#arr[@]} ${arr[$i]} ${x%.*} ${!p}", "${#arr[@]} ${arr[$i]} ${x%.*} ${!p}"),
            ("$a $$ $(ls) $((1+2)) `x`", "$a $$ $(ls) $((1+2)) `x`"),
            ("awk '{print $1}' ${a}", "awk '{print $1}' 1"),
        ] {
            assert_eq!(expanded(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unclosed_placeholder_ends_the_pass() {
        assert_eq!(expanded("${a} ${ ${a}"), "1 ${ ${a}");
        assert_eq!(expanded("${a} ${x{} ${a}"), "1 ${x{} ${a}");
        assert_eq!(expanded("${a}$"), "1$");
        assert_eq!(expanded("${"), "${");
    }

    #[test]
    fn a_value_is_not_read_again() {
        assert_eq!(expanded("${open}a}"), "${a}");
    }

    #[test]
    fn text_without_a_known_name_is_not_copied() {
        assert!(matches!(expand("${x} $y {z}", |_| Ok::<_, ()>(None)), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn neither_depth_nor_length_hurts() {
        let depth = 500_000;
        let open = "${".repeat(depth);
        assert_eq!(expanded(&open), open);
        let closed = format!("{open}a{}", "}".repeat(depth));
        assert_eq!(expanded(&closed), closed);
        let braces = format!("${{{}{}}}", "{".repeat(depth), "}".repeat(depth));
        assert_eq!(expanded(&braces), braces);
        assert_eq!(expanded(&"${a}".repeat(depth)), "1".repeat(depth));
    }
}
