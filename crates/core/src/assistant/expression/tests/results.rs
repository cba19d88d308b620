//! What expressions come to.

use serde_json::{Value, json};

use super::{Expression, evaluate, session};

fn check(table: &[(&str, Value)]) {
    for (source, expected) in table {
        assert_eq!(evaluate(source).as_ref(), Ok(expected), "{source}");
    }
}

#[test]
fn conditions_mean_what_they_mean_in_python() {
    check(&[
        (r#"name == "Ann" and len(cart) > 1"#, json!(true)),
        (r#"name == "Ann" and len(cart) > 2"#, json!(false)),
        (r#"name == "Bob" or age >= 18 or yes"#, json!(true)),
        ("not yes", json!(false)),
        ("not name == 'Bob'", json!(true)),
        ("not not empty", json!(false)),
        (r#""refund" in _user_input.lower()"#, json!(true)),
        (r#""refund" not in _user_input"#, json!(true)),
        (r#"_lang in ["de", "at"]"#, json!(true)),
        (r#"_lang in ("fr", "it",)"#, json!(false)),
        (r#""email" in _customer"#, json!(true)),
        (r#""vip" in _customer["tags"]"#, json!(true)),
        ("nothing or name", json!("Ann")),
        ("empty and name", json!("")),
        ("'adult' if age >= 18 else 'child' if age > 12 else 'infant'", json!("child")),
        ("True == 1", json!(true)),
        ("1 == 1.0", json!(true)),
        ("'1' == 1", json!(false)),
        ("[1, [2, 'x']] == [1.0, [2, 'x']]", json!(true)),
        ("{'a': 1, 'b': [2]} == {'b': [2], 'a': 1}", json!(true)),
        ("{'a': 1} == {'a': 2}", json!(false)),
        ("'abc' < 'abd'", json!(true)),
        ("huge > 9223372036854775806.0", json!(false)),
        ("huge < 9223372036854775808.0", json!(true)),
    ]);
}

#[test]
fn identity_is_translated_and_texts_that_look_like_it_survive() {
    check(&[
        ("nothing is None", json!(true)),
        ("nothing is not None", json!(false)),
        ("name is not None and name != ''", json!(true)),
        ("never_set is None", json!(true)),
        ("yes is True", json!(true)),
        ("1 is True", json!(false)),
        ("None is nothing", json!(true)),
        ("(nothing)is(None)", json!(true)),
        ("' is ' in 'this is it'", json!(true)),
        ("'a < b < c'", json!("a < b < c")),
        ("\"not in | is not\"", json!("not in | is not")),
        ("not nothing is None", json!(false)),
        ("'it\\'s not in' + \" is \"", json!("it's not in is ")),
    ]);
}

#[test]
fn comparisons_may_follow_each_other() {
    check(&[
        ("1 < age <= 17", json!(true)),
        ("1 < age < 17", json!(false)),
        ("1 < 2 < 3 < 4 != 5", json!(true)),
        ("3 > 2 > 2", json!(false)),
        ("0 == 0 == 0", json!(true)),
        ("(0 == 0) == 0", json!(false)),
        ("0 == (0 == 0)", json!(false)),
        ("(1 < 2) == (3 < 4)", json!(true)),
        ("1 < (2 if yes else 0) < 3", json!(true)),
        ("1 < len([x for x in words if 'a' in x]) < 5", json!(true)),
        ("'a' in 'ab' in ['ab']", json!(true)),
        ("1 + 1 < 2 * 2 < 10 - 1", json!(true)),
        ("nothing is None is not False", json!(true)),
        ("2 < 1 < 'x'", json!(false)),
        ("((1) < ((2))) and (((3)) > (2))", json!(true)),
        ("[1 < 2, 1 < 2 < 0][1]", json!(false)),
    ]);
}

#[test]
fn numbers_are_pythons_within_64_bits() {
    check(&[
        ("1 + 2 * 3 - 4", json!(3)),
        ("7 / 2", json!(3.5)),
        ("-7 // 2", json!(-4)),
        ("-7 % 3", json!(2)),
        ("7 % -3", json!(-2)),
        ("7.5 // 2", json!(3.0)),
        ("- -age + +1", json!(18)),
        ("total / 2", json!(12.0)),
        ("9223372036854775807", json!(9_223_372_036_854_775_807_i64)),
        ("abs(-3) + abs(-0.5)", json!(3.5)),
        ("round(2.5)", json!(2)),
        ("round(2.675, 2)", json!(2.67)),
        ("int('  42 ') + int(3.9) + int(True)", json!(46)),
        ("float(price) * 2", json!(25.0)),
        ("min(3, 1.5, 2) + max([4, 9])", json!(10.5)),
        ("sum([item.price * item.count for item in cart])", json!(24.0)),
        (".5 + 1e1 + 2.", json!(12.5)),
    ]);
}

#[test]
fn texts_lists_and_dictionaries_have_their_methods() {
    check(&[
        ("name.upper() + ' ' + 'bOB'.capitalize()", json!("ANN Bob")),
        ("'  x '.strip() + 'xxax'.lstrip('x') + 'b!!'.rstrip('!')", json!("xaxb")),
        ("'hello world'.title()", json!("Hello World")),
        ("'a-b-c'.replace('-', '+')", json!("a+b+c")),
        ("' '.join(sorted(words))", json!("apple fig pear")),
        ("'a, b'.split(', ') + ' x  y '.split()", json!(["a", "b", "x", "y"])),
        ("_user_input.startswith('I') and not _user_input.endswith('I')", json!(true)),
        ("city.find('r') + city.index('r') + city.count('ü')", json!(5)),
        ("'x'.find('y')", json!(-1)),
        ("['1'.isdigit(), ''.isdigit(), 'a1'.isalnum(), 'a1'.isalpha()]", json!([true, false, true, false])),
        ("['a'.islower(), 'A1'.isupper(), ' '.isspace()]", json!([true, true, true])),
        ("'ticket-12'.removeprefix('ticket-').removesuffix('2')", json!("1")),
        ("len(city) + len(cart) + len(_customer)", json!(12)),
        ("city[1] + city[-1] + city[1:3] + city[:1] + city[-2:]", json!("ühürZch")),
        ("words[0] + words[-1]", json!("pearfig")),
        ("words[1:] + words[:1]", json!(["apple", "fig", "pear"])),
        ("words[10:]", json!([])),
        ("words.index('fig') + words.count('pear')", json!(3)),
        ("_customer.get('phone', 'none') + _customer.get('name')", json!("noneAnn")),
        ("_customer.get('phone')", json!(null)),
        ("{'a': 1}.keys() + {'a': 1}.values() + {'a': 1}.items()", json!(["a", 1, ["a", 1]])),
        ("{'de': 'Hallo', 'en': 'Hello'}[_lang]", json!("Hallo")),
        ("str(1) + str(2.0) + str(None) + str(True) + str([1, 'x'])", json!("12.0NoneTrue[1,\"x\"]")),
        ("any([w == 'fig' for w in words]) and all([len(w) > 2 for w in words])", json!(true)),
        ("[x + y for x in 'ab' for y in ['1', '2'] if x + y != 'a2']", json!(["a1", "b1", "b2"])),
        ("[k for k in {'a': 1, 'b': 2}]", json!(["a", "b"])),
        ("[[x, {'v': x}] for x in [1]]", json!([[1, {"v": 1}]])),
        ("[name for name in words] + [name]", json!(["pear", "apple", "fig", "Ann"])),
        ("bool(words) and not bool({})", json!(true)),
        ("sorted([3, 1.5, True])", json!([true, 1.5, 3])),
        ("min('b', 'a')", json!("a")),
    ]);
}

#[test]
fn a_dictionary_is_read_by_key_and_by_name() {
    check(&[
        ("_customer.name", json!("Ann")),
        ("_customer[\"name\"]", json!("Ann")),
        ("_customer.address.city", json!("Bonn")),
        ("_customer['address'].city.lower()", json!("bonn")),
        ("_customer.phone", json!(null)),
        ("_customer.phone is None", json!(true)),
        ("cart[0].price > 10", json!(true)),
    ]);
}

#[test]
fn line_breaks_and_wide_spaces_mean_nothing() {
    check(&[
        ("  name == 'Ann'\n  and\tage < 18\r\n", json!(true)),
        ("\u{a0}age\u{a0}>\u{3000}1\u{a0}", json!(true)),
        ("1 <\n age\n <= 17", json!(true)),
        ("'Grüße' == 'Gr\\u00fc\\xdfe'", json!(true)),
        ("'tab\\tquote\\\"back\\\\nul\\x00del\\x7f'", json!("tab\tquote\"back\\nul\0del\u{7f}")),
    ]);
}

#[test]
fn errors_at_run_time_name_the_place_and_never_the_value() {
    let table = [
        ("1 + 1 / (age - 17)", "this divides by zero (character 7)"),
        ("age % 0", "this divides by zero (character 5)"),
        ("age // 0.0", "this divides by zero (character 5)"),
        ("never > 3", "None (nothing) cannot be less or more than a number (character 7)"),
        ("1 < 2 < name", "a number cannot be less or more than a text (character 7)"),
        (
            "'a' + 1",
            "`+` cannot join a text and a number: write str(...) around what is no text (character 5)",
        ),
        ("name * 3", "`*` is for numbers: a text or list is not repeated (character 6)"),
        ("name % 3", "`%` does not fit a text and a number (character 6)"),
        ("int(name)", "this text is not a whole number (character 1)"),
        ("float('inf')", "this text is not a number (character 1)"),
        ("_customer['x']", "there is nothing under this key: .get(...) gives None then (character 10)"),
        ("words[3]", "the list is not that long (character 6)"),
        ("'ü' + city[9]", "the text is not that long (character 11)"),
        ("never.name", "there is no `name` in None (nothing): this has no value yet (character 7)"),
        ("age.name", "there is no `name` in a number (character 5)"),
        ("never.lower()", "`lower` was asked of None (nothing): this has no value yet (character 7)"),
        ("words.lower()", "a list has no method `lower` (character 7)"),
        ("'a' in never", "nothing can be in None (nothing) (character 5)"),
        ("huge + 1", "the number becomes too large (character 6)"),
        ("huge * huge", "the number becomes too large (character 6)"),
        ("1e308 * 10", "the number becomes too large (character 7)"),
        ("len(age)", "a number has no length (character 1)"),
        ("sorted(['a', 1])", "`sorted` cannot order texts and numbers together (character 1)"),
        ("sorted([[1], [2]])", "`sorted` orders numbers or texts, and here is a list (character 1)"),
        ("max([])", "the list is empty (character 1)"),
        ("[x for x in age]", "a `for` cannot go through a number (character 13)"),
        ("'x'.replace('', 'y')", "`replace` cannot look for an empty text (character 5)"),
    ];
    for (source, message) in table {
        let error = evaluate(source).expect_err(source);
        assert_eq!(error.to_string(), message, "{source}");
    }
}

#[test]
fn truth_is_pythons() {
    for source in ["nothing", "empty", "0", "0.0", "[]", "{}", "False", "never_set"] {
        assert_eq!(Expression::compile(source).expect(source).is_true(&session()), Ok(false), "{source}");
    }
    for source in ["name", "age", "cart", "_customer", "'0'", "-1", "[0]", "True"] {
        assert_eq!(Expression::compile(source).expect(source).is_true(&session()), Ok(true), "{source}");
    }
}

#[test]
fn it_knows_the_variables_it_reads() {
    let source = "name == 'x' and [x.y for x in cart if x.z > age] or _customer.name.lower() in zebra";
    let expression = Expression::compile(source).expect("it compiles");
    assert_eq!(expression.names(), ["_customer", "age", "cart", "name", "zebra"]);
    assert_eq!(expression.source(), source);
}

#[test]
fn words_of_the_language_are_no_names_for_variables() {
    for name in ["len", "if", "is", "lambda", "None", "true"] {
        assert!(Expression::is_reserved(name), "{name}");
    }
    for name in ["name", "_user_input", "length", "v_x", "compare"] {
        assert!(!Expression::is_reserved(name), "{name}");
    }
}

#[test]
fn names_of_our_own_steps_are_ordinary_variables() {
    let variables = serde_json::json!({"compare": 1, "chain": 2, "v_x": 3, "expression": 4, "l_x": 5});
    let variables = variables.as_object().expect("an object");
    let source = "[compare + chain + v_x + expression + l_x + x for x in [10]] == [25]";
    assert_eq!(Expression::compile(source).expect("it compiles").evaluate(variables), Ok(json!(true)));
    assert!(Expression::compile("compare(1, 2)").is_err());
}

#[test]
fn one_expression_serves_many_threads() {
    let expression = Expression::compile("len(name) + age").expect("it compiles");
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let expression = expression.clone();
                scope.spawn(move || (0..200).all(|_| expression.evaluate(&session()) == Ok(json!(20))))
            })
            .collect();
        assert!(runs.into_iter().all(|run| run.join().expect("no panic")));
    });
}
