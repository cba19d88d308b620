//! Form bodies as PHP writes them: `data[message][id]=7` becomes `{"data":{"message":{"id":"7"}}}`.
//!
//! Bitrix24's events are never JSON. Lists stay maps with the keys `0`, `1`, …; every scalar is a
//! string. Whoever sends is not known yet when this runs, so everything has a limit.

use serde_json::{Map, Value};

/// Longest body in bytes. A text of 20 000 characters takes up to 240 000, and comes once or twice.
const LONGEST: usize = 1 << 20;

/// Most fields in one body.
const MOST_FIELDS: usize = 2_000;

/// Most keys in one field's name.
const DEEPEST: usize = 16;

/// Which limit a body is beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Length,
    Fields,
    Depth,
}

impl Unreadable {
    /// A sentence about it.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Length => format!("the form is longer than {LONGEST} bytes"),
            Self::Fields => format!("the form has more than {MOST_FIELDS} fields"),
            Self::Depth => format!("a field of the form is nested more than {DEEPEST} deep"),
        }
    }
}

/// Reads a form. Of two values for one name the later counts, and whatever is no form gives odd
/// names rather than an error.
pub(crate) fn parse(body: &str) -> Result<Value, Unreadable> {
    if body.len() > LONGEST {
        return Err(Unreadable::Length);
    }
    let mut root = Map::new();
    for (count, (name, value)) in form_urlencoded::parse(body.as_bytes()).enumerate() {
        if count >= MOST_FIELDS {
            return Err(Unreadable::Fields);
        }
        let path = path(&name);
        if path.len() > DEEPEST {
            return Err(Unreadable::Depth);
        }
        insert(&mut root, &path, value.into_owned());
    }
    Ok(Value::Object(root))
}

/// The keys in a field's name: `a[b][]` is `a`, `b` and an empty key.
fn path(name: &str) -> Vec<&str> {
    let Some((first, mut rest)) = name.split_once('[').filter(|(first, _)| !first.is_empty()) else {
        return vec![name];
    };
    let mut path = vec![first];
    while let Some((key, after)) = rest.split_once(']') {
        path.push(key);
        match after.strip_prefix('[') {
            Some(next) => rest = next,
            None => return path,
        }
    }
    // A bracket that nobody closes belongs to the name.
    if path.len() == 1 { vec![name] } else { path }
}

fn insert(root: &mut Map<String, Value>, path: &[&str], text: String) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut map = root;
    for key in parents {
        let key = key_in(map, key);
        let place = map.entry(key).or_insert_with(empty);
        if !place.is_object() {
            *place = empty();
        }
        match place {
            Value::Object(inner) => map = inner,
            // It was made an object just before.
            _ => return,
        }
    }
    let key = key_in(map, last);
    map.insert(key, Value::String(text));
}

/// The key itself, or the next free number for an empty one.
fn key_in(map: &Map<String, Value>, key: &str) -> String {
    if !key.is_empty() {
        return key.to_owned();
    }
    // Counting is enough: Bitrix24 writes its numbers out, and a clash would only replace.
    map.len().to_string()
}

fn empty() -> Value {
    Value::Object(Map::new())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use serde_json::json;

    use super::*;

    /// PHP's `http_build_query`, for maps of maps of strings. Empty maps leave no trace.
    fn encode(value: &Value) -> String {
        fn append(form: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
            match value {
                Value::Object(map) => {
                    for (key, inner) in map {
                        let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                        append(form, &name, inner);
                    }
                }
                other => drop(form.append_pair(name, other.as_str().unwrap_or_default())),
            }
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        append(&mut form, "", value);
        form.finish()
    }

    fn tree() -> impl Strategy<Value = Value> {
        let key = "[a-zA-Z0-9_. &=%+\u{e9}]{1,6}";
        let leaf = any::<String>().prop_map(Value::String);
        let tree = leaf.prop_recursive(4, 40, 5, move |inner| {
            btree_map(key, inner, 1..5).prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        btree_map(key, tree, 0..5).prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn what_php_encodes_is_read_back(tree in tree()) {
            prop_assert_eq!(parse(&encode(&tree)), Ok(tree));
        }

        #[test]
        fn no_body_is_too_strange(body in "\\PC{0,200}", brackets in "[a\\[\\]=&%0-9]{0,200}") {
            prop_assert!(parse(&body).is_ok_and(|form| form.is_object()));
            let odd = parse(&brackets);
            prop_assert!(matches!(odd, Ok(Value::Object(_)) | Err(Unreadable::Depth)));
        }
    }

    #[test]
    fn names_are_read_as_php_reads_them() {
        let cases = [
            ("", json!({})),
            ("data=107", json!({ "data": "107" })),
            ("data=107&data[a]=1", json!({ "data": { "a": "1" } })),
            ("data[a]=1&data=107", json!({ "data": "107" })),
            ("a%5Bb%5D%5Bc%5D=x+y%26z", json!({ "a": { "b": { "c": "x y&z" } } })),
            ("a[]=1&a[]=2", json!({ "a": { "0": "1", "1": "2" } })),
            ("a[b]tail=1", json!({ "a": { "b": "1" } })),
            ("a[b=1", json!({ "a[b": "1" })),
            ("[a]=1", json!({ "[a]": "1" })),
            ("a=1&a=2", json!({ "a": "2" })),
            ("a", json!({ "a": "" })),
        ];
        for (body, expected) in cases {
            assert_eq!(parse(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn a_body_beyond_a_limit_is_refused() {
        assert_eq!(parse(&"a".repeat(LONGEST + 1)), Err(Unreadable::Length));
        assert_eq!(parse(&"a=1&".repeat(MOST_FIELDS + 1)), Err(Unreadable::Fields));
        assert!(parse(&"a=1&".repeat(MOST_FIELDS)).is_ok());
        assert_eq!(parse(&format!("a{}=1", "[b]".repeat(DEEPEST))), Err(Unreadable::Depth));
        assert!(parse(&format!("a{}=1", "[b]".repeat(DEEPEST - 1))).is_ok());
    }
}
