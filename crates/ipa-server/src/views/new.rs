//! The form for a new task.

use maud::{Markup, html};

use super::components::form::Forms;
use super::problem;
use crate::render::visible::visible;
use crate::wire::Problem;

/// What the form begins with: what was typed already, or what the server would choose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    /// The request.
    pub(crate) request: String,
    /// The title.
    pub(crate) title: String,
    /// The repository.
    pub(crate) repo: String,
    /// The branch to start from.
    pub(crate) base: String,
    /// The agent.
    pub(crate) agent: String,
    /// Who opens the gates: `ask` or `auto`.
    pub(crate) approve: String,
    /// The commands that check the work, one a line.
    pub(crate) checks: String,
    /// The phase it begins in.
    pub(crate) start_at: String,
}

/// What there is to choose from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    /// The kinds of agents, and why they do not work here, if they do not.
    pub(crate) agents: Vec<(String, Option<String>)>,
    /// Repositories of earlier tasks.
    pub(crate) repos: Vec<String>,
}

/// Shows the form, with what is wrong with what was typed.
pub(crate) fn page(typed: &Typed, choices: &Choices, wrong: Option<&Problem>, forms: Forms<'_>) -> Markup {
    html! {
        div.narrow {
            h1 { "New task" }
            @if let Some(wrong) = wrong { (problem::flash(wrong)) }
            (forms.post("/new", &fields(typed, choices)))
        }
    }
}

fn fields(typed: &Typed, choices: &Choices) -> Markup {
    html! {
        label for="request" { "What is to be done?" }
        textarea id="request" name="request" rows="6" required autofocus
            placeholder="Fix the flaky retry test: it fails about one time in ten." { (typed.request) }
        label for="repo" { "Repository: a path on the server's machine, or a URL" }
        input id="repo" name="repo" value=(typed.repo) list="repos" autocomplete="off" spellcheck="false";
        datalist id="repos" { @for repo in &choices.repos { option value=(repo) {} } }
        label for="agent" { "Agent" }
        input id="agent" name="agent" value=(typed.agent) list="agents" autocomplete="off" spellcheck="false"
            placeholder="the server's choice";
        datalist id="agents" { @for (agent, _) in &choices.agents { option value=(agent) {} } }
        (unusable(choices))
        details open[!(typed.title.is_empty() && typed.base.is_empty() && typed.checks.is_empty())] {
            summary { "More" }
            (more(typed))
        }
        div.acts { button.primary { "Create the task" } }
    }
}

fn unusable(choices: &Choices) -> Markup {
    let broken = choices.agents.iter().filter_map(|(agent, why)| Some((agent, why.as_ref()?)));
    html! {
        @for (agent, why) in broken { p.quiet { code { (agent) } ": " (visible(why)) } }
    }
}

fn more(typed: &Typed) -> Markup {
    let chosen = |field: &str, word: &str| field == word;
    html! {
        label for="title" { "Title" }
        input id="title" name="title" value=(typed.title) placeholder="taken from the first line";
        label for="base" { "Branch to start from" }
        input id="base" name="base" value=(typed.base) spellcheck="false" placeholder="the repository's own choice";
        label for="checks" { "Commands that check the work, one a line; ipa runs them on the exact commit" }
        textarea id="checks" name="checks" rows="2" spellcheck="false" { (typed.checks) }
        label for="approve" { "Gates" }
        select id="approve" name="approve" {
            option value="" { "the server's choice" }
            option value="ask" selected[chosen(&typed.approve, "ask")] { "a person approves spec, plan and review" }
            option value="auto" selected[chosen(&typed.approve, "auto")] { "they open by themselves" }
        }
        label for="start_at" { "Begin with" }
        select id="start_at" name="start_at" {
            option value="" { "a spec" }
            option value="planning" selected[chosen(&typed.start_at, "planning")] { "a plan: the request is the spec" }
            option value="development" selected[chosen(&typed.start_at, "development")] { "the work: the request is the plan" }
        }
    }
}
