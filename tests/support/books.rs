//! What persons saw and what live agents see, compared: the counts that a campaign ends with.

use std::fmt;

use crate::{assistants::answer_to, chat::Chat};

/// How a line says that it may have been there before.
const REPEATED: &str = "(perhaps repeated)";

/// A word that a person typed, and nobody twice.
#[derive(Debug, Clone)]
pub struct Word {
    /// The word.
    pub text: String,
    /// It need not have arrived, nor in its place: what is kept was put back from a backup that does not have it.
    pub may_be_missing: bool,
    /// How often it may be there beyond the first time: so often the server forgot that it had seen to it.
    pub may_be_repeated: u64,
}

impl Word {
    /// Words that have to be there, once.
    pub fn once(said: &[String]) -> Vec<Self> {
        let once = |text: &String| Self { text: text.clone(), may_be_missing: false, may_be_repeated: 0 };
        said.iter().map(once).collect()
    }

    /// Whether it is there too rarely or too often.
    fn count(&self, times: usize, tally: &mut Tally) -> bool {
        let lost = times == 0 && !self.may_be_missing;
        let doubled = times as u64 > 1 + self.may_be_repeated;
        tally.lost += u64::from(lost);
        tally.doubled += u64::from(doubled);
        lost || doubled
    }
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Handoffs that were decided.
    pub handoffs: u64,
    /// Handoffs that the platform took.
    pub accepted: u64,
    /// Handoffs that failed.
    pub failed: u64,
    /// Things that were made to go wrong.
    pub storms: u64,
    /// Words, or whole chats, that did not arrive.
    pub lost: u64,
    /// Words, or whole chats, that are there more than once.
    pub doubled: u64,
    /// Persons who were told something that is not so.
    pub wrongly_announced: u64,
    /// Persons whose words arrived in another order.
    pub out_of_order: u64,
    /// Persons whose chat came to no end.
    pub stuck: u64,
    /// Places where something from after an acceptance can be read.
    pub sealed_leaks: u64,
    /// Doubts that an operator had to end.
    pub by_hand: u64,
    /// Repeated first lines, marked as such.
    pub marked: u64,
    /// Sessions that a request for the one before gave away, because it took effect at last.
    pub given_late: u64,
    /// What was found, in sentences.
    pub stories: Vec<String>,
}

impl Tally {
    /// Whether everything is as promised.
    pub fn is_clean(&self) -> bool {
        let bad = [
            self.lost,
            self.doubled,
            self.wrongly_announced,
            self.out_of_order,
            self.stuck,
            self.sealed_leaks,
        ];
        bad.iter().all(|count| *count == 0)
    }

    /// Adds what another campaign counted.
    pub fn add(&mut self, other: Self) {
        self.handoffs += other.handoffs;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.storms += other.storms;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrongly_announced += other.wrongly_announced;
        self.out_of_order += other.out_of_order;
        self.stuck += other.stuck;
        self.sealed_leaks += other.sealed_leaks;
        self.by_hand += other.by_hand;
        self.marked += other.marked;
        self.given_late += other.given_late;
        self.stories.extend(other.stories);
    }

    /// Adds a line to the story of a person.
    pub fn finds(&mut self, name: &str, what: &str) {
        self.stories.push(format!("{name}: {what}"));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handoffs, accepted, failed, storms, .. } = self;
        write!(f, "handoffs={handoffs} accepted={accepted} failed={failed} blows={storms} ")?;
        let Self { lost, doubled, wrongly_announced, out_of_order, stuck, sealed_leaks, .. } = self;
        let Self { by_hand, marked, given_late, .. } = self;
        write!(
            f,
            "lost={lost} doubled={doubled} wrongly_announced={wrongly_announced} out_of_order={out_of_order} \
             stuck={stuck} sealed_leaks={sealed_leaks} decided_by_hand={by_hand} marked_repeats={marked} \
             given_late={given_late}"
        )
    }
}

