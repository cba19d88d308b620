//! Reading what Bitrix24 writes: the same value comes as string, number or boolean, and an empty
//! value may as well be missing.

use serde_json::Value;

/// A whole number above zero, from a number or a string of digits. Bitrix24's ids begin at 1, and 0
/// stands for nobody.
pub(crate) fn id(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| *number > 0)
}

/// The first of these members that is an id.
pub(crate) fn first_id(object: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| id(&object[*name]))
}

/// Whether a value stands for *yes*.
pub(crate) fn is_yes(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(word) => matches!(word.as_str(), "1" | "Y" | "y" | "true"),
        _ => false,
    }
}

/// A text, empty when there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The values of a list, which PHP also writes as a map with counted keys.
pub(crate) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// The session within the chat: the sixth field of the chat's `entity_data_1`.
pub(crate) fn session(entity_data_1: &str) -> Option<String> {
    let field = entity_data_1.split('|').nth(5).map(str::trim)?;
    (!field.is_empty() && field != "0").then(|| field.to_owned())
}

/// The open channel of a chat: the second field of its `entity_id`.
pub(crate) fn line(entity_id: &str) -> Option<u64> {
    entity_id.split('|').nth(1)?.parse().ok().filter(|line| *line > 0)
}

/// The person's user number on the portal: the fourth field of the chat's `entity_id`.
pub(crate) fn customer(entity_id: &str) -> Option<&str> {
    entity_id.split('|').nth(3).filter(|user| !user.is_empty() && *user != "0")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_comes_from_a_string_or_a_number_and_zero_is_nobody() {
        let cases = [
            (json!("22"), Some(22)),
            (json!(22), Some(22)),
            (json!(" 7 "), Some(7)),
            (json!("0"), None),
            (json!(0), None),
            (json!(""), None),
            (json!("x"), None),
            (json!(null), None),
            (json!([]), None),
            (json!(-3), None),
        ];
        for (value, expected) in cases {
            assert_eq!(id(&value), expected, "{value}");
        }
    }

    #[test]
    fn yes_has_many_spellings() {
        for yes in [json!("Y"), json!("1"), json!(1), json!(true), json!("true")] {
            assert!(is_yes(&yes), "{yes}");
        }
        for no in [json!("N"), json!("0"), json!(0), json!(false), json!(""), json!(null), json!([])] {
            assert!(!is_yes(&no), "{no}");
        }
    }

    #[test]
    fn the_session_is_the_sixth_field_and_may_be_missing() {
        assert_eq!(session("Y|DEAL|1207|N|N|343|1691226894|0|0|0").as_deref(), Some("343"));
        for none in ["", "N|NONE|0|N|N", "N|NONE|0|N|N|0|0", "N|NONE|0|N|N||"] {
            assert_eq!(session(none), None, "{none}");
        }
    }

    #[test]
    fn line_and_customer_are_read_from_the_chats_name() {
        assert_eq!(line("livechat|22|1775|599"), Some(22));
        assert_eq!(customer("livechat|22|1775|599"), Some("599"));
        assert_eq!((line("livechat"), customer("livechat|22|1775|0")), (None, None));
    }
}
