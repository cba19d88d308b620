//! What is not accepted, and what the author is told.

use super::Expression;

/// What an author may write, and the whole answer.
const REFUSED: &[(&str, &str)] = &[
    ("", "the expression is empty (character 1)"),
    ("  \n ", "the expression is empty (character 1)"),
    ("name = 'Ann'", "one `=` would set a variable: write == to compare (character 6)"),
    ("a := 1", "a variable is set by the action Set Chat Variable: write == to compare (character 3)"),
    ("a && b", "write `and` (character 3)"),
    ("a || b", "write `or` (character 3)"),
    ("!a", "write `not` (character 1)"),
    ("a === b", "write == to compare (character 3)"),
    ("a <> b", "write != to compare (character 3)"),
    ("a ? 1 : 2", "a choice is written as: this if condition else that (character 3)"),
    ("a is b", "`is` is for None, True and False: write == (character 3)"),
    ("a is not 'x'", "`is not` is for None, True and False: write != (character 3)"),
    ("a == true", "write True (character 6)"),
    ("a == null", "write None (character 6)"),
    ("2 ** 8", "powers are not available (character 3)"),
    ("1 << 1000000000", "shifts are not available (character 3)"),
    ("a | b", "write `or` (character 3)"),
    ("~a", "write `not` (character 1)"),
    ("f\"{name}\"", F_STRING),
    ("b'x'", F_STRING),
    ("\"\"\"x\"\"\"", "a text is written between single quotation marks, not three of them (character 1)"),
    ("“Ann” == name", "write straight quotation marks: \" or ' (character 1)"),
    ("name == 'Ann", "this text is not closed by a quotation mark (character 9)"),
    ("name == 'An\nn'", "this text is not closed by a quotation mark (character 9)"),
    ("имя == 1", "a name is made of the letters a to z, digits and _ (character 1)"),
    ("größe == 1", "a name is made of the letters a to z, digits and _ (character 1)"),
    ("1 # one", "a comment is not available in an expression (character 3)"),
    ("lambda: 1", "`lambda` is not available in an expression (character 1)"),
    ("def f(): pass", "`def` is not available in an expression (character 1)"),
    ("load('x', 'y')", "`load` is not available in an expression (character 1)"),
    ("import os", "`import` is not available in an expression (character 1)"),
    ("a; b", "one expression is all there can be: leave out the `;` (character 2)"),
    ("a, b", "several values are written as a list: [1, 2] (character 2)"),
    ("a b", "`b` was not expected here (character 3)"),
    ("a\nb", "`b` was not expected here (character 3)"),
    ("a ==", "something is missing at the end (character 5)"),
    ("== a", "`==` was not expected here (character 1)"),
    ("(a", "this `(` is never closed (character 1)"),
    ("a)", "there is no bracket that this `)` closes (character 2)"),
    ("(a]", "there is no bracket that this `]` closes (character 3)"),
    ("a) + (b", "there is no bracket that this `)` closes (character 2)"),
    ("12abc", "this is not a number: write it as 12 or 12.5 (character 1)"),
    ("0x10", "this is not a number: write it as 12 or 12.5 (character 1)"),
    ("007", "this is not a number: write it as 12 or 12.5 (character 1)"),
    ("1..2", "this is not a number: write it as 12 or 12.5 (character 1)"),
    ("a == 9223372036854775808", "this number is too large (character 6)"),
    ("1e999", "this number is too large (character 1)"),
    ("len", "`len` is a function: write len(...) (character 1)"),
    ("range(10)", "there is no function `range`: write [item for item in list if condition] (character 1)"),
    ("len()", "`len` takes one value, and was given 0 (character 1)"),
    ("round(1, 2, 3)", "`round` takes 1 to 2 values, and was given 3 (character 1)"),
    (
        "a.format(b)",
        "`format` is not available: join texts with +, or write { } in the text itself (character 3)",
    ),
    ("a.elems()", "there is no method `elems` (character 3)"),
    ("a.lower(1)", "`lower` takes nothing between its brackets (character 3)"),
    ("a[0](1)", "only a function or a method is called with ( ) (character 1)"),
    ("len(*a)", "only plain values are given to a function (character 5)"),
    ("any(x for x in y)", "put [ ] around a `for`, as in any([x > 1 for x in list]) (character 7)"),
    ("{x: 1 for x in y}", "put [ ] around a `for`, as in any([x > 1 for x in list]) (character 7)"),
    ("[a for a, b in c]", "a `for` takes one name: [x for x in list] (character 8)"),
    ("{a: 1}", "a key in { } is written as a text: {\"en\": ...} (character 2)"),
    ("{'a': 1, 'a': 2}", "this key is there twice (character 10)"),
    ("a[1:2:3]", "only [index] and [from:to] are available (character 1)"),
    ("a[1, 2]", "only [index] and [from:to] are available (character 1)"),
    ("'a' * 3", "`*` is for numbers: a text or list is not repeated (character 1)"),
    ("3 * [0]", "`*` is for numbers: a text or list is not repeated (character 1)"),
    ("'%s' % a", "`%` is for numbers: join texts with + (character 1)"),
    ("...", "`.` was not expected here (character 1)"),
    ("a.", "something is missing at the end (character 3)"),
    ("a.'x'", "`'x'` was not expected here (character 3)"),
    ("'a' 'b'", "`'b'` was not expected here (character 5)"),
    ("a == not b", "`not` was not expected here (character 6)"),
    ("a not b", "`b` was not expected here (character 7)"),
    ("a\0b", "this character has no meaning here (character 2)"),
    ("'\\x4'", "this text cannot be read: a backslash is written as \\\\ (character 1)"),
];

const F_STRING: &str = "a letter right before a quotation mark (such as f\"...\") is not available: write the text \
                        alone, and join texts with + (character 1)";

#[test]
fn what_is_refused_says_where_and_what_to_write() {
    for &(source, message) in REFUSED {
        let error = Expression::compile(source).expect_err(source);
        assert_eq!(error.to_string(), message, "{source}");
    }
}

#[test]
fn an_unknown_function_is_answered_with_those_there_are() {
    let error = Expression::compile("1 + foo(2)").expect_err("there is no foo").to_string();
    assert!(error.starts_with("there is no function `foo`; there are abs, all,"), "{error}");
    assert!(error.ends_with("(character 5)"), "{error}");
}

#[test]
fn every_error_of_an_author_has_a_position() {
    for source in ["a =", "'", "(", "foo()", "1e999"] {
        let position = Expression::compile(source).expect_err(source).position();
        assert!(position.is_some_and(|position| (1..=source.len() + 1).contains(&position)), "{source}");
    }
}
