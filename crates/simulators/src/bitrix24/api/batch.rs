//! `batch`: up to fifty calls in one.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::php;
use super::super::state::State;
use super::super::views::php_map;
use super::answer::{Outcome, bad, error, ok};
use super::gate::{self, Caller};
use super::params::{Params, as_text};

/// Calls in one batch, as documented.
const MOST: usize = 50;

/// Runs the commands in order, each of which may use the results of those before it.
pub(super) fn run(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let commands = commands(&params);
    if commands.len() > MOST {
        return Err(bad("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"));
    }
    let halt = params.flag("halt", false);
    let (mut results, mut errors) = (Map::new(), Map::new());
    for (key, command) in commands {
        match one(state, caller, &with_results(&command, &results)) {
            Ok(answer) => drop(results.insert(key, answer.result)),
            Err(refused) => {
                errors.insert(key, refused.to_json());
                if halt {
                    break;
                }
            }
        }
    }
    ok(json!({
        "result": php_map(results), "result_error": php_map(errors), "result_total": [], "result_next": [],
        "result_time": [],
    }))
}

fn commands(params: &Params) -> Vec<(String, String)> {
    match params.get("cmd") {
        Some(Value::Object(map)) => {
            map.iter().filter_map(|(key, command)| Some((key.clone(), as_text(command)?))).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .filter_map(|(key, command)| Some((key.to_string(), as_text(command)?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn one(state: &mut State, caller: Caller, command: &str) -> Outcome {
    let (method, query) = command.split_once('?').unwrap_or((command, ""));
    if method.eq_ignore_ascii_case("batch") {
        let text = "Method is not allowed for batch usage";
        return Err(error(StatusCode::METHOD_NOT_ALLOWED, "ERROR_BATCH_METHOD_NOT_ALLOWED", text));
    }
    gate::run(state, caller, method, Params::new(php::decode(query.as_bytes())))
}

/// Puts earlier results in place of `$result[key][inner]`.
fn with_results(command: &str, results: &Map<String, Value>) -> String {
    let mut pieces = command.split("$result");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (value, rest) = lookup(piece, results);
        text.push_str(&url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>());
        text.push_str(rest);
    }
    text
}

fn lookup<'a>(reference: &'a str, results: &Map<String, Value>) -> (String, &'a str) {
    let mut found = Value::Object(results.clone());
    let mut rest = reference;
    while let Some((key, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        found = match &found {
            Value::Array(list) => key.parse::<usize>().ok().and_then(|index| list.get(index).cloned()),
            other => other.get(key).cloned(),
        }
        .unwrap_or(Value::Null);
        rest = after;
    }
    (as_text(&found).unwrap_or_default(), rest)
}
