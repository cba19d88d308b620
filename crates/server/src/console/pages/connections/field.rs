//! The fields of a connection's form, made from what its connector says about itself.

use std::collections::BTreeMap;

use handoff_core::connections::Entry;
use handoff_model::connector::Manifest;
use secrecy::SecretString;
use serde_json::{Map, Number, Value};

use crate::console::fields::Fields;

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Text,
    Number,
    Tick,
    Choice(Vec<(String, String)>),
    Lines,
    Json,
    /// Never shown again once it is stored.
    Secret {
        stored: bool,
        optional: bool,
    },
}

/// A field of the form.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// `settings.NAME` or `secrets.NAME`.
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) example: String,
    pub(super) input: Input,
    pub(super) value: String,
    pub(super) ticked: bool,
    pub(super) required: bool,
    pub(super) problem: Option<String>,
    group: String,
    order: i64,
}

/// Fields that belong together.
pub(super) struct Group {
    pub(super) title: String,
    /// Shown only when somebody asks for it.
    pub(super) folded: bool,
    pub(super) fields: Vec<Field>,
}

impl Field {
    /// Whether it is filled in by this kind of input.
    pub(super) fn is(&self, kind: &str) -> bool {
        matches!(
            (&self.input, kind),
            (Input::Text, "text")
                | (Input::Number, "number")
                | (Input::Tick, "tick")
                | (Input::Choice(_), "choice")
                | (Input::Lines, "lines")
                | (Input::Json, "json")
                | (Input::Secret { .. }, "secret")
        )
    }

    pub(super) fn choices(&self) -> &[(String, String)] {
        if let Input::Choice(choices) = &self.input { choices } else { &[] }
    }

    /// A secret that is stored, and one that may be forgotten.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self.input, Input::Secret { stored: true, .. })
    }

    pub(super) fn may_be_forgotten(&self) -> bool {
        matches!(self.input, Input::Secret { stored: true, optional: true })
    }

    /// Name of the box that forgets a stored secret.
    pub(super) fn forget(&self) -> String {
        self.name.replacen("secrets.", "forget.", 1)
    }

    pub(super) fn id(&self) -> String {
        self.name.replace('.', "-")
    }
}

/// The form of a connection: as it is stored, or empty.
pub(super) fn of(manifest: &Manifest, entry: Option<&Entry>) -> Vec<Field> {
    let schema = &manifest.settings;
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let settings = properties.map(|(name, property)| {
        let stored = entry.and_then(|entry| entry.settings.get(name));
        setting(schema, name, property, required(name), stored)
    });
    let secrets = manifest.secrets.iter().zip(0..).map(|(secret, order)| {
        let stored = entry.is_some_and(|entry| entry.secrets.contains_key(&secret.name));
        Field {
            name: format!("secrets.{}", secret.name),
            label: secret.title.clone(),
            hint: plain(&secret.help),
            example: String::new(),
            input: Input::Secret { stored, optional: secret.optional },
            value: String::new(),
            ticked: false,
            required: !secret.optional && !stored,
            problem: None,
            group: secret.group.clone(),
            order: if secret.group.is_empty() { 1_000 + order } else { 1_500 + order },
        }
    });
    let mut fields: Vec<_> = settings.chain(secrets).collect();
    // What is needed comes first, in the order that the connector wants.
    fields.sort_by_key(|field| (field.order, !field.required));
    fields
}

fn setting(schema: &Value, name: &str, property: &Value, required: bool, stored: Option<&Value>) -> Field {
    let resolved = resolve(schema, property);
    let text = |key: &str| property[key].as_str().or(resolved[key].as_str()).unwrap_or_default();
    let input = input(resolved);
    let value = stored.or_else(|| property.get("default")).unwrap_or(&Value::Null);
    let example = property["examples"][0].as_str().unwrap_or_default().to_owned();
    Field {
        name: format!("settings.{name}"),
        label: if text("title").is_empty() { words(name) } else { text("title").to_owned() },
        hint: plain(text("description")),
        example,
        value: shown(&input, value),
        ticked: value.as_bool() == Some(true),
        input,
        required,
        problem: None,
        group: property["x-group"].as_str().unwrap_or(if required { "" } else { "More settings" }).to_owned(),
        order: property["x-order"].as_i64().unwrap_or(if required { 100 } else { 2_000 }),
    }
}

