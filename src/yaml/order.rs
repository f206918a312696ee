//! The order in which go-yaml writes the keys of a map: letters after the rest, numbers by size.

use std::cmp::Ordering;

/// Which of go-yaml's two orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Version 2: toYaml.
    V2,
    /// Version 3: toYamlPretty.
    V3,
}

/// Sorts keys. The order of go-yaml is not transitive for some odd keys; the standard library's sort
/// may panic then, so this is a merge sort of our own.
pub(super) fn sort<T>(items: Vec<(&str, T)>, order: Order) -> Vec<(&str, T)> {
    if items.len() < 2 {
        return items;
    }
    let mut left = items;
    let right = left.split_off(left.len() / 2);
    let (left, right) = (sort(left, order), sort(right, order));
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let next = if compare(r.0, l.0, order) == Ordering::Less {
            right.next()
        } else {
            left.next()
        };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn compare(a: &str, b: &str, order: Order) -> Ordering {
    let mut digits_before = false;
    // Whether the digits before this place are more than zeros.
    let mut number_before = false;
    let (mut left, mut right) = (a.chars(), b.chars());
    loop {
        let (rest_a, rest_b) = (left.as_str(), right.as_str());
        let (x, y) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => (x, y),
        };
        if x == y {
            digits_before = x.is_numeric();
            number_before = digits_before && (number_before || x != '0');
            continue;
        }
        return match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => x.cmp(&y),
            (false, false) => numbers(rest_a, rest_b, number_before).then_with(|| x.cmp(&y)),
            (letter, _) if digits_before && order == Order::V3 => less_if(letter),
            (_, letter) => less_if(letter),
        };
    }
}

fn less_if(less: bool) -> Ordering {
    if less {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// Compares the digits at the start of both by value, then by length.
fn numbers(a: &str, b: &str, number_before: bool) -> Ordering {
    let carried = (a.starts_with('0') || b.starts_with('0')) && number_before;
    let read = |text: &str| {
        text.chars().take_while(|c| c.is_numeric()).fold(
            (i64::from(carried), 0usize),
            |(n, len), c| {
                let digit = i64::from(u32::from(c)) - i64::from(u32::from('0'));
                (n.wrapping_mul(10).wrapping_add(digit), len + 1)
            },
        )
    };
    read(a).cmp(&read(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &[&'static str], order: Order) -> Vec<&'static str> {
        let pairs = keys.iter().map(|k| (*k, ())).collect();
        sort(pairs, order).into_iter().map(|(k, ())| k).collect()
    }

    #[test]
    fn numbers_sort_by_size_and_letters_last() {
        let keys = [
            "a10", "a2", "a1", "B", "b", "_", "1", "10", "2", "a-b", "ab", "a.b", "",
        ];
        assert_eq!(
            sorted(&keys, Order::V2),
            [
                "", "_", "1", "2", "10", "B", "a-b", "a.b", "a1", "a2", "a10", "ab", "b"
            ]
        );
    }

    #[test]
    fn the_versions_differ_after_digits() {
        let keys = ["a1b", "a1-", "a1.", "a12"];
        assert_eq!(sorted(&keys, Order::V3)[0], "a1b");
        assert_eq!(sorted(&keys, Order::V2)[3], "a1b");
    }
}
