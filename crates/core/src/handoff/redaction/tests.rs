//! What rules take out, what they leave, and that doing it again changes nothing.

use std::sync::LazyLock;

use handoff_model::{Attachment, Content, Person, Source};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rules(values: serde_json::Value) -> Vec<Rule> {
    serde_json::from_value(values).unwrap()
}

fn all() -> Vec<Rule> {
    rules(json!(["card_numbers", "email_addresses", "phone_numbers",
        { "pattern": r"\bC-\d{4}\b", "as": "contract number" }, { "pattern": "(?i)secret|^x+", "as": "secret" }]))
}

/// Compiled once: the properties ask hundreds of times.
static ALL: LazyLock<Redaction> = LazyLock::new(|| Redaction::new(&all()).unwrap());

fn by_all(text: &str) -> (String, Removed) {
    let mut removed = Removed::new();
    (ALL.text(text, &mut removed), removed)
}

fn redacted(rules: &[Rule], text: &str) -> (String, Removed) {
    let mut removed = Removed::new();
    let left = Redaction::new(rules).unwrap().text(text, &mut removed);
    (left, removed)
}

#[test]
fn card_numbers_are_taken_out_and_other_numbers_stay() {
    let card = "[card number removed]";
    let cases = [
        ("4111111111111111", card),
        ("my card 4111 1111 1111 1111, thanks", "my card [card number removed], thanks"),
        ("4111-1111-1111-1111", card),
        ("4111\u{a0}1111 – 1111\u{200b}1111", card),
        ("４１１１１１１１１１１１１１１１", card),
        ("٤١١١١١١١١١١١١١١١", card),
        ("4111   1111   1111   1111", card),
        ("4111    1111    1111    1111", "4111    1111    1111    1111"),
        ("378282246310005", card),
        ("4222222222222", card),
        ("6304000000000000000", card),
        ("order 12345 4111 1111 1111 1111 12/27", "order 12345 [card number removed] 12/27"),
        ("4111111111111112", "4111111111111112"),
        ("411111111111", "411111111111"),
        ("41111111111111111111111", "41111111111111111111111"),
        ("4111\n1111\n1111\n1111", "4111\n1111\n1111\n1111"),
        ("order 20240117-0042 of 2026-11-29", "order 20240117-0042 of 2026-11-29"),
    ];
    for (text, left) in cases {
        assert_eq!(redacted(&[Rule::CardNumbers], text).0, left);
    }
}

#[test]
fn ten_digits_of_a_script_count_and_not_the_sign_after_them() {
    for (first, last, next) in [('0', '9', ':'), ('٠', '٩', '٪'), ('０', '９', '：')] {
        let values = [first, last, next].map(digits::digit);
        assert_eq!(values, [Some(0), Some(9), None]);
    }
}

#[test]
fn telephone_numbers_are_taken_out_and_numbers_of_orders_stay() {
    let gone = [
        "+49 30 1234567",
        "+49 (0)30 123-4567",
        "+4915112345678",
        "(+1) 555 234 5678",
        "+1 (555) 234-5678",
        "030 1234567",
        "030\u{a0}1234567",
        "030–1234567",
        "030 1234567 or later",
        "(030) 1234567",
        "0171/123-4567",
        "0800 123 456",
        "01711234567",
        "01 23 45 67 89",
        "0049 30 1234567",
        "(555) 234-5678",
        "1-555-234-5678",
        "555.234.5678",
        "０３０ １２３４５６７",
    ];
    for number in gone {
        let (left, removed) = redacted(&[Rule::PhoneNumbers], &format!("Call {number}, please"));
        assert!(!left.chars().any(char::is_numeric), "{number}: {left}");
        assert_eq!(removed, Removed::from([("phone numbers".to_owned(), 1)]), "{number}");
    }
    let stays = [
        "4711",
        "1234567890",
        "0012345678",
        "20240117-0042",
        "AB-030 1234567",
        "#030 1234567",
        "028-1234567-1234567",
        "030-1234567-A",
        "030 1234567a",
        "030 1234567_a",
        "030 1234567@a",
        "01.02.2024",
        "2026-11-29 10:15",
        "29/11/2026",
        "192.168.100.200",
        "DE89 3704 0044 0532 0130 00",
        "1Z 999 AA1 01 2345 6784",
        "5+12345678",
        "1.234.567,89",
        "€0171 234567",
    ];
    for number in stays {
        assert_eq!(redacted(&[Rule::PhoneNumbers], number), (number.to_owned(), Removed::new()));
    }
}

