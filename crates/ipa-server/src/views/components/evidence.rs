//! What the checks said of a commit. That none are configured is said as plainly as that they failed.

use ipa_events::Oid;
use ipa_events::task::{CheckResult, Evidence, TaskState};
use maud::{Markup, html};

use super::outside;
use crate::render::ansi::ansi;
use crate::render::criteria;
use crate::render::visible::visible;
use crate::wire::OpinionRow;

/// Shows in one line what the checks say of a commit.
pub(crate) fn evidence(state: &TaskState, commit: &Oid, evidence: Evidence) -> Markup {
    let says = match evidence {
        Evidence::NoneConfigured if checked_by_others(&OpinionRow::all(state, commit)) => {
            "checked by others only"
        }
        Evidence::NoneConfigured => "no checks configured",
        Evidence::Pending => "checks have not all run yet",
        Evidence::Passed => "checks passed",
        Evidence::Failed => "checks failed",
    };
    signed(evidence, says)
}

/// Shows words with a sign that says whether they are good.
fn signed(evidence: Evidence, words: &str) -> Markup {
    let (class, sign) = match evidence {
        Evidence::NoneConfigured => ("none", "–"),
        Evidence::Pending => ("pending", "○"),
        Evidence::Passed => ("passed", "✓"),
        Evidence::Failed => ("failed", "✗"),
    };
    html! { span.evidence.(class) { span aria-hidden="true" { (sign) } " " (visible(words)) } }
}

fn checked_by_others(others: &[OpinionRow]) -> bool {
    others.iter().any(|row| row.opinion.checks.is_some())
}

/// Shows each check of a task with what it said of one commit, and what others say of it.
pub(crate) fn checks(state: &TaskState, commit: &Oid) -> Markup {
    let commands = state.created.as_ref().map_or(&[][..], |created| &created.checks);
    let others = OpinionRow::all(state, commit);
    let newest = |command: &str| {
        let of_this = |result: &&CheckResult| &*result.command == command && result.commit == *commit;
        state.checks.iter().rev().find(of_this)
    };
    html! {
        @if commands.is_empty() && !checked_by_others(&others) {
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
        @for row in &others { (opinion(row)) }
    }
}

/// Shows what others say of a commit in one pull request, in one line.
fn opinion(row: &OpinionRow) -> Markup {
    let said = row.opinion.says();
    html! {
        p {
            (outside::link(&row.pull, row.url.as_deref())) ": "
            @if said.is_empty() { span.quiet { "nobody said anything of this commit yet" } }
            @for (n, (evidence, words)) in said.iter().enumerate() {
                @if n > 0 { ", " }
                (signed(*evidence, words))
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
