//! Attempts to hang the server or to fill its memory. Each must end in an error, or in a small value.

use serde_json::{Map, Value, json};

use super::super::limits::{Allowance, MAX_NESTING};
use super::super::{Expression, ExpressionError, MAX_RESULT, Text, values};

/// What a person, or an API that answers an author's request, may have put into variables.
fn variables() -> Map<String, Value> {
    let numbers: Vec<Value> = (0..20_000).map(Value::from).collect();
    let value = json!({
        "long": "a".repeat(60_000),
        "longest": "ß".repeat(30_000),
        "spaces": " ".repeat(60_000),
        "numbers": numbers,
        "texts": vec!["x".repeat(100); 500],
        "short": "ab",
        "n": 300_000_000,
        "big": i64::MAX
    });
    value.as_object().cloned().unwrap_or_default()
}

#[test]
fn what_would_grow_without_end_meets_a_limit() {
    let doubled = format!("{}long", "long + ".repeat(40));
    let table = [
        "[x for x in numbers for y in numbers]",
        "[y for x in numbers for y in numbers if False]",
        "[[y for y in numbers] for x in numbers]",
        "[1 for a in long for b in long for c in long]",
        "[[x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x] for x in numbers]",
        "[{'a': x, 'b': x, 'c': x} for x in numbers]",
        "[long for x in numbers]",
        "[long + 'b' for x in texts]",
        "[long.upper() for x in numbers]",
        "[numbers == numbers for x in numbers]",
        "[numbers + numbers for x in numbers]",
        "[sorted(numbers) for x in numbers]",
        "[sum(numbers) for x in numbers]",
        "[max(numbers) for x in numbers]",
        "[str(numbers) for x in numbers]",
        "[long in long for x in numbers]",
        "[-1 in numbers for x in numbers]",
        "[long.split('a') for x in texts]",
        "[long.find('b') for x in texts]",
        "[long.count('a') for x in texts]",
        "[len(long) for x in texts]",
        "[long[1:] for x in texts]",
        "[numbers[1:] for x in texts]",
        "[any(numbers[:1]) for x in numbers for y in numbers]",
        "[not x for x in numbers for y in numbers]",
        "[x if x else y for x in numbers for y in numbers]",
        "long.replace('a', long)",
        "long.replace('a', 'aa')",
        "long.join(texts)",
        "''.join([long for x in texts])",
        "[a for a in [[b, b, b, b] for b in [[c, c, c, c] for c in numbers]]]",
        "spaces.split(' ')",
        "numbers + numbers + numbers + numbers",
        doubled.as_str(),
    ];
    for source in table {
        let expression = Expression::compile(source).expect(source);
        let outcome = expression.evaluate(&variables());
        assert!(matches!(outcome, Err(ExpressionError::Limit { .. })), "{source}: {:?}", outcome.map(size));
    }
}

fn size(value: Value) -> usize {
    value.to_string().len()
}