#[test]
fn addresses_and_patterns_are_taken_out_and_counted_by_rule() {
    let text = "I am anna.b+x@mail.example.com (or bob@example.org), contract C-1234; secret: C-12345, a@b";
    let (left, removed) = redacted(&all(), text);
    assert_eq!(
        left,
        "I am [e-mail address removed] (or [e-mail address removed]), contract [contract number removed]; [secret removed]: C-12345, a@b"
    );
    let counts = [("contract number", 1), ("e-mail addresses", 2), ("secret", 1)];
    assert_eq!(removed, counts.map(|(name, times)| (name.to_owned(), times)).into());
}

#[test]
fn a_piece_that_is_taken_apart_too_often_is_taken_out_whole() {
    let rules = rules(json!([{ "pattern": "^a", "as": "letter" }]));
    let (left, removed) = redacted(&rules, &"a".repeat(32_000));
    assert_eq!(left, "[letter removed]".repeat(51));
    assert_eq!(removed["letter"], 51);
}

#[test]
fn names_of_files_and_answers_are_redacted_and_places_of_files_are_not() {
    let content = Content {
        text: String::new(),
        quick_replies: vec!["anna@example.com".to_owned()],
        attachments: vec![Attachment {
            name: "4111 1111 1111 1111.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            source: Source::Blob("4111111111111111".to_owned()),
        }],
    };
    let left = Redaction::new(&all()).unwrap().content(content, &mut Removed::new());
    assert_eq!(left.quick_replies, ["[e-mail address removed]"]);
    assert_eq!(left.attachments[0].name, "[card number removed].pdf");
    assert_eq!(left.attachments[0].source, Source::Blob("4111111111111111".to_owned()));
}

#[test]
fn fields_of_the_person_stay_here_by_name_or_because_of_what_they_hold() {
    let person = Person {
        id: "anna@example.com".to_owned(),
        name: Some("Anna anna@example.com".to_owned()),
        email: Some("anna@example.com".to_owned()),
        phone: Some("+49 30 1234567".to_owned()),
        language: Some("de".to_owned()),
    };
    let redaction = Redaction::new(&rules(json!(["email_addresses", { "field": "person.phone" }]))).unwrap();
    let mut removed = Removed::new();
    let left = redaction.person(person.clone(), &mut removed);
    assert_eq!(left.name.as_deref(), Some("Anna [e-mail address removed]"));
    assert_eq!((left.email, left.phone, left.language.as_deref()), (None, None, Some("de")));
    assert_eq!(removed, Removed::from([("e-mail addresses".to_owned(), 2), ("person.phone".to_owned(), 1)]));
    // Another name for the person, and always the same.
    assert_eq!((left.id.len(), left.id.contains('@')), (32, false));
    assert_eq!(left.id, redaction.person(person, &mut Removed::new()).id);
}

#[test]
fn options_are_redacted_but_for_where_the_chat_goes() {
    let options = json!({ "group": "4111111111111111", "subject": "Card 4111111111111111",
        "fields": { "7": 4_111_111_111_111_111_i64, "8": ["a@example.com", true], "9": "mine" } });
    let redaction = Redaction::new(&rules(
        json!(["card_numbers", "email_addresses", { "field": "options.fields.9" }, { "field": "options.none" }]),
    ))
    .unwrap();
    let mut removed = Removed::new();
    let left = redaction.options(&options, |name| name == "group", &mut removed);
    let expected = json!({ "group": "4111111111111111", "subject": "Card [card number removed]",
        "fields": { "7": "[card number removed]", "8": ["[e-mail address removed]", true] } });
    assert_eq!(left, expected);
    assert_eq!((removed["card numbers"], removed["options.fields.9"], removed.len()), (2, 1, 3));
}

