//! Takes out of a text what rules find, until none finds anything.
//!
//! What was taken out leaves a marker, and each piece between two markers counts as a text of its own: no rule looks
//! into a marker, or across one. So what was redacted stays as it is when it is redacted again.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::{Removed, Rule, card, count, email, phone};

/// Longest expression, in bytes.
const LONGEST_PATTERN: usize = 500;
/// Memory that a compiled expression may take, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;
/// How often a piece is looked through because a part of it was taken out. Whoever makes it more loses the piece.
const DEEPEST: usize = 50;

/// Something that is looked for.
#[derive(Debug)]
pub(super) struct Finder {
    name: String,
    marker: String,
    finds: Finds,
}

#[derive(Debug)]
enum Finds {
    Cards,
    Emails,
    Phones,
    Pattern(Regex),
}

impl Finder {
    /// What a rule looks for in texts; none when it names a field.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(super) fn new(rule: &Rule) -> Result<Option<Self>, String> {
        let finds = match rule {
            Rule::EmailAddresses => Finds::Emails,
            Rule::PhoneNumbers => Finds::Phones,
            Rule::Pattern { pattern, .. } => Finds::Pattern(compiled(pattern)?),
            Rule::CardNumbers => Finds::Cards,
            Rule::Field(_) => return Ok(None),
        };
        Ok(Some(Self { name: rule.name(), marker: rule.marker(), finds }))
    }

    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        match &self.finds {
            Finds::Cards => card::find(text),
            Finds::Emails => email::find(text),
            Finds::Phones => phone::find(text),
            Finds::Pattern(pattern) => pattern.find_iter(text).map(|found| found.range()).collect(),
        }
    }
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let refused = |why: String| format!("redact: the pattern {pattern:?} cannot be used: {why}");
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("redact: a pattern has at most {LONGEST_PATTERN} bytes"));
    }
    let shape = regex_syntax::parse(pattern).map_err(|error| refused(last_line(&error)))?;
    if shape.properties().minimum_len() == Some(0) {
        return Err(refused("it also fits where nothing stands".to_owned()));
    }
    let build = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).nest_limit(50).build();
    build.map_err(|error| refused(last_line(&error)))
}

/// The sentence of an error that otherwise draws a picture.
fn last_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default().trim();
    line.trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

/// Everything that is looked for, in the author's order.
#[derive(Debug, Default)]
pub(super) struct Words(Vec<Finder>);

/// A part of a text.
enum Piece<'a> {
    /// Stands for something that was removed.
    Marker(&'a str),
    /// Is to be looked through; so often was it part of something that was.
    Open(&'a str, usize),
}

impl Words {
    pub(super) fn new(finders: Vec<Finder>) -> Self {
        Self(finders)
    }

    pub(super) fn redact(&self, text: &str, removed: &mut Removed) -> String {
        let mut left = String::with_capacity(text.len());
        let mut pieces = self.between_markers(text);
        pieces.reverse();
        while let Some(piece) = pieces.pop() {
            match piece {
                Piece::Marker(marker) => left.push_str(marker),
                Piece::Open(words, depth) => match self.first(words) {
                    None => left.push_str(words),
                    Some((finder, _)) if depth == DEEPEST => {
                        count(removed, &finder.name, 1);
                        left.push_str(&finder.marker);
                    }
                    Some((finder, found)) => {
                        count(removed, &finder.name, found.len() as u64);
                        pieces.extend(around(words, &found, &finder.marker, depth + 1).into_iter().rev());
                    }
                },
            }
        }
        left
    }

    /// The first rule that finds something, and all that it finds.
    fn first(&self, words: &str) -> Option<(&Finder, Vec<Range<usize>>)> {
        self.0.iter().find_map(|finder| {
            let found = finder.find(words);
            (!found.is_empty()).then_some((finder, found))
        })
    }

    /// The text at its markers, which somebody may also have typed.
    fn between_markers<'a>(&'a self, text: &'a str) -> Vec<Piece<'a>> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((at, marker)) = self.next_marker(rest) {
            pieces.push(Piece::Open(&rest[..at], 0));
            pieces.push(Piece::Marker(marker));
            rest = &rest[at + marker.len()..];
        }
        pieces.push(Piece::Open(rest, 0));
        pieces
    }

    fn next_marker(&self, text: &str) -> Option<(usize, &str)> {
        text.match_indices('[').find_map(|(at, _)| {
            let here = self.0.iter().find(|finder| text[at..].starts_with(&finder.marker));
            here.map(|finder| (at, finder.marker.as_str()))
        })
    }

    #[cfg(test)]
    pub(super) fn finders(&self) -> &[Finder] {
        &self.0
    }

    /// The pieces of a text that are no markers.
    #[cfg(test)]
    pub(super) fn pieces<'a>(&'a self, text: &'a str) -> Vec<&'a str> {
        let open = |piece| if let Piece::Open(words, _) = piece { Some(words) } else { None };
        self.between_markers(text).into_iter().filter_map(open).collect()
    }
}

/// What was found becomes markers, and what is between is open.
fn around<'a>(words: &'a str, found: &[Range<usize>], marker: &'a str, depth: usize) -> Vec<Piece<'a>> {
    let (mut pieces, mut from) = (Vec::with_capacity(found.len() * 2 + 1), 0);
    for range in found {
        pieces.push(Piece::Open(&words[from..range.start], depth));
        pieces.push(Piece::Marker(marker));
        from = range.end;
    }
    pieces.push(Piece::Open(&words[from..], depth));
    pieces
}
