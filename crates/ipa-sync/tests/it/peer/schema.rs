//! Checks requests and answers against the description that the maker of an API gives of it. Each part is compiled
//! when it is first needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

pub(crate) struct Schemas {
    description: Value,
    /// Where the body of a refusal is described that has no description of its own.
    refusal: &'static str,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Schemas {
    pub(crate) fn new(description: &str, refusal: &'static str) -> Self {
        let mut description: Value = serde_json::from_str(description).unwrap();
        make_null_a_type(&mut description);
        Self { description, refusal, compiled: Mutex::default() }
    }

    /// What is wrong with a request: unknown or ill-typed parameters, a body that is no such body. A field that the
    /// description does not have is wrong too: a real host would ignore it without a word.
    pub(crate) fn request(&self, id: &str, query: &BTreeMap<String, String>, body: &Value) -> Vec<String> {
        let Some((place, operation)) = self.operation(id) else { return vec![format!("no operation {id}")] };
        let mut wrong = self.query(operation, query);
        let described = operation.get("requestBody");
        let is_needed = described.is_some_and(|body| body["required"] == true);
        match (described, body) {
            (Some(_), Value::Null) if is_needed => wrong.push("/: a body is required".to_owned()),
            (None | Some(_), Value::Null) => {}
            (None, _) => wrong.push("/: no body is described".to_owned()),
            (Some(_), body) => {
                let place = format!("{place}/requestBody/content/application~1json/schema");
                wrong.extend(self.check(&place, body));
                wrong.extend(self.unknown_fields(&place, body));
            }
        }
        wrong
    }

    /// What is wrong with an answer. A status that is not described is fine when its body is a plain refusal.
    pub(crate) fn answer(&self, id: &str, status: u16, body: &Value) -> Vec<String> {
        let Some((place, operation)) = self.operation(id) else { return vec![format!("no operation {id}")] };
        let mut place = format!("{place}/responses/{status}");
        match operation["responses"].get(status.to_string()) {
            Some(described) => {
                if let Some(reference) = described["$ref"].as_str() {
                    reference.trim_start_matches('#').clone_into(&mut place);
                }
            }
            None if status >= 400 => return self.check(self.refusal, body),
            None => return vec![format!("/: an answer of {status} is not described")],
        }
        let content = self.description.pointer(&place).and_then(|answer| answer.get("content"));
        match (content, body) {
            (None, Value::Null) => Vec::new(),
            // Some refusals are described without the body that is sent.
            (None, _) if status >= 400 => self.check(self.refusal, body),
            (None, _) => vec![format!("/: an answer of {status} has no body")],
            (Some(_), body) => self.check(&format!("{place}/content/application~1json/schema"), body),
        }
    }

    fn query(&self, operation: &Value, query: &BTreeMap<String, String>) -> Vec<String> {
        let described: BTreeMap<&str, &Value> = list(&operation["parameters"])
            .map(|parameter| self.followed(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| Some((parameter["name"].as_str()?, &parameter["schema"])))
            .collect();
        let wrong = query.iter().filter_map(|(name, value)| {
            let Some(schema) = described.get(name.as_str()) else {
                return Some(format!("?{name}: no such parameter is described"));
            };
            let value = typed(value, &schema["type"]);
            let validator = compile(schema, &self.description["components"]);
            let error = validator.iter_errors(&value).next()?;
            Some(format!("?{name}: {error}"))
        });
        wrong.collect()
    }

    fn unknown_fields(&self, place: &str, body: &Value) -> Vec<String> {
        let mut known = BTreeSet::new();
        let schema = self.description.pointer(place).unwrap_or(&Value::Null);
        // Described as "anything", whatever it has is fine.
        if schema.as_object().is_some_and(Map::is_empty) {
            return Vec::new();
        }
        self.collect_fields(schema, &mut known);
        let fields = body.as_object().into_iter().flat_map(Map::keys);
        let unknown = fields.filter(|field| !known.contains(field.as_str()));
        unknown.map(|field| format!("/{field}: no such field is described")).collect()
    }

    fn collect_fields<'a>(&'a self, schema: &'a Value, known: &mut BTreeSet<&'a str>) {
        let schema = self.followed(schema);
        known.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str));
        for kind in ["allOf", "anyOf", "oneOf"] {
            for part in list(&schema[kind]) {
                self.collect_fields(part, known);
            }
        }
    }

    fn check(&self, place: &str, value: &Value) -> Vec<String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = compiled.entry(place.to_owned()).or_insert_with(|| {
            let schema = self.description.pointer(place).unwrap_or_else(|| panic!("no schema at {place}"));
            Arc::new(compile(schema, &self.description["components"]))
        });
        let validator = Arc::clone(validator);
        drop(compiled);
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Where an operation is described, as a pointer, and its description.
    fn operation(&self, id: &str) -> Option<(String, &Value)> {
        let paths = self.description["paths"].as_object()?;
        paths.iter().find_map(|(path, methods)| {
            let (method, operation) =
                methods.as_object()?.iter().find(|(_, operation)| operation["operationId"] == id)?;
            let path = path.replace('~', "~0").replace('/', "~1");
            Some((format!("/paths/{path}/{method}"), operation))
        })
    }

    fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
        target.and_then(|pointer| self.description.pointer(pointer)).unwrap_or(value)
    }
}

/// A parameter as what it is described to be, if it can be read so.
fn typed(text: &str, kind: &Value) -> Value {
    match kind.as_str() {
        Some("integer") => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        Some("boolean") => text.parse::<bool>().map_or_else(|_| json!(text), |it| json!(it)),
        Some("array") => text.split(',').collect(),
        Some(_) | None => json!(text),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn compile(schema: &Value, components: &Value) -> Validator {
    // Beside a reference nothing else is read in this draft, so the part is wrapped.
    let whole = json!({ "allOf": [schema], "components": components });
    let options = jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true);
    options.build(&whole).unwrap_or_else(|error| panic!("a schema that does not compile: {error}"))
}

/// The description says `nullable: true` where JSON Schema has a type `null`.
pub(crate) fn make_null_a_type(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(make_null_a_type),
        Value::Object(fields) => {
            fields.values_mut().for_each(make_null_a_type);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                fields.remove("nullable");
                allow_null(fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => *kind = json!([kind.take(), "null"]),
        Some(_) => {}
        None => {
            let rest = Value::Object(std::mem::take(schema));
            schema.insert("anyOf".to_owned(), json!([{ "type": "null" }, rest]));
        }
    }
}