#[test]
fn rules_that_cannot_be_are_refused_with_the_reason() {
    let refused = [
        (json!([{ "pattern": "a*" }]), "where nothing stands"),
        (json!([{ "pattern": r"\b" }]), "where nothing stands"),
        (json!([{ "pattern": "(" }]), "unclosed group"),
        (json!([{ "pattern": r"(a)\1" }]), "backreferences are not supported"),
        (json!([{ "pattern": "(a{1000}){1000}" }]), "size"),
        (json!([{ "pattern": "a".repeat(501) }]), "at most 500 bytes"),
        (json!([{ "pattern": "a", "as": "[x]" }]), "letters, digits"),
        (json!([{ "pattern": "a", "as": "" }]), "letters, digits"),
        (json!([{ "pattern": "a" }, { "pattern": "b" }]), "two rules \"text\""),
        (json!(["card_numbers", "card_numbers"]), "two rules \"card numbers\""),
        (json!([{ "field": "person.id" }]), "no field \"person.id\""),
        (json!([{ "field": "options" }]), "no field \"options\""),
    ];
    for (written, reason) in refused {
        let problems = Redaction::new(&rules(written.clone())).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(reason)), "{written}: {problems:?}");
    }
    for written in [
        json!("iban"),
        json!({ "pattern": 1 }),
        json!({ "field": "person.name", "as": "x" }),
        json!({ "pattern": "a", "name": "x" }),
    ] {
        let error = serde_json::from_value::<Rule>(written).unwrap_err();
        assert!(error.to_string().contains("is no rule"), "{error}");
    }
}

#[test]
fn twenty_rules_and_a_pattern_of_500_bytes_are_the_most() {
    let fields = |many: usize| (0..many).map(|n| Rule::Field(format!("options.f{n}"))).collect::<Vec<_>>();
    assert!(Redaction::new(&fields(20)).is_ok());
    assert_eq!(Redaction::new(&fields(21)).unwrap_err(), ["redact: at most 20 rules; there are 21"]);
    assert!(Redaction::new(&rules(json!([{ "pattern": "a".repeat(500) }]))).is_ok());
}

#[test]
fn rules_are_written_as_they_were_read() {
    let written = json!(["card_numbers", { "pattern": "a", "as": "letter" }, { "field": "options.subject" }]);
    assert_eq!(serde_json::to_value(rules(written.clone())).unwrap(), written);
}

/// Texts in which what is looked for stands close together, and half of it.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("4111 1111 1111 1111".to_owned()),
        Just("378282246310005".to_owned()),
        Just("anna@example.com".to_owned()),
        Just("030 1234567".to_owned()),
        Just("+49 171 1234567".to_owned()),
        Just("C-1234".to_owned()),
        Just("secret".to_owned()),
        Just("xx".to_owned()),
        Just("[card number removed]".to_owned()),
        Just("[phone".to_owned()),
        "[0-9 +()/.@-]{0,8}",
        "[a-z@. \\[\\]]{0,6}",
        "\\PC{0,3}",
        "[0-9]{10,20}",
    ];
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_that_fits_a_rule_leaves(text in texts()) {
        let left = by_all(&text).0;
        // What is built in finds nothing in the whole of it, and a pattern nothing between the markers.
        for finder in &ALL.words.finders()[..3] {
            prop_assert!(finder.find(&left).is_empty(), "{:?} in {:?}", finder, left);
        }
        for piece in ALL.words.pieces(&left) {
            for finder in ALL.words.finders() {
                prop_assert!(finder.find(piece).is_empty(), "{:?} in {:?}", finder, piece);
            }
        }
    }

    #[test]
    fn what_is_redacted_again_stays_as_it_is(text in texts()) {
        let left = by_all(&text).0;
        prop_assert_eq!(by_all(&left), (left, Removed::new()));
    }

    #[test]
    fn a_text_in_which_nothing_fits_stays_as_it_is(text in texts()) {
        let (left, removed) = by_all(&text);
        prop_assert_eq!(removed.is_empty(), left == text);
        let plain: String = text.chars().filter(|c| !c.is_numeric() && *c != '@').collect();
        let only = [Rule::CardNumbers, Rule::EmailAddresses, Rule::PhoneNumbers];
        prop_assert_eq!(redacted(&only, &plain), (plain, Removed::new()));
    }
}
