//! Numbers of payment cards.

use std::ops::Range;

use super::digits::{digit, is_dash, is_space};

/// Digits of a card number (ISO/IEC 7812).
const FEWEST: usize = 13;
const MOST: usize = 19;
/// Spaces and dashes between two groups at most.
const WIDEST_GAP: usize = 3;

/// Digits that stand together.
struct Group {
    place: Range<usize>,
    digits: Vec<u8>,
}

/// Every card number: 13 to 19 digits, alone or in groups with spaces or dashes between them, with a right check digit.
/// Digits that stand together belong together: a part of them is no card number.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(text) {
        let mut from = 0;
        while from < run.len() {
            match longest(&run[from..]) {
                Some(groups) => {
                    found.push(run[from].place.start..run[from + groups - 1].place.end);
                    from += groups;
                }
                None => from += 1,
            }
        }
    }
    found
}

/// How many of the first groups are one card number.
fn longest(groups: &[Group]) -> Option<usize> {
    let (mut digits, mut fits) = (Vec::with_capacity(MOST), None);
    for (at, group) in groups.iter().enumerate() {
        digits.extend_from_slice(&group.digits);
        if digits.len() > MOST {
            break;
        }
        if digits.len() >= FEWEST && has_right_check_digit(&digits) {
            fits = Some(at + 1);
        }
    }
    fits
}

/// The check digit of Luhn.
fn has_right_check_digit(digits: &[u8]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(at, digit)| match (at % 2, digit * 2) {
        (0, _) => u32::from(*digit),
        (_, doubled @ 10..) => u32::from(doubled - 9),
        (_, doubled) => u32::from(doubled),
    });
    weighed.sum::<u32>() % 10 == 0
}

/// Groups of digits that only spaces and dashes part.
fn runs(text: &str) -> Vec<Vec<Group>> {
    let (mut runs, mut run, mut gap) = (Vec::new(), Vec::<Group>::new(), 0);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match digit(c) {
            Some(digit) => {
                match run.last_mut().filter(|_| gap == 0) {
                    Some(group) => {
                        group.place.end = end;
                        group.digits.push(digit);
                    }
                    None => run.push(Group { place: at..end, digits: vec![digit] }),
                }
                gap = 0;
            }
            None if (is_space(c) || is_dash(c)) && gap < WIDEST_GAP => gap += 1,
            None => {
                runs.push(std::mem::take(&mut run));
                gap = 0;
            }
        }
    }
    runs.push(run);
    runs
}
