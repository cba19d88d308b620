//! The person is asked before the chat leaves, where the author wants it.

use handoff_model::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::matching::normalise;

/// How often the question is asked; what is no answer then counts as no.
pub const MOST_QUESTIONS: u8 = 2;
/// Answers that a conversation keeps; earlier ones are in its messages.
pub const MOST_KEPT: usize = 20;
/// Every channel carries that much, in characters.
const LONGEST_QUESTION: usize = 4_000;
const LONGEST_ANSWER: usize = 80;

/// A question before a chat leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// What the person is asked.
    pub question: String,
    /// The answer on which the chat leaves.
    #[serde(default = "yes")]
    pub yes: String,
    /// The answer on which it stays.
    #[serde(default = "no")]
    pub no: String,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The External Handoff that asks.
    pub node: NodeId,
    /// How often it was asked.
    pub times: u8,
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consented {
    /// The External Handoff that asked.
    pub node: NodeId,
    /// What was asked.
    pub question: String,
    /// The answer, in the author's words; none when there was no clear one, which counts as no.
    pub answer: Option<String>,
    /// Whether the chat may leave.
    pub given: bool,
    /// Place of the answer in the conversation.
    pub seq: u64,
    /// When it was given.
    pub at: Timestamp,
}

fn yes() -> String {
    "Yes".to_owned()
}

fn no() -> String {
    "No".to_owned()
}

/// What is wrong with a question.
pub fn problems(consent: &Consent) -> Vec<String> {
    let Consent { question, yes, no } = consent;
    let mut problems = Vec::new();
    if question.trim().is_empty() || question.chars().count() > LONGEST_QUESTION {
        problems.push(format!("consent: the question has 1 to {LONGEST_QUESTION} characters"));
    }
    for answer in [yes, no] {
        if normalise(answer).is_empty() || answer.chars().count() > LONGEST_ANSWER {
            problems.push(format!(
                "consent: the answer {answer:?} needs letters or digits, at most {LONGEST_ANSWER} characters"
            ));
        }
    }
    if normalise(yes) == normalise(no) {
        problems.push(format!("consent: the answers {yes:?} and {no:?} cannot be told apart"));
    }
    problems
}
