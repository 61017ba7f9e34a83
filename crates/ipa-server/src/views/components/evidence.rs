//! What the checks said of a commit. That none are configured is said as plainly as that they failed.

use ipa_events::Oid;
use ipa_events::task::{CheckResult, Evidence, TaskState};
use maud::{Markup, html};

use crate::render::ansi::ansi;
use crate::render::criteria;
use crate::render::visible::visible;

/// Shows in one line what the checks say of a commit.
pub(crate) fn evidence(evidence: Evidence) -> Markup {
    let (class, sign, says) = match evidence {
        Evidence::NoneConfigured => ("none", "–", "no checks configured"),
        Evidence::Pending => ("pending", "○", "checks have not all run yet"),
        Evidence::Passed => ("passed", "✓", "checks passed"),
        Evidence::Failed => ("failed", "✗", "checks failed"),
    };
    html! { span.evidence.(class) { span aria-hidden="true" { (sign) } " " (says) } }
}

/// Shows each check of a task with what it said of one commit.
pub(crate) fn checks(state: &TaskState, commit: &Oid) -> Markup {
    let commands = state.created.as_ref().map_or(&[][..], |created| &created.checks);
    let newest = |command: &str| {
        let of_this = |result: &&CheckResult| &*result.command == command && result.commit == *commit;
        state.checks.iter().rev().find(of_this)
    };
    html! {
        @if commands.is_empty() {
            p.evidence.none {
                span aria-hidden="true" { "–" } " no checks configured: nothing but a person's eyes says that this works"
            }
        }
        @for command in commands {
            @match newest(command) {
                Some(result) => (check(result)),
                None => p.evidence.pending { span aria-hidden="true" { "○" } " " code { (visible(command)) } " has not run on this commit" },
            }
        }
    }
}

fn check(result: &CheckResult) -> Markup {
    let exit = result.exit_code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit {code}"));
    html! {
        details.check open[!result.passed] {
            summary {
                (verdict(result))
                " " code { (visible(&result.command)) } " " span.quiet { (exit) " on " code { (result.commit.short()) } }
            }
            @if result.tail.is_empty() { p.quiet { "It printed nothing." } } @else { pre.out { (ansi(&result.tail)) } }
        }
    }
}

/// Shows each acceptance criterion with the checks that name it, or that none does.
pub(crate) fn criteria(state: &TaskState, commit: &Oid) -> Markup {
    let criteria = state.spec.text().map(|spec| criteria::criteria(spec)).unwrap_or_default();
    let of_commit = || state.checks.iter().filter(|result| result.commit == *commit);
    html! {
        @if !criteria.is_empty() {
            h4 { "Acceptance criteria" }
            ul.criteria {
                @for (number, criterion) in (1..).zip(&criteria) {
                    @let named: Vec<_> = of_commit().filter(|it| criteria::names(&it.command, number)).collect();
                    li {
                        b { "AC" (number) } " " (visible(criterion)) " "
                        @if named.is_empty() { span.quiet { "– no check names it" } }
                        @for result in named { (verdict(result)) " " code { (visible(&result.command)) } " " }
                    }
                }
            }
        }
    }
}

/// Says what a check said.
pub(crate) fn verdict(result: &CheckResult) -> Markup {
    if result.passed {
        html! { span.evidence.passed { span aria-hidden="true" { "✓" } " passed" } }
    } else {
        html! { span.evidence.failed { span aria-hidden="true" { "✗" } " failed" } }
    }
}
