//! What holds for any source.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{Expression, MAX_RESULT, Text, exercise};

const PIECES: &[&str] = &[
    "a",
    "b",
    "name",
    "1",
    "0",
    "2.5",
    "'x'",
    "\"y z\"",
    "''",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "<",
    "<=",
    "==",
    "!=",
    ">",
    "in",
    "not",
    "is",
    "and",
    "or",
    "if",
    "else",
    "for",
    "None",
    "True",
    "False",
    "len(",
    "str(",
    "sorted(",
    "a.lower()",
    ".split(",
    ".replace(",
    ".join(",
    "=",
    "**",
    "|",
    "f'",
    "lambda",
    "\n",
    "ß",
    "\\",
    "x for x in",
    "[x for x in a",
    "[0]",
    "[1:]",
    "{'k': 1}",
];

/// Expressions that are well formed, so that evaluation is reached and not only refusal.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b",
        "name",
        "1",
        "-7",
        "2.5",
        "'x'",
        "'a,b'",
        "None",
        "True",
        "[]",
        "[3, 1, 2]",
        "{'k': [1]}",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", "in", "not in", "and", "or",
        ]);
        let call =
            prop::sample::select(vec!["len", "str", "int", "sorted", "sum", "max", "any", "bool", "abs"]);
        let method = prop::sample::select(vec![
            "lower()",
            "split(',')",
            "keys()",
            "get('k')",
            "strip()",
            "count('a')",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} < {b} <= {c})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            (call, inner.clone()).prop_map(|(f, x)| format!("{f}({x})")),
            (inner.clone(), method).prop_map(|(x, m)| format!("({x}).{m}")),
            (inner.clone(), inner.clone()).prop_map(|(x, i)| format!("({x})[{i}]")),
            (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("[{x} for a in [{y}]]")),
            (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("[({x}).join({y}), ({x}) is None]")),
            inner.prop_map(|x| format!("(not {x})")),
        ]
    })
}

fn variables(typed: &str) -> Map<String, Value> {
    let value = json!({"a": typed, "b": [1, "x", {"k": typed}, null, 2.5], "name": typed.len()});
    value.as_object().cloned().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_soup_of_tokens_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
        spaced in any::<bool>(),
        typed in ".{0,40}",
    ) {
        exercise(&pieces.join(if spaced { " " } else { "" }), &typed);
    }

    #[test]
    fn any_text_at_all_is_answered(source in ".{0,300}", typed in ".{0,40}") {
        exercise(&source, &typed);
    }

    #[test]
    fn what_is_well_formed_compiles_and_has_a_small_result(source in well_formed(), typed in ".{0,40}") {
        match Expression::compile(&source) {
            Ok(expression) => {
                let once = expression.evaluate(&variables(&typed));
                prop_assert_eq!(&once, &expression.evaluate(&variables(&typed)), "it is the same each time");
                let internal = matches!(once, Err(super::super::ExpressionError::Internal(_)));
                prop_assert!(!internal, "{}: {:?}", source, once);
                if let Ok(value) = once {
                    let false_values = json!([null, false, 0, 0.0, -0.0, "", [], {}]);
                    let truth = !false_values.as_array().is_some_and(|values| values.contains(&value));
                    prop_assert_eq!(expression.is_true(&variables(&typed)), Ok(truth));
                    prop_assert!(value.to_string().len() <= 8 * MAX_RESULT);
                }
            }
            Err(error) => prop_assert!(error.position().is_some(), "{}: {}", source, error),
        }
    }

    #[test]
    fn a_text_without_braces_is_itself(source in "[^{}]{0,200}") {
        let text = Text::compile(&source).expect("it has no expressions");
        prop_assert_eq!(text.render(&Map::new()), Ok(source));
    }

    #[test]
    fn what_a_person_typed_is_written_as_typed(typed in "(?s).{0,200}") {
        let text = Text::compile("{a}").expect("it compiles");
        prop_assert_eq!(text.render(&variables(&typed)), Ok(typed.clone()));
        let same = Expression::compile("a == a and a in a and a + '' == a").expect("it compiles");
        prop_assert_eq!(same.is_true(&variables(&typed)), Ok(true));
    }

    #[test]
    fn numbers_agree_with_those_of_rust(a in any::<i32>(), b in -1000i32..1000) {
        prop_assume!(b != 0);
        let variables = json!({"a": a, "b": b});
        let variables = variables.as_object().cloned().unwrap_or_default();
        let (a, b) = (i64::from(a), i64::from(b));
        let source = "[a + b, a - b, a * b, (a // b) * b + a % b == a, a < b, a == b, 0 <= (a % b) * b]";
        let value = Expression::compile(source).expect("it compiles").evaluate(&variables);
        prop_assert_eq!(value, Ok(json!([a + b, a - b, a * b, true, a < b, a == b, true])));
    }
}
