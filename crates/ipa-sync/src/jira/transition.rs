//! Which transition brings a ticket to where it should stand. Pure.
//!
//! What counts is the category of a status: names are translated and renamed. A ticket never goes back, and none goes
//! where a person would have to choose: then it is said what there is, and how to configure the choice.

use std::collections::BTreeMap;

use ipa_events::task::Category;
use serde_json::{Value, json};

use super::shape::{Field, Status, Transition};

/// So many transitions are named when none will do.
const NAMED: usize = 10;

/// Where a ticket should stand, and what is configured about that.
#[derive(Debug, Clone)]
pub(super) struct Wish<'a> {
    pub(super) to: Category,
    /// The statuses to use of a category, the first that can be reached.
    pub(super) statuses: &'a BTreeMap<Category, Vec<String>>,
    pub(super) resolution: Option<&'a str>,
}

/// Whether a status on the way may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    Allowed,
    Done,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Nothing.
    There,
    /// This.
    Go(Go),
    /// Nothing can be done, and why.
    No(String),
}

/// A transition to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Go {
    pub(super) transition: String,
    pub(super) resolution: Option<Value>,
    pub(super) status: String,
    pub(super) lands: Category,
}

impl Go {
    /// Returns what is sent.
    pub(super) fn body(&self) -> Value {
        let transition = json!({ "id": self.transition });
        match &self.resolution {
            None => json!({ "transition": transition }),
            Some(resolution) => {
                json!({ "transition": transition, "fields": { "resolution": resolution } })
            }
        }
    }
}

/// Finds the way from where a ticket stands.
pub(super) fn way(now: &Status, all: &[Transition], wish: &Wish<'_>, hop: Hop) -> Way {
    let from = now.category();
    if from >= wish.to {
        return Way::There;
    }
    let pick = |category| within(category, now, all, wish);
    match pick(wish.to) {
        Pick::One(go) => return Way::Go(go),
        Pick::Several(names) => return Way::No(ask(wish.to, &names)),
        Pick::None => {}
    }
    if hop == Hop::Allowed {
        // A status between the two, or one of the same category that is configured as coming after this one.
        let between = (wish.to == Category::Done && from == Category::New).then_some(Category::Active);
        for category in between.into_iter().chain(named(wish, from).next().map(|_| from)) {
            match pick(category) {
                Pick::One(go) => return Way::Go(go),
                Pick::Several(names) => return Way::No(ask(category, &names)),
                Pick::None => {}
            }
        }
    }
    Way::No(none(now, all, wish))
}

enum Pick {
    One(Go),
    /// Statuses among which nobody has chosen.
    Several(Vec<String>),
    None,
}

/// Picks a transition to a status of a category.
fn within(category: Category, now: &Status, all: &[Transition], wish: &Wish<'_>) -> Pick {
    let usable = all.iter().filter(|it| it.to.category() == category && !is(&it.to, now));
    let usable: Vec<Go> = usable.filter_map(|it| usable_as(it, wish).ok()).collect();
    let mut names = named(wish, category).peekable();
    if names.peek().is_some() {
        // Only what is configured; and of the category that it stands in, only what comes after where it stands.
        let stands = names.clone().position(|name| same(name, &now.name));
        let later = stands.map_or(0, |at| at.saturating_add(1));
        let chosen = names.skip(later).find_map(|name| usable.iter().find(|go| same(&go.status, name)));
        return chosen.map_or(Pick::None, |go| Pick::One(go.clone()));
    }
    let mut statuses: Vec<&String> = usable.iter().map(|go| &go.status).collect();
    statuses.sort();
    statuses.dedup();
    match (usable.first(), statuses.as_slice()) {
        // Of several ways to one status, the one that needs least.
        (Some(first), [_]) => {
            let plain = usable.iter().find(|go| go.resolution.is_none());
            Pick::One(plain.unwrap_or(first).clone())
        }
        (None, _) | (_, []) => Pick::None,
        (Some(_), statuses) => Pick::Several(statuses.iter().map(|name| (*name).clone()).collect()),
    }
}

