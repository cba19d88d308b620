//! Names that Bitrix24 takes: letters, spaces, `-` and `'`, at most 25 of them.

use handoff_sdk::model::Person;

/// Longest first or last name.
const LONGEST: usize = 25;

/// First and last name of a person.
pub(crate) fn of(person: &Person) -> (String, String) {
    let whole = person.name.as_deref().unwrap_or_default();
    let (first, last) = whole.trim().split_once(char::is_whitespace).unwrap_or((whole.trim(), ""));
    match (fitting(first), fitting(last)) {
        (first, last) if first.is_empty() && last.is_empty() => ("Guest".to_owned(), String::new()),
        (first, last) if first.is_empty() => (last, String::new()),
        both => both,
    }
}

fn fitting(name: &str) -> String {
    let allowed = |c: &char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'');
    let fits: String = name.chars().filter(allowed).take(LONGEST).collect();
    fits.trim_matches([' ', '-', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_bitrix24_takes() {
        let cases = [
            (Some("Ann Lee"), ("Ann", "Lee")),
            (Some("Jean-Luc d'Arc"), ("Jean-Luc", "d'Arc")),
            (Some("R2-D2 \u{1F600}"), ("R-D", "")),
            (Some("\u{1F600} 42"), ("Guest", "")),
            (Some("123 Meier"), ("Meier", "")),
            (Some("Żółć Иванова"), ("Żółć", "Иванова")),
            (Some(&"x".repeat(40)[..]), (&"x".repeat(25)[..], "")),
            (Some(""), ("Guest", "")),
            (None, ("Guest", "")),
        ];
        for (name, (first, last)) in cases {
            let person = Person { name: name.map(str::to_owned), ..Person::default() };
            assert_eq!(of(&person), (first.to_owned(), last.to_owned()), "{name:?}");
        }
    }
}
