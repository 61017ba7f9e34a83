//! Walks a query over the world.

use serde_json::{Value, json};

use super::node::{Found, Node, node};
use super::parse::Field;
use crate::forge::call::Call;
use crate::forge::world::World;

/// A query on its way.
pub(super) struct Walk<'a> {
    pub(super) call: &'a Call,
    pub(super) errors: Vec<Value>,
    /// Fields that the forge's schema does not have.
    pub(super) unknown: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(call: &'a Call) -> Self {
        Self { call, errors: Vec::new(), unknown: Vec::new() }
    }

    pub(super) fn query(&mut self, world: &World, field: &Field) -> Value {
        let text = |name: &str| field.args.get(name).and_then(Value::as_str).unwrap_or_default();
        let found = match field.name.as_str() {
            "viewer" => Some(Node::Viewer),
            "repository" => {
                let name = format!("{}/{}", text("owner"), text("name"));
                world.repo(&name, &self.call.who).ok().map(Node::Repository)
            }
            "node" => node(world, text("id")),
            "rateLimit" => return json!({ "limit": 5000, "remaining": 5000 }),
            other => {
                self.unknown("Query", other);
                return Value::Null;
            }
        };
        if found.is_none() {
            let what = format!("Could not resolve to a {} with those arguments.", field.name);
            self.fail("NOT_FOUND", &field.alias, &what);
        }
        found.map_or(Value::Null, |node| self.shown(world, node, &field.fields))
    }

    pub(super) fn fail(&mut self, kind: &str, path: &str, message: &str) {
        self.errors.push(json!({ "type": kind, "path": [path], "message": message }));
    }

    pub(super) fn unknown(&mut self, kind: &str, name: &str) {
        self.unknown.push(format!("Field '{name}' doesn't exist on type '{kind}'"));
    }

    pub(super) fn shown(&mut self, world: &World, node: Node<'_>, fields: &[Field]) -> Value {
        let mut shown = json!({});
        for field in fields {
            let kind = node.kind(world);
            if field.on.as_deref().is_some_and(|on| on != kind) {
                continue;
            }
            if field.name == "__typename" {
                shown[&field.alias] = kind.into();
                continue;
            }
            shown[&field.alias] = match node.field(world, self.call, field) {
                Some(Found::Value(value)) => value,
                Some(Found::One(one)) => one.map_or(Value::Null, |one| self.shown(world, one, &field.fields)),
                Some(Found::Many(many)) => self.connection(world, &many, field),
                None => {
                    self.unknown(kind, &field.name);
                    Value::Null
                }
            };
        }
        shown
    }

    /// A page of a connection. A cursor is the number of what came before.
    fn connection(&mut self, world: &World, all: &[Node<'_>], field: &Field) -> Value {
        let number = |name: &str| field.args.get(name).and_then(Value::as_u64);
        let name = &field.name;
        let (first, last) = (number("first"), number("last"));
        let Some(size) = first.or(last) else {
            let what = format!(
                "You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            );
            self.fail("MISSING_PAGINATION_BOUNDARIES", name, &what);
            return Value::Null;
        };
        if size > 100 {
            let what = format!(
                "Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records."
            );
            self.fail("EXCESSIVE_PAGINATION", name, &what);
            return Value::Null;
        }
        let after = field.args.get("after").and_then(Value::as_str).and_then(|cursor| cursor.parse().ok());
        let start = match last {
            Some(last) if first.is_none() => all.len().saturating_sub(usize::try_from(last).unwrap()),
            _ => after.unwrap_or(0).min(all.len()),
        };
        let end = all.len().min(start + usize::try_from(size).unwrap());
        let mut shown = json!({});
        for part in &field.fields {
            shown[&part.alias] = match part.name.as_str() {
                "nodes" => all[start..end].iter().map(|one| self.shown(world, *one, &part.fields)).collect(),
                "totalCount" => all.len().into(),
                "pageInfo" => {
                    let info = json!({
                        "hasNextPage": end < all.len(), "endCursor": end.to_string(),
                        "hasPreviousPage": start > 0, "startCursor": start.to_string(),
                    });
                    part.fields.iter().map(|field| (field.alias.clone(), info[&field.name].clone())).collect()
                }
                other => {
                    self.unknown("Connection", other);
                    Value::Null
                }
            };
        }
        shown
    }
}
