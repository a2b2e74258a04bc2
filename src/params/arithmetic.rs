//! Whole-number arithmetic: the `12*1` of `add_months(yyyyMMdd,12*1)`.

/// Deeper parentheses are no arithmetic that anyone wrote.
const DEEPEST: usize = 50;

/// The value of an expression of `+ - * / ( )` and whole numbers; division truncates.
///
/// A sign binds to the number or parenthesis after it, so `-12+1` is −11. (In the original it binds weakest, and
/// `-12+1` is −13.) `None` for anything else, for a division by zero and for what does not fit into 64 bits.
pub(super) fn evaluate(text: &str) -> Option<i64> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.sum()?;
    reader.rest.trim_start().is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        while let Some(operator) = self.accept(&['+', '-']) {
            let next = self.product()?;
            value = if operator == '+' { value.checked_add(next)? } else { value.checked_sub(next)? };
        }
        Some(value)
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.factor()?;
        while let Some(operator) = self.accept(&['*', '/']) {
            let next = self.factor()?;
            value = if operator == '*' { value.checked_mul(next)? } else { value.checked_div(next)? };
        }
        Some(value)
    }

    fn factor(&mut self) -> Option<i64> {
        let mut negative = false;
        while let Some(sign) = self.accept(&['+', '-']) {
            negative ^= sign == '-';
        }
        let value = if self.accept(&['(']).is_some() { self.parenthesis()? } else { self.number()? };
        if negative { value.checked_neg() } else { Some(value) }
    }

    fn parenthesis(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = self.sum()?;
        self.accept(&[')'])?;
        self.depth -= 1;
        Some(value)
    }

    fn number(&mut self) -> Option<i64> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok()
    }

    /// Takes one of these signs, if it comes next; blanks do not matter.
    fn accept(&mut self, signs: &[char]) -> Option<char> {
        self.rest = self.rest.trim_start();
        let sign = self.rest.chars().next().filter(|next| signs.contains(next))?;
        self.rest = &self.rest[sign.len_utf8()..];
        Some(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_computed_as_at_school() {
        for (text, expected) in [
            ("7", 7),
            (" 7 ", 7),
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("10-3-2", 5),
            ("7/2", 3),
            ("-7/2", -3),
            ("1440*(1)/24/60*30", 30),
            ("2*-3", -6),
            ("- -3", 3),
            ("-(1+2)", -3),
            ("0012", 12),
        ] {
            assert_eq!(evaluate(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn f5_a_sign_binds_to_its_number() {
        assert_eq!(evaluate("-12+1"), Some(-11));
        assert_eq!(evaluate("-12*1"), Some(-12));
        assert_eq!(evaluate("+2-1"), Some(1));
    }

    #[test]
    fn what_is_no_arithmetic_has_no_value() {
        for text in ["", " ", "x", "1x", "1 2", "1+", "*1", "(1", "1)", "()", "1/0", "1/(2-2)", "1.5", "٣", "08:00"] {
            assert_eq!(evaluate(text), None, "{text}");
        }
    }

    #[test]
    fn huge_numbers_and_deep_nesting_have_no_value() {
        for text in ["9223372036854775808", "9223372036854775807+1", "9223372036854775807*2"] {
            assert_eq!(evaluate(text), None, "{text}");
        }
        assert_eq!(evaluate("(0-9223372036854775807-1)/-1"), None);
        assert_eq!(evaluate(&format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000))), None);
        assert_eq!(evaluate(&format!("{}1", "-".repeat(100_000))), Some(1));
    }
}