/// Live agents see one chat with every word, once and in order.
pub fn given(name: &str, said: &[Word], chats: &[Chat], tally: &mut Tally) {
    if chats.len() != 1 {
        *(if chats.is_empty() { &mut tally.lost } else { &mut tally.doubled }) += 1;
        return tally.finds(name, &format!("has {} chats", chats.len()));
    }
    let lines: Vec<&str> = chats[0].lines.iter().map(|line| line.text.as_str()).collect();
    let (marked, lines): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.contains(REPEATED));
    tally.marked += marked.len() as u64;
    for line in marked.iter().filter(|line| said.iter().any(|word| line.contains(&word.text))) {
        tally.doubled += 1;
        tally.finds(name, &format!("a line that is marked as repeated has words of theirs: {line}"));
    }
    let whole = lines.join("\n");
    let mut places = Vec::<usize>::new();
    for word in said {
        let text = &word.text;
        let found: Vec<usize> = whole.match_indices(text.as_str()).map(|(at, _)| at).collect();
        // The bot repeats what it hears, so on its own words a person's stands once more behind them.
        let times = found.len().saturating_sub(whole.matches(&answer_to(text)).count());
        match (word.count(times, tally), times) {
            (true, 0) => tally.finds(name, &format!("{text:?} did not arrive: {whole}")),
            (true, more) => tally.finds(name, &format!("{text:?} arrived {more} times: {whole}")),
            (false, 1) if !word.may_be_missing => places.extend(found.first().copied()),
            (false, _) => {}
        }
    }
    if !places.is_sorted() {
        tally.out_of_order += 1;
        tally.finds(name, &format!("words arrived out of order: {whole}"));
    }
}

/// A chat on the platform's own channel that live agents have was passed on once, by us or by the platform. A request
/// whose answer was lost may take effect when its session is over, and meet the next one: nothing on that platform
/// ties it to a session.
pub fn passed_on(name: &str, chat: &Chat, tally: &mut Tally) {
    let count = |field: &str| chat.raw[field].as_u64().unwrap_or_default();
    let passed = count("handoff_calls") + count("auto_handoffs");
    let sessions = chat.raw["sessions"].as_array().map_or(0, |sessions| sessions.len() as u64);
    match passed {
        1 => {}
        0 => {
            tally.wrongly_announced += 1;
            tally.finds(name, "counts as passed on, and nobody did it");
        }
        _ if passed <= sessions => tally.given_late += passed - 1,
        _ => {
            tally.doubled += 1;
            tally.finds(name, &format!("was passed on {passed} times in {sessions} sessions"));
        }
    }
}

/// Live agents see one ticket, and the assistant had the chat again after it: every word stands on the ticket or was
/// answered, once, in order, and none on the ticket that follows one of the others. The first word is from before the
/// handoff, so that it is both.
pub fn parted(name: &str, said: &[String], answers: &[String], tickets: &[Chat], tally: &mut Tally) {
    let whole: String = tickets
        .iter()
        .flat_map(|ticket| &ticket.lines)
        .fold(String::new(), |all, line| all + "\n" + &line.text);
    let stands =
        |word: &&String| whole.matches(word.as_str()).count() > whole.matches(&answer_to(word)).count();
    let left = said.iter().take_while(stands).count();
    let (left, stayed) = said.split_at(left);
    given(name, &Word::once(left), tickets, tally);
    given_back(name, &Word::once(stayed), answers, &[], tally);
    for word in stayed.iter().filter(stands) {
        tally.out_of_order += 1;
        tally.finds(name, &format!("{word:?} is on the ticket, and one from before it is not: {whole}"));
    }
    for word in left.iter().skip(1).filter(|word| answers.contains(&answer_to(word))) {
        tally.doubled += 1;
        tally.finds(name, &format!("{word:?} is on the ticket and was answered as well: {answers:#?}"));
    }
}

