//! Methods of texts, lists and dictionaries, each paid for before it builds anything.

use starlark::values::dict::DictRef;
use starlark::values::list::AllocList;
use starlark::values::{Heap, Value};

use super::compare::equal;
use super::limits::{Budget, Checked, Fault, NODE};
use super::values::Kind;

/// Calls a method. That it exists, and how much it takes, was checked when the expression was compiled.
pub(super) fn call<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    name: &str,
    of: Value<'v>,
    given: &[Value<'v>],
) -> Checked<Value<'v>> {
    match Kind::of(of)? {
        Kind::Text(text) => of_text(heap, budget, name, text, given),
        Kind::List(items) => of_list(heap, budget, name, items, given),
        Kind::Dict(entries) => of_dict(heap, budget, name, &entries, given),
        Kind::None => Fault::value(format!("`{name}` was asked of None (nothing): this has no value yet")),
        other => Fault::value(format!("{} has no method `{name}`", other.name())),
    }
}

fn of_list<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    name: &str,
    items: &[Value<'v>],
    given: &[Value<'v>],
) -> Checked<Value<'v>> {
    let [wanted] = given else { return unknown(name, "a list") };
    let mut places = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if equal(budget, *item, *wanted)? {
            places.push(place);
        }
    }
    match (name, places.first()) {
        ("count", _) => Ok(count(heap, places.len())),
        ("index", Some(place)) => Ok(count(heap, *place)),
        ("index", None) => Fault::value("the list does not hold this value"),
        _ => unknown(name, "a list"),
    }
}

fn of_dict<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    name: &str,
    entries: &DictRef<'v>,
    given: &[Value<'v>],
) -> Checked<Value<'v>> {
    if let ("get", [key, otherwise @ ..]) = (name, given) {
        let key = text_of(*key, "get")?;
        budget.spend(key.len())?;
        let otherwise = || otherwise.first().copied().unwrap_or_else(Value::new_none);
        return Ok(entries.get_str(key).unwrap_or_else(otherwise));
    }
    budget.spend(NODE * 4 * (1 + entries.len()))?;
    match name {
        "keys" => Ok(heap.alloc(AllocList(entries.keys()))),
        "values" => Ok(heap.alloc(AllocList(entries.values()))),
        "items" => Ok(heap.alloc(AllocList(entries.iter().map(|(key, value)| AllocList([key, value]))))),
        _ => unknown(name, "a dictionary"),
    }
}

fn of_text<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    name: &str,
    text: &str,
    given: &[Value<'v>],
) -> Checked<Value<'v>> {
    budget.spend(NODE + text.len())?;
    if name == "join" {
        return join(heap, budget, text, given);
    }
    let mut parts = Vec::new();
    for value in given {
        let part = text_of(*value, name)?;
        budget.spend(part.len())?;
        parts.push(part);
    }
    if let Some(truth) = test(name, text, &parts) {
        return Ok(Value::new_bool(truth));
    }
    match (name, parts.as_slice()) {
        ("find", [part]) => {
            let found = text.find(part).map(|at| text[..at].chars().count());
            Ok(found.map_or_else(|| heap.alloc(-1), |place| count(heap, place)))
        }
        ("index", [part]) => match text.find(part) {
            Some(at) => Ok(count(heap, text[..at].chars().count())),
            None => Fault::value("the text does not hold this part"),
        },
        ("count", [part]) => Ok(count(heap, text.matches(part).count())),
        ("split", _) => split(heap, budget, text, parts.first().copied()),
        ("replace", [part, by]) => replace(heap, budget, text, part, by),
        _ => match cut(name, text, &parts) {
            Some(part) => {
                budget.make_text(part.len())?;
                Ok(heap.alloc_str(part).to_value())
            }
            None => recase(heap, budget, name, text),
        },
    }
}

/// Methods that ask something of a text.
fn test(name: &str, text: &str, parts: &[&str]) -> Option<bool> {
    let every = |holds: fn(char) -> bool| !text.is_empty() && text.chars().all(holds);
    let cased = |wrong: fn(char) -> bool| text.chars().any(char::is_alphabetic) && !text.chars().any(wrong);
    Some(match (name, parts) {
        ("startswith", [part]) => text.starts_with(part),
        ("endswith", [part]) => text.ends_with(part),
        ("isalnum", _) => every(char::is_alphanumeric),
        ("isalpha", _) => every(char::is_alphabetic),
        ("isdigit", _) => every(|c| c.is_ascii_digit()),
        ("isspace", _) => every(char::is_whitespace),
        ("islower", _) => cased(char::is_uppercase),
        ("isupper", _) => cased(char::is_lowercase),
        _ => return None,
    })
}

