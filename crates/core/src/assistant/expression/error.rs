//! What can be wrong with an expression, in sentences an author can act on.

/// Why an expression was not accepted, or could not be evaluated.
///
/// The sentence never repeats a variable's value: values come from persons and
/// have no place in a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The source is not an expression.
    #[error("{reason} (character {position})")]
    Syntax {
        /// Where, in characters from 1.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// The source is an expression, and uses something that is not available here.
    #[error("{reason} (character {position})")]
    Refused {
        /// Where, in characters from 1.
        position: usize,
        /// What is not available, and what to write instead.
        reason: String,
    },
    /// The expression does not fit the values it was given, such as a division by zero.
    #[error("{reason} (character {position})")]
    Value {
        /// Where, in characters from 1.
        position: usize,
        /// What did not fit.
        reason: String,
    },
    /// The source, its values or its result are larger than allowed, or it works for too long.
    #[error("{reason} (character {position})")]
    Limit {
        /// Where, in characters from 1.
        position: usize,
        /// Which limit was met.
        reason: String,
    },
    /// The interpreter failed in a way no source should be able to cause.
    #[error("the expression could not be {0}")]
    Internal(&'static str),
}

impl ExpressionError {
    /// Where in the source, in characters from 1; `None` when it is nobody's source that is wrong.
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Syntax { position, .. }
            | Self::Refused { position, .. }
            | Self::Value { position, .. }
            | Self::Limit { position, .. } => Some(*position),
            Self::Internal(_) => None,
        }
    }

    pub(super) fn syntax(source: &str, at: usize, reason: impl Into<String>) -> Self {
        Self::Syntax { position: position(source, at), reason: reason.into() }
    }

    pub(super) fn refused(source: &str, at: usize, reason: impl Into<String>) -> Self {
        Self::Refused { position: position(source, at), reason: reason.into() }
    }

    pub(super) fn limit(source: &str, at: usize, reason: impl Into<String>) -> Self {
        Self::Limit { position: position(source, at), reason: reason.into() }
    }

    /// The same error in a source that has `characters` more before this one.
    pub(super) fn moved(mut self, characters: usize) -> Self {
        match &mut self {
            Self::Syntax { position, .. }
            | Self::Refused { position, .. }
            | Self::Value { position, .. }
            | Self::Limit { position, .. } => *position += characters,
            Self::Internal(_) => {}
        }
        self
    }
}

/// The character at byte `at` of `source`, counted from 1.
pub(super) fn position(source: &str, at: usize) -> usize {
    source.char_indices().take_while(|(index, _)| *index < at).count() + 1
}