/// Returns the transition with what it needs, or what it lacks.
fn usable_as(transition: &Transition, wish: &Wish<'_>) -> Result<Go, String> {
    if transition.is_available == Some(false) {
        return Err("not available".to_owned());
    }
    let mut resolution = None;
    for (key, field) in transition.fields.iter().filter(|(_, field)| field.required) {
        if key == "resolution" {
            resolution = resolve(field, wish.resolution)?;
        } else if !field.has_default_value {
            return Err(format!("wants the field {}", plain(field.name.as_ref().unwrap_or(key))));
        }
    }
    let (transition, status) = (transition.id.clone(), &transition.to);
    Ok(Go { transition, resolution, status: status.name.clone(), lands: status.category() })
}

/// Finds the resolution for a transition that wants one.
fn resolve(field: &Field, configured: Option<&str>) -> Result<Option<Value>, String> {
    let allowed = field.allowed_values.as_deref().unwrap_or_default();
    let known = |value: &Value| json!({ "id": value["id"] });
    if let Some(name) = configured {
        let found = allowed.iter().find(|value| {
            let says = |key: &str| value[key].as_str();
            says("name").is_some_and(|it| same(it, name)) || says("id") == Some(name)
        });
        return match found {
            Some(value) => Ok(Some(known(value))),
            None if allowed.is_empty() => Ok(Some(json!({ "name": name }))),
            None => {
                Err(format!("wants a resolution, and has no {}, only {}", quoted(name), resolutions(allowed)))
            }
        };
    }
    let default = field.default_value.as_ref().filter(|value| value["id"].is_string());
    match (default, allowed) {
        (None, _) if field.has_default_value => Ok(None),
        (Some(value), _) | (None, [value]) => Ok(Some(known(value))),
        (None, _) => {
            let names = resolutions(allowed);
            Err(format!("wants a resolution; set `resolution` of the connector to one of {names}"))
        }
    }
}

fn resolutions(allowed: &[Value]) -> String {
    let names = allowed.iter().filter_map(|value| value["name"].as_str());
    names.take(NAMED).map(quoted).collect::<Vec<_>>().join(", ")
}

fn named<'a>(wish: &'a Wish<'_>, category: Category) -> impl Iterator<Item = &'a String> + Clone {
    wish.statuses.get(&category).into_iter().flatten()
}

fn is(one: &Status, other: &Status) -> bool {
    if one.id.is_empty() { one.name == other.name } else { one.id == other.id }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Says that a person has to choose, and how.
fn ask(category: Category, names: &[String]) -> String {
    let choices = names.iter().take(NAMED).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let first = names.first().map(|name| plain(name)).unwrap_or_default();
    format!(
        "several statuses are of the category {category}: {choices}; choose with \
         `statuses.{category} = [\"{first}\"]` of the connector"
    )
}

/// Says that nothing leads there, and what there is.
fn none(now: &Status, all: &[Transition], wish: &Wish<'_>) -> String {
    let wanted = named(wish, wish.to).map(|name| quoted(name)).collect::<Vec<_>>();
    let to = match wanted.as_slice() {
        [] => format!("a status of the category {}", wish.to),
        names => format!("{} (as configured for {})", names.join(" or "), wish.to),
    };
    let listed = all.iter().take(NAMED).map(|it| {
        let lacks = usable_as(it, wish).err().map_or_else(String::new, |lacks| format!("; {lacks}"));
        format!("{} to {} ({}{lacks})", quoted(&it.name), quoted(&it.to.name), it.to.category())
    });
    let listed = listed.collect::<Vec<_>>();
    let there = match all.len() {
        0 => "there are no transitions for this account".to_owned(),
        count if count > NAMED => format!("there are {}, and {} more", listed.join(", "), count - NAMED),
        _ => format!("there are {}", listed.join(", ")),
    };
    format!("no transition leads from {} to {to}; {there}", quoted(&now.name))
}

fn quoted(name: &str) -> String {
    format!("“{}”", plain(name))
}

/// A name from outside, on one line and not too long.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect()
}

#[cfg(test)]
mod tests;