/// A property, or what it refers to.
fn resolve<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let target = property["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(property)
}

fn input(property: &Value) -> Input {
    let options = property["enum"].as_array().map(|all| {
        all.iter().filter_map(Value::as_str).map(|value| (value.to_owned(), words(value))).collect()
    });
    let named = property["oneOf"].as_array().and_then(|all| {
        let option = |one: &Value| {
            let value = one["const"].as_str()?.to_owned();
            let label = one["description"].as_str().map_or_else(|| words(&value), plain);
            Some((value, label))
        };
        all.iter().map(option).collect::<Option<Vec<_>>>()
    });
    if let Some(choices) = options.or(named) {
        return Input::Choice(choices);
    }
    let kind = property["type"].as_str().or_else(|| {
        let kinds = property["type"].as_array()?;
        kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")
    });
    match kind {
        Some("string") => Input::Text,
        Some("integer" | "number") => Input::Number,
        Some("boolean") => Input::Tick,
        Some("array") if property["items"]["type"] == "string" => Input::Lines,
        _ => Input::Json,
    }
}

fn shown(input: &Input, value: &Value) -> String {
    match (input, value) {
        (_, Value::Null) => String::new(),
        (Input::Lines, Value::Array(lines)) => {
            lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        (Input::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (_, Value::String(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}

/// Puts what somebody typed into the fields.
pub(super) fn type_in(fields: &mut [Field], typed: &Fields) {
    for field in fields {
        field.value = typed.get(&field.name).to_owned();
        field.ticked = typed.ticked(&field.name);
    }
}

/// What was typed, as a connector takes it; what cannot be read gets its problem at its field.
pub(super) fn read(fields: &mut [Field]) -> Value {
    let mut settings = Map::new();
    for field in fields.iter_mut() {
        let Some(name) = field.name.strip_prefix("settings.") else { continue };
        match value(field) {
            Ok(Some(value)) => drop(settings.insert(name.to_owned(), value)),
            Ok(None) => {}
            Err(problem) => field.problem = Some(problem),
        }
    }
    Value::Object(settings)
}

/// None where the field is empty: the connector's own value counts then.
fn value(field: &Field) -> Result<Option<Value>, String> {
    let text = field.value.trim();
    match &field.input {
        Input::Tick => return Ok(Some(Value::Bool(field.ticked))),
        _ if text.is_empty() => return Ok(None),
        Input::Text | Input::Choice(_) => Ok(text.into()),
        Input::Number => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse().ok().and_then(Number::from_f64).map(Value::Number).ok_or(()))
            .map_err(|()| "Write a number.".to_owned()),
        Input::Lines => {
            Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect())
        }
        Input::Json => serde_json::from_str(text).map_err(|error| format!("This is not JSON: {error}.")),
        Input::Secret { .. } => return Ok(None),
    }
    .map(Some)
}

/// Secrets to set and to forget.
pub(super) fn secrets(fields: &[Field], typed: &Fields) -> BTreeMap<String, Option<SecretString>> {
    let changes = fields.iter().filter_map(|field| {
        let name = field.name.strip_prefix("secrets.")?;
        let value = field.value.trim();
        if !value.is_empty() {
            return Some((name.to_owned(), Some(value.to_owned().into())));
        }
        typed.ticked(&format!("forget.{name}")).then(|| (name.to_owned(), None))
    });
    changes.collect()
}

/// The fields in their groups: what is needed first, then by what it is for.
pub(super) fn groups(fields: Vec<Field>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for field in fields {
        let title = match (&field.input, field.group.as_str()) {
            (Input::Secret { .. }, "") => "Secrets",
            (_, "") => "Account",
            (_, group) => group,
        }
        .to_owned();
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.fields.push(field),
            None => groups.push(Group { title, folded: false, fields: vec![field] }),
        }
    }
    for group in &mut groups {
        group.folded = group.title == "More settings"
            && group.fields.iter().all(|field| field.problem.is_none() && !field.required);
    }
    // What is folded away comes last, whatever its order.
    groups.sort_by_key(|group| group.title == "More settings");
    groups
}

/// `base_url` as words.
fn words(name: &str) -> String {
    let text = name.replace(['_', '-'], " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A description without its marks.
fn plain(text: &str) -> String {
    text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        let settings = json!({
            "type": "object", "required": ["url"], "$defs": { "Mode": { "oneOf": [
                { "const": "push", "description": "They `call` us." }, { "const": "pull", "description": "We ask." } ] } },
            "properties": {
                "after": { "type": ["integer", "null"], "default": null },
                "mode": { "$ref": "#/$defs/Mode", "title": "Events" },
                "native": { "type": "boolean", "default": true },
                "prefixes": { "type": "array", "items": { "type": "string" }, "default": [] },
                "url": { "type": "string", "description": "Where it is: `https://…`." },
            },
        });
        serde_json::from_value(json!({
            "id": "desk", "version": "1.0.0", "name": "Desk", "abi": [1, 0], "model": 1, "capabilities": {},
            "secrets": [{ "name": "token", "title": "Token" }], "settings": settings,
        }))
        .unwrap()
    }

    fn typed(pairs: &[(&str, &str)]) -> Fields {
        Fields::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_schema_becomes_fields_and_what_is_typed_becomes_settings() {
        let mut fields = of(&manifest(), None);
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names[..2], ["settings.url", "secrets.token"], "what is needed comes first");
        assert!(fields.iter().any(|field| field.ticked), "defaults are filled in");
        type_in(
            &mut fields,
            &typed(&[
                ("settings.url", " https://a.example "),
                ("settings.after", "12"),
                ("settings.mode", "pull"),
                ("settings.prefixes", "a\n\n b\n"),
                ("secrets.token", "t0ken"),
            ]),
        );
        let settings = read(&mut fields);
        let expected = json!({
            "url": "https://a.example", "after": 12, "mode": "pull", "native": false, "prefixes": ["a", "b"],
        });
        assert_eq!(settings, expected);
        assert!(fields.iter().all(|field| field.problem.is_none()));
        assert_eq!(secrets(&fields, &typed(&[])).into_keys().collect::<Vec<_>>(), ["token"]);
    }

    #[test]
    fn what_cannot_be_read_stays_in_its_field_with_its_problem() {
        let mut fields = of(&manifest(), None);
        type_in(&mut fields, &typed(&[("settings.after", "soon")]));
        assert_eq!(read(&mut fields)["after"], Value::Null);
        let field = fields.iter().find(|field| field.name == "settings.after").unwrap();
        assert_eq!((field.value.as_str(), field.problem.as_deref()), ("soon", Some("Write a number.")));
        let groups = groups(fields);
        assert!(groups.iter().all(|group| !group.folded), "a problem is not folded away");
    }

    #[test]
    fn a_stored_secret_is_never_shown_and_is_kept_unless_it_is_changed() {
        let entry = Entry {
            id: handoff_model::ConnectionId::new("desk"),
            connector: handoff_model::ConnectorId::new("desk"),
            assistant: None,
            settings: json!({ "url": "https://a" }),
            secrets: BTreeMap::from([("token".to_owned(), "t0ken".to_owned().into())]),
            quota: None,
            in_file: false,
            revision: 1,
        };
        let fields = of(&manifest(), Some(&entry));
        let secret = fields.iter().find(|field| field.name == "secrets.token").unwrap();
        assert!(secret.is_stored() && !secret.required && secret.value.is_empty());
        assert!(secrets(&fields, &typed(&[])).is_empty());
    }
}
