//! Texts with expressions in them.

use super::super::Text;
use super::session;

fn render(source: &str) -> String {
    Text::compile(source).expect(source).render(&session()).expect(source)
}

#[test]
fn expressions_are_written_into_the_text() {
    let table = [
        ("", ""),
        ("Hello", "Hello"),
        ("Hello {name}!", "Hello Ann!"),
        ("{ _customer.name } from { _customer.address.city }", "Ann from Bonn"),
        ("{nothing}{never}{_customer.phone}.", "."),
        (
            "{yes} {not yes} {age} {total} {total / 7 * 1e20} {0.00001}",
            "True False 17 24.0 3.428571428571428e+20 1e-05",
        ),
        ("{words}", r#"["pear","apple","fig"]"#),
        ("{_customer.address} {[None, True]}", r#"{"city":"Bonn"} [null,true]"#),
        ("{{ {name} }} {{}} {{{age}}}", "{ Ann } {} {17}"),
        ("{ {'de': 'Hallo', 'en': 'Hello'}[_lang] }", "Hallo"),
        ("{ '}' + \"{\" + '\\'}' }", "}{'}"),
        ("Grüße, {city}: {'ja' if age > 1 else 'nein'}", "Grüße, Zürich: ja"),
        ("{age} is not {name} is {1 < age < 20}", "17 is not Ann is True"),
    ];
    for (source, expected) in table {
        assert_eq!(render(source), expected, "{source}");
    }
}

#[test]
fn what_is_wrong_in_a_text_is_placed_in_the_text() {
    let table = [
        ("Hi { name", "this { is never closed: a brace is written as {{ (character 4)"),
        ("Hi } name", "this } closes nothing: a brace is written as }} (character 4)"),
        ("Grüße {name = 1}", "one `=` would set a variable: write == to compare (character 13)"),
        ("Hi {}", "the expression is empty (character 5)"),
        ("Hi {'x}", "this text is not closed by a quotation mark (character 5)"),
        ("Hi {name:>10}", "`:` was not expected here (character 9)"),
    ];
    for (source, message) in table {
        assert_eq!(Text::compile(source).expect_err(source).to_string(), message, "{source}");
    }
    let text = Text::compile("Grüße {1 / (age - 17)}").expect("it compiles");
    let error = text.render(&session()).expect_err("it divides by zero").to_string();
    assert_eq!(error, "this divides by zero (character 10)");
}

#[test]
fn it_knows_the_variables_of_all_its_parts() {
    let text = Text::compile("{b} {a.c} {b + [d for d in a]}").expect("it compiles");
    assert_eq!(text.names(), ["a", "b"]);
    assert_eq!(text.source(), "{b} {a.c} {b + [d for d in a]}");
}

#[test]
fn a_text_has_limits_of_its_own() {
    assert!(Text::compile(&"x".repeat(64 * 1024)).is_ok());
    assert!(Text::compile(&"x".repeat(64 * 1024 + 1)).is_err());
    assert!(Text::compile(&"{a}".repeat(100)).is_ok());
    assert!(Text::compile(&"{a}".repeat(101)).is_err());
    let text = Text::compile(&"{a}".repeat(100)).expect("it compiles");
    let variables = serde_json::json!({"a": "x".repeat(1000)});
    let error = text.render(variables.as_object().expect("an object")).expect_err("100 KB");
    assert!(error.to_string().starts_with("the text would become longer than 64 KB"), "{error}");
}