/// The assistant answered every word, once and in order, and no live agent has the chat.
pub fn given_back(name: &str, said: &[Word], answers: &[String], chats: &[Chat], tally: &mut Tally) {
    if chats.iter().any(|chat| !matches!(chat.status.as_str(), "closed" | "solved")) && !chats.is_empty() {
        tally.wrongly_announced += 1;
        tally.finds(name, &format!("failed, and live agents have it: {chats:#?}"));
    }
    let mut places = Vec::<usize>::new();
    for word in said {
        let (text, answer) = (&word.text, answer_to(&word.text));
        let at: Vec<usize> =
            answers.iter().enumerate().filter(|(_, text)| **text == answer).map(|(at, _)| at).collect();
        match (word.count(at.len(), tally), at.len()) {
            (true, 0) => tally.finds(name, &format!("{text:?} was not answered: {answers:#?}")),
            (true, more) => tally.finds(name, &format!("{text:?} was answered {more} times")),
            (false, 1) if !word.may_be_missing => places.extend(at),
            (false, _) => {}
        }
    }
    if !places.is_sorted() {
        tally.out_of_order += 1;
        tally.finds(name, &format!("words were answered out of order: {answers:#?}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn chat(lines: &[&str]) -> Chat {
        let lines = lines.iter().map(|text| crate::chat::Line {
            author: "customer".to_owned(),
            text: (*text).to_owned(),
            files: Vec::new(),
        });
        Chat { id: "1".to_owned(), status: "open".to_owned(), lines: lines.collect(), raw: Value::Null }
    }

    /// Calls, what the platform did by itself, sessions, and what is found: wrongly announced, doubled, given late.
    #[test]
    fn a_session_is_passed_on_once_by_whomever() {
        let cases = [
            ((1, 0, 1), [0, 0, 0]),
            ((0, 1, 1), [0, 0, 0]),
            ((1, 0, 2), [0, 0, 0]),
            ((0, 0, 1), [1, 0, 0]),
            ((2, 0, 1), [0, 1, 0]),
            ((1, 1, 1), [0, 1, 0]),
            ((2, 0, 2), [0, 0, 1]),
            ((2, 1, 2), [0, 1, 0]),
        ];
        for ((calls, auto, sessions), expected) in cases {
            let mut tally = Tally::default();
            let sessions = vec![Value::Null; sessions];
            let raw = json!({ "handoff_calls": calls, "auto_handoffs": auto, "sessions": sessions });
            passed_on("p1", &Chat { raw, ..chat(&[]) }, &mut tally);
            let found = [tally.wrongly_announced, tally.doubled, tally.given_late];
            assert_eq!(found, expected, "{calls} {auto}");
        }
    }

    /// What stands on the ticket, what was answered after it, and what is found: lost, doubled, out of order.
    #[test]
    fn what_is_wrong_between_a_ticket_and_the_chat_after_it_is_found() {
        let said = ["p1-a.", "p1-b.", "p1-c.", "p1-d."].map(str::to_owned).to_vec();
        let start = "p1-a. You said: p1-a.";
        let cases: [(&[&str], &[&str], [u64; 3]); 7] = [
            (&[start, "p1-b."], &["p1-a.", "p1-c.", "p1-d."], [0, 0, 0]),
            (&[start, "p1-b.", "p1-c.", "p1-d."], &["p1-a."], [0, 0, 0]),
            (&[start], &["p1-a.", "p1-c.", "p1-d."], [1, 0, 0]),
            (&[start, "p1-b.", "p1-b."], &["p1-a.", "p1-c.", "p1-d."], [0, 1, 0]),
            (&[start, "p1-b."], &["p1-a.", "p1-b.", "p1-c.", "p1-d."], [0, 1, 0]),
            (&[start, "p1-b."], &["p1-a.", "p1-d.", "p1-c."], [0, 0, 1]),
            (&[start, "p1-c."], &["p1-a.", "p1-b.", "p1-c.", "p1-d."], [0, 0, 1]),
        ];
        for (lines, answered, expected) in cases {
            let answers: Vec<String> = answered.iter().map(|word| answer_to(word)).collect();
            let mut tally = Tally::default();
            parted("p1", &said, &answers, &[chat(lines)], &mut tally);
            assert_eq!([tally.lost, tally.doubled, tally.out_of_order], expected, "{lines:?} {answered:?}");
        }
    }

    /// What live agents see, and what is found in it: lost, doubled, out of order, marked.
    #[test]
    fn what_is_wrong_in_the_live_agents_book_is_found() {
        let said = ["p1-a.", "p1-b.", "p1-c."].map(str::to_owned).to_vec();
        let whole: &[&str] = &["p1-a. You said: p1-a. p1-b.", "p1-c."];
        let cases: [(&[&[&str]], [u64; 4]); 8] = [
            (&[whole], [0, 0, 0, 0]),
            (&[], [1, 0, 0, 0]),
            (&[whole, whole], [0, 1, 0, 0]),
            (&[&["p1-a.", "p1-c."]], [1, 0, 0, 0]),
            (&[&["p1-a.", "p1-b.", "p1-b.", "p1-c."]], [0, 1, 0, 0]),
            (&[&["p1-a.", "p1-c.", "p1-b."]], [0, 0, 1, 0]),
            (&[&["(perhaps repeated) A chat.", "p1-a.", "p1-b.", "p1-c."]], [0, 0, 0, 1]),
            (&[&["(perhaps repeated) p1-a.", "p1-a.", "p1-b.", "p1-c."]], [0, 1, 0, 1]),
        ];
        for (chats, expected) in cases {
            let chats: Vec<Chat> = chats.iter().map(|lines| chat(lines)).collect();
            let mut tally = Tally::default();
            given("p1", &Word::once(&said), &chats, &mut tally);
            let found = [tally.lost, tally.doubled, tally.out_of_order, tally.marked];
            assert_eq!(found, expected, "{chats:#?}");
        }
    }
}
