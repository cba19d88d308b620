//! PHP's way of putting nested data into form fields, in both directions.
//!
//! Bitrix24 is written in PHP: it accepts `fields[name]=Bot&LIST[0][id]=1` as well as
//! JSON, and its events leave through `http_build_query`, where everything is a string.

use serde_json::{Map, Value};
use url::form_urlencoded::{Serializer, parse};

/// PHP's own default for `max_input_vars`: further fields are dropped.
const MOST_FIELDS: usize = 1000;

/// PHP's own default for `max_input_nesting_level`: deeper fields are dropped.
const DEEPEST: usize = 64;

/// Writes `value` under `name`, as `http_build_query` does after the event system has
/// turned booleans into `1` and `0` and nulls into empty strings.
///
/// Empty arrays and objects leave no trace.
pub(super) fn encode(fields: &[(&str, &Value)]) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in fields {
        append(&mut form, (*name).to_owned(), value);
    }
    form.finish()
}

fn append(form: &mut Serializer<'_, String>, name: String, value: &Value) {
    match value {
        Value::Null => drop(form.append_pair(&name, "")),
        Value::Bool(yes) => drop(form.append_pair(&name, if *yes { "1" } else { "0" })),
        Value::Number(number) => drop(form.append_pair(&name, &number.to_string())),
        Value::String(text) => drop(form.append_pair(&name, text)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                append(form, format!("{name}[{index}]"), item);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                append(form, format!("{name}[{key}]"), item);
            }
        }
    }
}

/// Reads form fields as PHP does: bracket keys become maps, counted keys become lists.
/// Every scalar is a string.
pub(super) fn decode(form: &[u8]) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, text) in parse(form).take(MOST_FIELDS) {
        let path = path(&name);
        if path.len() <= DEEPEST {
            insert(&mut root, &path, text.into_owned());
        }
    }
    root.into_iter().map(|(key, value)| (key, listed(value))).collect()
}

/// `a[b][0][]` as `a`, `b`, `0` and an empty key.
fn path(name: &str) -> Vec<&str> {
    let Some((first, mut rest)) = name.split_once('[').filter(|(first, _)| !first.is_empty()) else {
        return vec![name];
    };
    let mut path = vec![first];
    while let Some((key, after)) = rest.split_once(']') {
        path.push(key);
        match after.strip_prefix('[') {
            Some(next) => rest = next,
            None => break,
        }
    }
    path
}

fn insert(map: &mut Map<String, Value>, path: &[&str], text: String) {
    let Some((key, rest)) = path.split_first() else { return };
    let key = if key.is_empty() { next_index(map) } else { (*key).to_owned() };
    if rest.is_empty() {
        map.insert(key, Value::String(text));
        return;
    }
    let inner = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    // A scalar that turns out to have keys is replaced, as in PHP.
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        insert(inner, rest, text);
    }
}

fn next_index(map: &Map<String, Value>) -> String {
    let highest = map.keys().filter_map(|key| key.parse::<u64>().ok()).max();
    highest.map_or(0, |highest| highest + 1).to_string()
}

/// Maps whose keys count 0, 1, 2 … as lists, all the way down.
fn listed(value: Value) -> Value {
    let Value::Object(mut map) = value else { return value };
    let counted = !map.is_empty() && (0..map.len()).all(|index| map.contains_key(&index.to_string()));
    if counted {
        let items = (0..map.len()).filter_map(|index| map.remove(&index.to_string()));
        return Value::Array(items.map(listed).collect());
    }
    Value::Object(map.into_iter().map(|(key, value)| (key, listed(value))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_strings_and_empty_maps_vanish() {
        let data = json!({"on": true, "off": false, "nil": null, "n": 7, "none": {}, "nobody": []});
        let form = encode(&[("data", &data)]);
        let read = decode(form.as_bytes());
        assert_eq!(Value::Object(read), json!({"data": {"on": "1", "off": "0", "nil": "", "n": "7"}}));
    }

    #[test]
    fn brackets_are_percent_encoded_and_spaces_are_pluses() {
        assert_eq!(encode(&[("data", &json!({"a": ["x y"]}))]), "data%5Ba%5D%5B0%5D=x+y");
    }

    #[test]
    fn bracket_keys_are_read_as_php_reads_them() {
        let cases = [
            ("a=1", json!({"a": "1"})),
            ("a[b][c]=1&a[b][d]=2", json!({"a": {"b": {"c": "1", "d": "2"}}})),
            ("a[0][x]=1&a[1][x]=2", json!({"a": [{"x": "1"}, {"x": "2"}]})),
            ("a[]=1&a[]=2", json!({"a": ["1", "2"]})),
            ("a[1]=1", json!({"a": {"1": "1"}})),
            ("a=1&a[b]=2", json!({"a": {"b": "2"}})),
            ("[x]=1", json!({"[x]": "1"})),
            ("a%5Bb%5D=%D1%8F+z", json!({"a": {"b": "я z"}})),
        ];
        for (form, expected) in cases {
            assert_eq!(Value::Object(decode(form.as_bytes())), expected, "{form}");
        }
    }
}
