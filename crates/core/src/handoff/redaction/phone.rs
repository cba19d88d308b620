//! Telephone numbers, as far as they are written as such.
//!
//! A number of an order or of a customer is no telephone number, and most of those are digits without more. So this
//! takes numbers that begin with `+`, with a zero as trunk prefixes do, or that stand in groups as in North America;
//! and never a part of a longer number.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::digits::{digit, is_dash, is_space};

/// Digits of an international number (E.164), and of the shortest that is still one.
const INTERNATIONAL: std::ops::RangeInclusive<usize> = 7..=15;

/// How national numbers are written, each with the digits it may have.
static NATIONAL: LazyLock<Vec<(Regex, std::ops::RangeInclusive<usize>)>> = LazyLock::new(|| {
    let forms = [
        // 030 1234567, (0171) 123-456, 0800/123456: an area code after a zero, and the rest apart from it.
        (r"^\(?0[1-9]\d{1,4}(?:\)[ ./-]{0,2}|[ ./-]{1,3})\d{2,}(?:[ ./-]{1,3}\d{2,})*$", 8..=13),
        // 01 23 45 67 89
        (r"^\(?0[1-9]\)?(?:[ .-]\d{2}){4}$", 10..=10),
        // 01711234567
        (r"^0[1-9]\d{8,9}$", 10..=11),
        // 0049 30 1234567
        (r"^00[1-9]\d{0,2}(?:[ ./()-]{1,3}\d+)+$", 11..=17),
        // (555) 234-5678, 1-555-234-5678
        (r"^(?:1[ .-])?\(?[2-9]\d{2}(?:\)[ ./-]{0,2}|[ ./-]{1,2})[2-9]\d{2}[ .-]\d{4}$", 10..=11),
    ];
    let compiled = forms.into_iter().filter_map(|(form, digits)| Some((Regex::new(form).ok()?, digits)));
    compiled.collect()
});

/// Every telephone number.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(text) {
        for part in at_plus(text, run) {
            let place = if text[part.clone()].starts_with(['+', '＋']) {
                international(text, &part)
            } else {
                national(text, part)
            };
            found.extend(place);
        }
    }
    found
}

/// Stretches of digits and of what is written between those of one number.
fn runs(text: &str) -> Vec<Range<usize>> {
    let belongs = |c: char| {
        digit(c).is_some() || is_space(c) || is_dash(c) || matches!(c, '+' | '＋' | '(' | ')' | '.' | '/')
    };
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| belongs(*c)) {
        match runs.last_mut().filter(|run| run.end == at) {
            Some(run) => run.end = at + c.len_utf8(),
            None => runs.push(at..at + c.len_utf8()),
        }
    }
    runs
}

/// A stretch in parts: a plus begins a number of its own.
fn at_plus(text: &str, run: Range<usize>) -> Vec<Range<usize>> {
    let mut begins = vec![run.start];
    begins.extend(text[run.clone()].match_indices(['+', '＋']).map(|(at, _)| run.start + at));
    begins.push(run.end);
    begins.windows(2).map(|ends| ends[0]..ends[1]).filter(|part| !part.is_empty()).collect()
}

/// The number that begins with this plus: as many whole groups as it can have.
fn international(text: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let joined = text[..part.start].chars().next_back().is_some_and(char::is_alphanumeric);
    let (mut digits, mut first, mut end, mut fits) = (0, None, part.start, None);
    for (at, c) in text[part.clone()].char_indices() {
        if let Some(value) = digit(c) {
            first.get_or_insert(value);
            digits += 1;
            end = part.start + at + c.len_utf8();
        } else if INTERNATIONAL.contains(&digits) {
            fits = Some(end);
        }
    }
    if INTERNATIONAL.contains(&digits) {
        fits = Some(end);
    }
    fits.filter(|_| !joined && first != Some(0)).map(|end| part.start..end)
}

/// The whole stretch, if it is written as a number is.
fn national(text: &str, part: Range<usize>) -> Option<Range<usize>> {
    let inner = text[part.clone()].trim_matches(|c| digit(c).is_none() && c != '(');
    let start = part.start + text[part.clone()].find(inner)?;
    let place = start..start + inner.len();
    let plain = plain(inner);
    let digits = plain.chars().filter(char::is_ascii_digit).count();
    let fits = |(form, counts): &(Regex, std::ops::RangeInclusive<usize>)| {
        counts.contains(&digits) && form.is_match(&plain)
    };
    (stands_alone(text, &place) && NATIONAL.iter().any(fits)).then_some(place)
}

/// The same in Latin digits, with plain spaces and dashes.
fn plain(number: &str) -> String {
    let one = |c: char| match digit(c) {
        Some(value) => char::from(b'0' + value),
        None if is_space(c) => ' ',
        None if is_dash(c) => '-',
        None => c,
    };
    number.chars().map(one).collect()
}

/// Whether nothing is joined to it that makes it a part of something else: `AB-030 1234567`, `#030 1234567`, `€0…`.
fn stands_alone(text: &str, place: &Range<usize>) -> bool {
    let letter = |c: char| c.is_alphanumeric();
    let joins = |c: char| is_dash(c) || c == '/';
    let mut before = text[..place.start].chars().rev();
    let alone_before = match (before.next(), before.next()) {
        (Some(c), _) if letter(c) || "#_=&%@\\$€£".contains(c) => false,
        (Some(c), Some(next)) if joins(c) && letter(next) => false,
        _ => true,
    };
    let mut after = text[place.end..].chars();
    let alone_after = match (after.next(), after.next()) {
        (Some(c), _) if letter(c) || "_@".contains(c) => false,
        (Some(c), Some(next)) if joins(c) && letter(next) => false,
        _ => true,
    };
    alone_before && alone_after
}
