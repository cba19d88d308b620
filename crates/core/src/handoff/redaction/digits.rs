//! Digits as people write them: in several scripts, with spaces and dashes between them.

/// The zeros of scripts whose digits people type: Latin, Arabic, Persian, Devanagari, Bengali, full width.
const ZEROS: [char; 6] = ['0', '٠', '۰', '०', '০', '０'];

/// The value of a digit.
pub(super) fn digit(c: char) -> Option<u8> {
    let above = |zero: &char| (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10);
    ZEROS.iter().find_map(above).and_then(|value| u8::try_from(value).ok())
}

/// A space within a line, also one without width.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{a0}' | '\u{2000}'
            ..='\u{200d}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
    )
}

/// A dash of any length.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}')
}
