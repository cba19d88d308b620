//! The operators between two values, and the number by which a compiled expression names each.

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Is,
    IsNot,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

/// Every operator at the index that is its code.
const ALL: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("in", Operator::In),
    ("not in", Operator::NotIn),
    ("is", Operator::Is),
    ("is not", Operator::IsNot),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("//", Operator::FloorDivide),
    ("%", Operator::Remainder),
];

impl Operator {
    pub(super) fn from_symbol(symbol: &str) -> Option<Self> {
        ALL.iter().find(|(written, _)| *written == symbol).map(|(_, operator)| *operator)
    }

    pub(super) fn from_code(code: i32) -> Option<Self> {
        ALL.get(usize::try_from(code).ok()?).map(|(_, operator)| *operator)
    }

    pub(super) fn code(self) -> i32 {
        self as i32
    }

    /// As an author writes it.
    pub(super) fn symbol(self) -> &'static str {
        ALL.get(self as usize).map_or("", |(symbol, _)| symbol)
    }

    /// `==`, `in`, `is` and the like, which Python lets stand in a chain.
    pub(super) fn is_comparison(self) -> bool {
        (self as usize) < Self::Add as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_code_and_by_its_symbol() {
        for (index, (symbol, operator)) in ALL.iter().enumerate() {
            assert_eq!(operator.code() as usize, index);
            assert_eq!(Operator::from_code(operator.code()), Some(*operator));
            assert_eq!(Operator::from_symbol(symbol), Some(*operator));
            assert_eq!(operator.symbol(), *symbol);
        }
        assert_eq!(Operator::from_code(ALL.len() as i32), None);
    }
}