/// Sharing makes a value large without its taking memory; whoever walks through it pays.
#[test]
fn a_value_that_shares_its_parts_cannot_be_walked_for_ever() {
    let mut source = "[1, 1]".to_owned();
    for _ in 0..60 {
        source = format!("[[x, x] for x in [{source}]]");
    }
    for source in [source.clone(), format!("{source} == {source}"), format!("str({source})")] {
        match Expression::compile(&source).and_then(|expression| expression.evaluate(&Map::new())) {
            Err(ExpressionError::Limit { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut source = "[1, 1]".to_owned();
    for _ in 0..18 {
        source = format!("[[x, x] for x in [{source}]]");
    }
    for source in [source.clone(), format!("{source} == {source}"), format!("str({source})")] {
        let expression = Expression::compile(&source).expect("it nests 18 deep");
        let outcome = expression.evaluate(&Map::new());
        let outcome = outcome.map(size);
        assert!(matches!(outcome, Err(ExpressionError::Limit { .. })), "{outcome:?}");
    }
}

#[test]
fn what_cannot_be_bounded_is_not_accepted() {
    let table = [
        "'a' * 300000000",
        "300000000 * 'a'",
        "[0] * 300000000",
        "(1, 2) * 300000000",
        "range(1000000000)",
        "list(range(1000000000))",
        "1 << 1000000000",
        "2 ** 1000000000",
        "9 ** 9 ** 9",
        "'%1000000000d' % 1",
        "'{:>1000000000}'.format(1)",
        "long.format(long)",
        "long.elems()",
        "long.ljust(1000000000)",
        "long.zfill(1000000000)",
        "(lambda f: f(f))(lambda f: f(f))",
        "[x for x in iter(int, 1)]",
        "f'{long:>1000000000}'",
        "print(long)",
        "repr(long)",
        "hash(long)",
        "dir(long)",
        "getattr(long, 'format')(1)",
        "json.decode(long)",
        "fail(long)",
        "breakpoint()",
        "load('//x', 'y')",
        "'a'.__class__()",
    ];
    for source in table {
        assert!(Expression::compile(source).is_err(), "{source}");
    }
}

#[test]
fn what_is_only_seen_at_run_time_is_stopped_there() {
    let table = [
        "short * n",
        "n * short",
        "numbers * n",
        "n * n * n * n",
        "big + big",
        "big * big",
        "-big - big",
        "short % n",
        "int('9' + long)",
        "int(long)",
        "float('1e999999')",
        "float('nan')",
        "1.5e308 * 10",
        "1e308 + 1e308",
        "int(1e300)",
        "round(1.5, n)",
        "longest.upper() + longest.upper()",
    ];
    for source in table {
        let outcome = Expression::compile(source).expect(source).evaluate(&variables());
        assert!(
            matches!(outcome, Err(ExpressionError::Value { .. } | ExpressionError::Limit { .. })),
            "{source}: {:?}",
            outcome.map(size)
        );
    }
}

#[test]
fn nesting_never_reaches_a_parser_that_recurses() {
    let deep = 1_300;
    let table = [
        "(".repeat(4_000),
        "[".repeat(4_000),
        format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000)),
        format!("{}1{}", "len(".repeat(800), ")".repeat(800)),
        format!("{}1", "not ".repeat(1_000)),
        format!("{}1", "-".repeat(4_000)),
        format!("{}1", "+".repeat(4_000)),
        format!("1{}", "+1".repeat(deep)),
        format!("1{}", "<1".repeat(deep)),
        format!("a{}", ".a".repeat(deep)),
        format!("a{}", "[0]".repeat(deep)),
        format!("a{}", "()".repeat(deep)),
        format!("a{}", " or a".repeat(800)),
        format!("{}1", "1 if 1 else ".repeat(340)),
        format!("{}1{}", "{'a':".repeat(500), "}".repeat(500)),
        format!("[1{}]", " for a in a".repeat(360)),
        format!("[1 for a in a{}]", " if a".repeat(700)),
        format!("{}1", "lambda: ".repeat(500)),
        "f'{".repeat(1_000),
        "\\".repeat(4_000),
        "(".repeat(10_000),
        format!("{}1", "not ".repeat(10_000)),
    ];
    on_a_small_stack(move || {
        for source in table {
            let shown: String = source.chars().take(20).collect();
            assert!(Expression::compile(&source).is_err(), "{shown}");
            assert!(Text::compile(&format!("{{{source}}}")).is_err(), "{shown}");
        }
    });
}

#[test]
fn the_deepest_nesting_that_is_accepted_fits_a_small_stack() {
    let depth = MAX_NESTING - 2;
    let table = [
        format!("{}1{}", "[".repeat(depth / 2), "]".repeat(depth / 2)),
        format!("{}1{}", "(".repeat(depth / 2), ")".repeat(depth / 2)),
        format!("{}'1'{}", "int(str(".repeat(depth / 4 - 1), "))".repeat(depth / 4 - 1)),
        format!("{}1", "not ".repeat(depth)),
        format!("{}1", "-".repeat(depth)),
        format!("1{}", "+1".repeat(depth)),
        format!("1{}", "<1".repeat(depth)),
        format!("1{}", " or 1".repeat(depth)),
        format!("{}1", "1 if 1 else ".repeat(depth / 2)),
        format!("a{}", ".a".repeat(depth)),
        format!("{}1{}", "[x for x in ".repeat(depth / 3 - 1), "]".repeat(depth / 3 - 1)),
    ];
    on_a_small_stack(move || {
        for source in table {
            let expression = Expression::compile(&source).expect(&source);
            drop(expression.evaluate(&Map::new()));
        }
    });
}

/// A fraction of what a thread of the server has, in a build without optimisation.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run).expect("a thread starts");
    thread.join().expect("nothing in it failed");
}

const STACK: usize = 256 * 1024;

#[test]
fn variables_are_read_within_limits() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let table = [
        (
            "a == 1",
            json!({ "a": "x".repeat(2_000_000) }),
            "the variables used here are too large (character 1)",
        ),
        ("1 == a", json!({ "a": vec![0; 100_000] }), "the variables used here are too large (character 6)"),
        ("a == 1", json!({ "a": deep }), "a variable used here is nested too deeply (character 1)"),
        ("a", json!({ "a": "x".repeat(MAX_RESULT) }), "the result is larger than 64 KB (character 1)"),
        ("a", json!({ "a": vec![0; 60_000] }), "the result is larger than 64 KB (character 1)"),
    ];
    for (source, variables, message) in table {
        let variables = variables.as_object().cloned().unwrap_or_default();
        let outcome = Expression::compile(source).expect(source).evaluate(&variables);
        assert_eq!(outcome.map(size).expect_err(source).to_string(), message);
    }
    let ignored = json!({ "a": 1, "unused": "x".repeat(5_000_000) });
    let expression = Expression::compile("a == 1").expect("it compiles");
    assert_eq!(expression.is_true(ignored.as_object().expect("an object")), Ok(true));
}

#[test]
fn an_evaluation_never_spends_more_than_it_was_allowed() {
    let allowance = Allowance::new();
    let expression = Expression::compile("[x for x in numbers for y in numbers]").expect("it compiles");
    let outcome = expression.0.run(&variables(), &allowance, values::to_json);
    assert!(outcome.is_err());
    assert_eq!(allowance.left_to_work().get(), 0);
    let outcome = expression.0.run(&variables(), &allowance, values::to_json);
    assert!(matches!(outcome, Err(ExpressionError::Limit { .. })), "nothing is left for a second try");
}

#[test]
fn a_source_has_4_kilobytes_at_most() {
    assert!(Expression::compile(&format!("'{}'", "x".repeat(4_094))).is_ok());
    assert!(matches!(
        Expression::compile(&format!("'{}'", "x".repeat(4_095))),
        Err(ExpressionError::Limit { .. })
    ));
}
