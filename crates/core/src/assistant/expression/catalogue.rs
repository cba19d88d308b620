//! The functions and methods an expression may call. What is not here does not exist.

use std::ops::RangeInclusive;

/// A function, and how many values it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    All,
    Any,
    Bool,
    Float,
    Int,
    Len,
    Max,
    Min,
    Round,
    Sorted,
    Str,
    Sum,
}

/// The most values `min` and `max` take when they are not given a list.
const MANY: usize = 64;

/// Every function at the index that is its code.
const FUNCTIONS: &[(&str, Function, RangeInclusive<usize>)] = &[
    ("abs", Function::Abs, 1..=1),
    ("all", Function::All, 1..=1),
    ("any", Function::Any, 1..=1),
    ("bool", Function::Bool, 1..=1),
    ("float", Function::Float, 1..=1),
    ("int", Function::Int, 1..=1),
    ("len", Function::Len, 1..=1),
    ("max", Function::Max, 1..=MANY),
    ("min", Function::Min, 1..=MANY),
    ("round", Function::Round, 1..=2),
    ("sorted", Function::Sorted, 1..=1),
    ("str", Function::Str, 1..=1),
    ("sum", Function::Sum, 1..=1),
];

/// Methods of texts, lists and dictionaries, and how many values each takes in its brackets.
const METHODS: &[(&str, RangeInclusive<usize>)] = &[
    ("capitalize", 0..=0),
    ("count", 1..=1),
    ("endswith", 1..=1),
    ("find", 1..=1),
    ("get", 1..=2),
    ("index", 1..=1),
    ("isalnum", 0..=0),
    ("isalpha", 0..=0),
    ("isdigit", 0..=0),
    ("islower", 0..=0),
    ("isspace", 0..=0),
    ("isupper", 0..=0),
    ("items", 0..=0),
    ("join", 1..=1),
    ("keys", 0..=0),
    ("lower", 0..=0),
    ("lstrip", 0..=1),
    ("removeprefix", 1..=1),
    ("removesuffix", 1..=1),
    ("replace", 2..=2),
    ("rstrip", 0..=1),
    ("split", 0..=1),
    ("startswith", 1..=1),
    ("strip", 0..=1),
    ("title", 0..=0),
    ("upper", 0..=0),
    ("values", 0..=0),
];

impl Function {
    pub(super) fn from_code(code: i32) -> Option<Self> {
        FUNCTIONS.get(usize::try_from(code).ok()?).map(|(_, function, _)| *function)
    }

    pub(super) fn code(self) -> i32 {
        self as i32
    }
}

/// Whether `name` is a function, and no name for a variable.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, _, _)| *known == name)
}

/// The function a call means.
pub(super) fn function(name: &str, arguments: usize) -> Result<Function, String> {
    let Some((_, function, takes)) = FUNCTIONS.iter().find(|(known, _, _)| *known == name) else {
        return Err(match name {
            "range" | "list" | "dict" | "set" | "tuple" | "map" | "filter" | "zip" | "enumerate" => {
                format!("there is no function `{name}`: write [item for item in list if condition]")
            }
            "type" | "isinstance" | "hasattr" | "getattr" => format!("there is no function `{name}`"),
            _ => format!("there is no function `{name}`; there are {}", function_names()),
        });
    };
    check_count(name, arguments, takes).map(|()| *function)
}

/// Checks that a method exists and is given what it takes.
pub(super) fn method(name: &str, arguments: usize) -> Result<(), String> {
    match METHODS.iter().find(|(known, _)| *known == name) {
        Some((_, takes)) => check_count(name, arguments, takes),
        None if matches!(name, "format" | "format_map") => {
            Err("`format` is not available: join texts with +, or write { } in the text itself".to_owned())
        }
        None => Err(format!("there is no method `{name}`")),
    }
}

fn check_count(name: &str, given: usize, takes: &RangeInclusive<usize>) -> Result<(), String> {
    if takes.contains(&given) {
        return Ok(());
    }
    let (least, most) = (takes.start(), takes.end());
    Err(match (least, most) {
        (0, 0) => format!("`{name}` takes nothing between its brackets"),
        (1, 1) => format!("`{name}` takes one value, and was given {given}"),
        (least, most) if least == most => format!("`{name}` takes {least} values, and was given {given}"),
        (least, most) => format!("`{name}` takes {least} to {most} values, and was given {given}"),
    })
}

fn function_names() -> String {
    FUNCTIONS.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_code() {
        for (index, (name, function, _)) in FUNCTIONS.iter().enumerate() {
            assert_eq!(function.code() as usize, index, "{name}");
            assert_eq!(Function::from_code(function.code()), Some(*function));
        }
        assert_eq!(Function::from_code(-1), None);
    }
}
