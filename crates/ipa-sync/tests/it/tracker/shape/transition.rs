//! A transition, with its screen for who asks for it.

use serde_json::{Map, Value, json};

use super::View;
use crate::tracker::Flavour;
use crate::tracker::workflow::{Field, Need, Rule, Transition, Workflow};

/// Whether the fields of a transition's screen are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Shown,
    Hidden,
}

impl View<'_> {
    pub(crate) fn transition(self, workflow: &Workflow, transition: &Transition, screen: Screen) -> Value {
        let mut shown = json!({
            "id": transition.id,
            "name": transition.name,
            "to": self.status(workflow, workflow.status(&transition.to)),
        });
        if self.site.flavour == Flavour::Cloud {
            shown["hasScreen"] = (!transition.screen.is_empty()).into();
            shown["isGlobal"] = transition.from.is_empty().into();
            shown["isInitial"] = false.into();
            shown["isAvailable"] = (transition.rule != Rule::Unavailable).into();
            shown["isConditional"] = (transition.rule == Rule::Unavailable).into();
            shown["isLooped"] = false.into();
        }
        if screen == Screen::Shown {
            let fields = transition.screen.iter();
            let fields: Map<String, Value> =
                fields.map(|field| (field.name.to_owned(), self.field(workflow, field))).collect();
            shown["fields"] = fields.into();
        }
        shown
    }

    fn field(self, workflow: &Workflow, field: &Field) -> Value {
        let (kind, name) = match field.name {
            "resolution" => ("resolution", "Resolution"),
            "assignee" => ("user", "Assignee"),
            other => ("string", other),
        };
        let mut shown = json!({
            "required": field.need == Need::Required,
            "schema": { "type": kind, "system": field.name },
            "name": name,
            "key": field.name,
            "operations": ["set"],
        });
        if field.name == "resolution" {
            let all = workflow.resolutions.iter();
            shown["allowedValues"] = all.map(|(_, name)| self.resolution(workflow, Some(name))).collect();
        }
        shown
    }
}
