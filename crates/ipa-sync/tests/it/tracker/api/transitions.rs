//! The ways from an issue's status to others.

use serde_json::Value;

use super::fields::{self, Set};
use super::{issue_of, view};
use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::model::{Issue, Item, Traffic};
use crate::tracker::people::Right;
use crate::tracker::shape::transition::Screen;
use crate::tracker::site::Site;
use crate::tracker::workflow::{Need, Resolves, Rule, Transition};

pub(crate) fn list(site: &mut Site, call: &Call) -> Outcome {
    let (issue, view) = (site.issue(&call.who, call.issue())?, view(site, call));
    let screen = if call.expands("transitions.fields") { Screen::Shown } else { Screen::Hidden };
    let workflow = &site.project(issue).workflow;
    let wanted = |one: &&Transition| call.query("transitionId").is_none_or(|id| id == one.id);
    let shown: Vec<Value> =
        offered(site, call, issue).filter(wanted).map(|one| view.transition(workflow, one, screen)).collect();
    Answer::ok(serde_json::json!({ "expand": "transitions", "transitions": shown }))
}

/// What the sender may do now; with `includeUnavailableTransitions` also what they may not.
pub(crate) fn offered<'a>(
    site: &'a Site,
    call: &'a Call,
    issue: &'a Issue,
) -> impl Iterator<Item = &'a Transition> {
    let project = site.project(issue);
    let may = site.may(project, call.by(), Right::Transition);
    let shows_all = call.query("includeUnavailableTransitions") == Some("true");
    let is_offered = move |one: &&Transition| match one.rule {
        Rule::Free | Rule::Refuses(_) | Rule::Broken => true,
        Rule::Unavailable => shows_all,
    };
    let all = project.workflow.transitions.iter().filter(move |one| may && one.leads_from(&issue.status));
    all.filter(is_offered)
}

pub(crate) fn perform(site: &mut Site, call: &Call) -> Outcome {
    let id = issue_of(site, call)?;
    let issue = &site.issues[&id];
    let Some(wanted) = call.body.pointer("/transition/id") else {
        return Err(Answer::trouble(400, "Missing 'transition' identifier"));
    };
    // The description wants a string; Jira itself takes a number for one.
    let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
    if wanted.parse::<u64>().is_err() {
        return Err(Answer::trouble(400, "'transition' identifier must be an integer"));
    }
    let Some(transition) = offered(site, call, issue).find(|one| one.id == wanted).cloned() else {
        return Err(not_valid(site, issue, &wanted));
    };
    if issue.traffic == Traffic::UnderWay {
        return Err(under_way(site.flavour));
    }
    let sets = on_screen(site, issue, call, &transition)?;
    match transition.rule {
        Rule::Free | Rule::Unavailable => {}
        Rule::Refuses(words) => return Err(Answer::trouble(400, words)),
        Rule::Broken => {
            let status = if site.flavour == Flavour::Cloud { 422 } else { 500 };
            return Err(Answer::trouble(status, "The workflow is not configured correctly."));
        }
    }
    move_to(site, id, call.by(), &transition, sets);
    Answer::no_content()
}

fn not_valid(site: &Site, issue: &Issue, wanted: &str) -> Answer {
    match site.flavour {
        Flavour::Cloud => {
            Answer::trouble(400, &format!("Transition id '{wanted}' is not valid for this issue."))
        }
        Flavour::DataCenter => Answer::trouble(
            400,
            &format!(
                "It seems that you have tried to perform a workflow operation ({wanted}) that is not valid for the \
                 current state of this issue ({}). The likely cause is that somebody has changed the issue recently, \
                 please look at the issue history for details.",
                issue.key
            ),
        ),
    }
}

/// Somebody else's transition is still under way.
fn under_way(flavour: Flavour) -> Answer {
    let status = if flavour == Flavour::Cloud { 409 } else { 400 };
    Answer::trouble(status, "Another transition of this issue is in progress.")
}

/// What is set on the transition's screen; what it requires must be there, unless the issue has it already.
fn on_screen(site: &Site, issue: &Issue, call: &Call, transition: &Transition) -> Result<Vec<Set>, Answer> {
    let screen: Vec<&str> = transition.screen.iter().map(|field| field.name).collect();
    let sets = fields::read(site, issue, call, &screen)?;
    let is_set = |name: &str| {
        sets.iter().any(|set| match set {
            Set::Resolution(value) => name == "resolution" && value.is_some(),
            Set::Assignee(value) => name == "assignee" && value.is_some(),
            Set::Summary(_) | Set::Description(_) | Set::Labels(_) => false,
        })
    };
    let missing = transition.screen.iter().find(|field| field.need == Need::Required && !is_set(field.name));
    match missing {
        None => Ok(sets),
        Some(field) if field.name == "resolution" => {
            Err(Answer::field_trouble("resolution", "Resolution is required."))
        }
        Some(field) => Err(Answer::field_trouble(field.name, &format!("{} is required.", field.name))),
    }
}

fn move_to(site: &mut Site, id: u64, by: &str, transition: &Transition, mut sets: Vec<Set>) {
    match &transition.resolves {
        Resolves::Keeps => {}
        Resolves::To(name) => sets.push(Set::Resolution(Some((*name).to_owned()))),
        Resolves::Clears => sets.push(Set::Resolution(None)),
    }
    let mut items = fields::apply(site, id, sets);
    let workflow = &site.project(&site.issues[&id]).workflow;
    let named = |id: &str| (Some(id.to_owned()), Some(workflow.status(id).name.clone()));
    let before = site.issues[&id].status.clone();
    items.push(Item { field: "status", from: named(&before), to: named(&transition.to) });
    site.issue_mut(id).status.clone_from(&transition.to);
    site.changed(id, by, items);
}
