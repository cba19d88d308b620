//! Whether what a person wrote fits a trigger's phrases.
//!
//! Exactly the same words fit best, then the words as part of what was said, then similar words
//! (shared groups of three letters). Case, punctuation and spacing do not count.

/// From this share of common letter groups on, in thousandths, two phrases are similar.
const SIMILAR: u32 = 600;
/// Score of the same words.
const SAME: u32 = 3000;
/// Score of the words as part of what was said; longer phrases score a little more.
const PART: u32 = 2000;
/// What was said is looked at this far, in characters.
const LONGEST: usize = 2000;

/// What a person wrote, prepared for comparing.
pub struct Spoken {
    words: String,
    grams: Vec<u32>,
}

impl Spoken {
    /// Prepares a text.
    pub fn new(text: &str) -> Self {
        let words = normalise(text);
        let grams = grams(&words);
        Self { words, grams }
    }
}

/// The phrases of a trigger, prepared for comparing.
#[derive(Debug)]
pub struct Phrases {
    wanted: Vec<(String, Vec<u32>)>,
    excluded: Vec<String>,
    approximate: bool,
}

impl Phrases {
    /// Prepares phrases.
    pub fn new(wanted: &[String], excluded: &[String], approximate: bool) -> Self {
        let wanted = wanted.iter().map(|phrase| normalise(phrase)).filter(|phrase| !phrase.is_empty());
        Self {
            wanted: wanted.map(|phrase| (phrase.clone(), grams(&phrase))).collect(),
            excluded: excluded
                .iter()
                .map(|phrase| normalise(phrase))
                .filter(|phrase| !phrase.is_empty())
                .collect(),
            approximate,
        }
    }

    /// How well a text fits; none when it does not.
    pub fn score(&self, spoken: &Spoken) -> Option<u32> {
        if self.excluded.iter().any(|phrase| contains(&spoken.words, phrase)) {
            return None;
        }
        self.wanted.iter().filter_map(|phrase| self.one(phrase, spoken)).max()
    }

    fn one(&self, (phrase, phrase_grams): &(String, Vec<u32>), spoken: &Spoken) -> Option<u32> {
        if *phrase == spoken.words {
            return Some(SAME);
        }
        if contains(&spoken.words, phrase) {
            return Some(PART + u32::try_from(phrase.len()).unwrap_or(999).min(999));
        }
        let alike = likeness(phrase_grams, &spoken.grams);
        (self.approximate && alike >= SIMILAR).then_some(alike)
    }
}

/// Lower case, letters and digits only, single spaces.
pub(crate) fn normalise(text: &str) -> String {
    let mut words = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars().take(LONGEST) {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if c != '\'' && c != '\u{2019}' && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// Whether `phrase` stands in `words` as whole words.
fn contains(words: &str, phrase: &str) -> bool {
    words.match_indices(phrase).any(|(at, found)| {
        let before = at == 0 || words.as_bytes()[at - 1] == b' ';
        let end = at + found.len();
        before && (end == words.len() || words.as_bytes()[end] == b' ')
    })
}

/// Groups of three letters as sorted numbers, words padded by spaces.
fn grams(words: &str) -> Vec<u32> {
    let padded: Vec<char> = [' '].into_iter().chain(words.chars()).chain([' ']).collect();
    let mut grams: Vec<u32> = padded
        .windows(3)
        .map(|three| {
            three.iter().fold(0x811c_9dc5, |hash: u32, c| (hash ^ u32::from(*c)).wrapping_mul(0x0100_0193))
        })
        .collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Twice the common groups over all groups, in thousandths.
fn likeness(a: &[u32], b: &[u32]) -> u32 {
    let (mut i, mut j, mut common) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    u32::try_from(2000 * common / (a.len() + b.len()).max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(wanted: &[&str]) -> Phrases {
        let wanted: Vec<_> = wanted.iter().map(|phrase| (*phrase).to_owned()).collect();
        Phrases::new(&wanted, &["not now".to_owned()], true)
    }

    fn check(phrase: &str, said: &str, fits: bool) {
        let score = phrases(&[phrase]).score(&Spoken::new(said));
        assert_eq!(score.is_some(), fits, "{phrase:?} {said:?}");
    }

    #[test]
    fn the_same_part_of_or_similar_words_fit_and_others_do_not() {
        check("talk to a human", "Talk to a human!", true);
        check("talk to a human", "please let me TALK, to a human", true);
        check("talk to a human", "talk to the human", true);
        check("talk to a human", "tlak to a human", true);
        check("talk to a human", "where is my card", false);
        check("human", "inhumane", false);
        check("talk to a human", "talk to a human, but not now", false);
        check("", "anything", false);
    }

    #[test]
    fn the_same_words_fit_better_than_a_part_and_a_part_better_than_likeness() {
        let score = |phrase: &str, said: &str| phrases(&[phrase]).score(&Spoken::new(said));
        assert_eq!(score("talk to a human", "talk to a human"), Some(3_000));
        assert_eq!(score("talk to a human", "do talk to a human"), Some(2_015));
        assert_eq!(score("human", "do talk to a human"), Some(2_005), "a longer phrase says more");
        assert_eq!(score(&"x".repeat(1_500), &format!("{} y", "x".repeat(1_500))), Some(2_999));
        // Groups of three letters: twice those in common over all of both.
        assert_eq!(score("talk to a human", "talk to the human"), Some(750));
        assert_eq!(score("human", "humans"), Some(727));
        assert_eq!(score("my card", "my cart"), Some(714));
        assert_eq!(score("talk to a human", "tlak to a human"), Some(733));
        assert_eq!(score("night", "nacht"), None);
        let exact = Phrases::new(&["human".to_owned()], &[], false);
        assert_eq!(exact.score(&Spoken::new("humans")), None, "the author wants no likeness");
        assert_eq!(exact.score(&Spoken::new("a human")), Some(2_005));
        let several = phrases(&["my order", "human", "talk to a human"]);
        assert_eq!(several.score(&Spoken::new("talk to a human now")), Some(2_015), "the best of all counts");
    }

    #[test]
    fn case_punctuation_and_spacing_do_not_count() {
        let cases = [
            ("Hello", "hello"),
            ("  hello,   World! ", "hello world"),
            ("it's", "its"),
            ("it\u{2019}s", "its"),
            ("e-mail", "e mail"),
            ("?!", ""),
            ("'a", "a"),
            ("ÄRGER 24/7", "ärger 24 7"),
        ];
        for (text, words) in cases {
            assert_eq!(normalise(text), words, "{text:?}");
        }
        assert_eq!(normalise(&"x".repeat(2_001)).len(), 2_000, "what was said is looked at this far");
    }

    #[test]
    fn a_phrase_stands_in_a_text_as_whole_words() {
        let cases = [
            ("my card is gone", "card", true),
            ("card gone", "card", true),
            ("my card", "card", true),
            ("discard", "card", false),
            ("cards", "card", false),
            ("my cards", "card", false),
            ("discard my card", "card", true),
            ("cards card", "card", true),
            ("card", "my card", false),
        ];
        for (words, phrase, stands) in cases {
            assert_eq!(contains(words, phrase), stands, "{phrase:?} in {words:?}");
        }
    }
}
