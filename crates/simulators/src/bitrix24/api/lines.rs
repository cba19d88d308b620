//! `imopenlines.config.*`: the lines and their settings.

use serde_json::{Map, Value, json};

use super::super::line::Line;
use super::super::state::State;
use super::answer::{Error, Outcome, bad, ok};
use super::gate::Caller;
use super::params::{Params, as_text};

/// Lines on a page, as documented.
const MOST_LINES: i64 = 200;

/// `imopenlines.revision.get`.
pub(super) fn revision(_: &mut State, _: Caller, _: Params) -> Outcome {
    ok(json!({ "rest": 2, "web": 1, "mobile": 1 }))
}

/// `imopenlines.config.list.get`.
pub(super) fn list(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let (wishes, options) = (params.nested("PARAMS"), params.nested("OPTIONS").upper());
    let filter = wishes.nested("filter");
    let mut found: Vec<&Line> = state.lines.values().filter(|line| fits(line, &filter)).collect();
    if wishes.nested("order").text("ID").is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
        found.reverse();
    }
    let limit = wishes.id("limit").unwrap_or(50).min(MOST_LINES) as usize;
    let offset = wishes.id("offset").unwrap_or(0) as usize;
    let row = |line: &Line| {
        let mut row = fields(line);
        if let Some(Value::Array(select)) = wishes.get("select") {
            row.retain(|name, _| name == "ID" || select.iter().any(|wanted| wanted == name || wanted == "*"));
        }
        if options.flag("QUEUE", false) {
            row.insert("QUEUE".to_owned(), json!(line.queue));
        }
        if options.flag("CONFIG_QUEUE", false) {
            let entries =
                line.queue.iter().map(|id| json!({ "ENTITY_ID": id.to_string(), "ENTITY_TYPE": "user" }));
            row.insert("CONFIG_QUEUE".to_owned(), entries.collect());
        }
        Value::Object(row)
    };
    ok(found.into_iter().skip(offset).take(limit).map(row).collect())
}

/// `imopenlines.config.get`: an object, or `false` when there is no such line.
pub(super) fn get(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let id = config_id(&params)?;
    let Some(line) = state.lines.get(&id) else { return ok(json!(false)) };
    let mut row = fields(line);
    row.insert("DATE_CREATE".to_owned(), json!({}));
    let is_online = |id: &&i64| state.users.get(id).is_some_and(|user| user.online);
    if params.flag("WITH_QUEUE", true) {
        let all = params.flag("SHOW_OFFLINE", true);
        let queue = line.queue.iter().filter(|id| all || is_online(id)).map(|id| json!(id.to_string()));
        row.insert("QUEUE".to_owned(), queue.collect());
    }
    let online = line.queue.iter().any(|id| is_online(&id));
    row.insert("QUEUE_ONLINE".to_owned(), json!(if online { "Y" } else { "N" }));
    ok(Value::Object(row))
}

/// `imopenlines.config.add`: a new line's id.
pub(super) fn add(state: &mut State, _: Caller, params: Params) -> Outcome {
    let wishes = params.upper().nested("PARAMS");
    ok(json!(state.add_line(None, &wishes)))
}

/// `imopenlines.config.update`.
pub(super) fn update(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let id = config_id(&params)?;
    let Some(line) = state.lines.get_mut(&id) else { return ok(json!(false)) };
    line.set(&params.nested("PARAMS"));
    ok(json!(true))
}

/// `imopenlines.config.delete`.
pub(super) fn delete(state: &mut State, _: Caller, params: Params) -> Outcome {
    let id = config_id(&params.upper())?;
    ok(json!(state.delete_line(id)))
}

fn config_id(params: &Params) -> Result<i64, Error> {
    params.id("CONFIG_ID").ok_or(bad("CONFIG_ID_EMPTY", "Config id is empty"))
}

/// All settings as strings, the id among them.
fn fields(line: &Line) -> Map<String, Value> {
    let id = [("ID".to_owned(), json!(line.id.to_string()))];
    let fields = line.fields.iter().map(|(name, value)| (name.clone(), json!(value)));
    id.into_iter().chain(fields).collect()
}

fn fits(line: &Line, filter: &Params) -> bool {
    let row = fields(line);
    filter.iter().all(|(name, wanted)| {
        let value = row.get(name.trim_start_matches('=')).and_then(as_text);
        match wanted {
            Value::Array(any) => any.iter().any(|one| as_text(one) == value),
            one => as_text(one) == value,
        }
    })
}