/// Methods that keep a part of a text.
fn cut<'t>(name: &str, text: &'t str, parts: &[&str]) -> Option<&'t str> {
    let stripped = |c: char| match parts.first() {
        Some(set) => set.contains(c),
        None => c.is_whitespace(),
    };
    Some(match (name, parts) {
        ("strip", _) => text.trim_matches(stripped),
        ("lstrip", _) => text.trim_start_matches(stripped),
        ("rstrip", _) => text.trim_end_matches(stripped),
        ("removeprefix", [part]) => text.strip_prefix(part).unwrap_or(text),
        ("removesuffix", [part]) => text.strip_suffix(part).unwrap_or(text),
        _ => return None,
    })
}

/// A letter becomes three at most when its case changes; the text is measured before and after.
fn recase<'v>(heap: Heap<'v>, budget: &Budget, name: &str, text: &str) -> Checked<Value<'v>> {
    budget.make_text(text.len())?;
    let made = match name {
        "lower" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "capitalize" => {
            let mut rest = text.chars();
            let first = rest.next().into_iter().flat_map(char::to_uppercase);
            first.chain(rest.as_str().to_lowercase().chars()).collect()
        }
        "title" => title(text),
        _ => return unknown(name, "a text"),
    };
    budget.make_text(made.len())?;
    Ok(heap.alloc(made))
}

fn title(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            made.extend(c.to_lowercase());
        } else {
            made.extend(c.to_uppercase());
        }
        in_word = c.is_alphabetic();
    }
    made
}

fn split<'v>(heap: Heap<'v>, budget: &Budget, text: &str, by: Option<&str>) -> Checked<Value<'v>> {
    let parts: Box<dyn Iterator<Item = &str>> = match by {
        None => Box::new(text.split_whitespace()),
        Some("") => return Fault::value("`split` cannot split at an empty text"),
        Some(by) => Box::new(text.split(by)),
    };
    let mut made = Vec::new();
    for part in parts {
        budget.make_text(part.len() + NODE)?;
        made.push(heap.alloc_str(part).to_value());
    }
    Ok(heap.alloc(AllocList(made)))
}

fn replace<'v>(heap: Heap<'v>, budget: &Budget, text: &str, part: &str, by: &str) -> Checked<Value<'v>> {
    if part.is_empty() {
        return Fault::value("`replace` cannot look for an empty text");
    }
    let found = text.matches(part).count();
    let kept = text.len() - found * part.len();
    budget.make_text(kept.saturating_add(found.saturating_mul(by.len())))?;
    Ok(heap.alloc(text.replace(part, by)))
}

fn join<'v>(heap: Heap<'v>, budget: &Budget, between: &str, given: &[Value<'v>]) -> Checked<Value<'v>> {
    let kind = given.first().copied().map(Kind::of).transpose()?;
    let Some(Kind::List(items)) = kind else { return Fault::value("`join` takes a list of texts") };
    budget.spend(items.len())?;
    let mut made = String::new();
    for (place, item) in items.iter().enumerate() {
        let item = text_of(*item, "join")?;
        let between = if place == 0 { "" } else { between };
        budget.spend(between.len() + item.len())?;
        if made.len() + between.len() + item.len() > super::limits::MAX_RESULT {
            budget.make_text(usize::MAX - NODE)?;
        }
        made.push_str(between);
        made.push_str(item);
    }
    budget.make_text(made.len())?;
    Ok(heap.alloc(made))
}

fn text_of<'v>(value: Value<'v>, method: &str) -> Checked<&'v str> {
    match Kind::of(value)? {
        Kind::Text(text) => Ok(text),
        other => Fault::value(format!("`{method}` takes texts, and this is {}", other.name())),
    }
}

fn count(heap: Heap<'_>, number: usize) -> Value<'_> {
    heap.alloc(i64::try_from(number).unwrap_or(i64::MAX))
}

fn unknown<T>(name: &str, of: &str) -> Checked<T> {
    Fault::value(format!("{of} has no method `{name}`"))
}
