//! Cutting text to what a platform carries.

/// Splits `text` into pieces of at most `units` UTF-16 units, after white space where there is any in
/// the last half of a piece, and never inside a character. Joined, the pieces give the text again.
pub fn split_utf16(text: &str, units: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(cut(rest, units.max(2)));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// Length in UTF-16 units, the larger of the two ways in which platforms count characters.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest prefix of at most `units` UTF-16 units.
pub fn truncate_utf16(text: &str, units: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.len_utf16();
        used > units
    });
    end.map_or(text, |(at, _)| &text[..at])
}

fn cut(text: &str, units: usize) -> usize {
    let longest = truncate_utf16(text, units);
    if longest.len() == text.len() {
        return text.len();
    }
    let space = longest.char_indices().rev().find(|(_, c)| c.is_whitespace());
    match space {
        Some((at, c)) if at + c.len_utf8() > longest.len() / 2 => at + c.len_utf8(),
        _ => longest.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fit_and_join_to_the_text_again() {
        for text in
            ["", "a", &"word ".repeat(900), &"\u{1F600}".repeat(3000), &"x".repeat(9001), "a\u{1F600}b"]
        {
            for units in [2, 3, 4000, 4096] {
                let pieces = split_utf16(text, units);
                assert_eq!(pieces.concat(), text);
                assert!(pieces.iter().all(|piece| utf16_len(piece) <= units && !piece.is_empty()));
            }
        }
    }

    #[test]
    fn a_cut_falls_after_a_space_when_one_is_near() {
        assert_eq!(split_utf16("hello brave world", 13), ["hello brave ", "world"]);
    }
}
