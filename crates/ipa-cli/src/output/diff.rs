//! A difference for people: as git shows it, or its files and counts. Pure.

use std::fmt::Write as _;

use ipa_pod::work::{ChangeKind, DiffFile, DiffLine, DiffSet};

use super::plain;

/// Returns the files with their counts.
pub(crate) fn stat(diff: &DiffSet) -> String {
    if diff.files.is_empty() {
        return "no changes\n".to_owned();
    }
    let mut text = String::new();
    for file in &diff.files {
        let hidden = file.hidden.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        writeln!(text, "{}  +{} −{}{hidden}", head(file), file.added, file.removed).ok();
    }
    let (added, removed) = diff.files.iter().fold((0_u32, 0_u32), |(added, removed), file| {
        (added.saturating_add(file.added), removed.saturating_add(file.removed))
    });
    writeln!(text, "{} files, +{added} −{removed}{}", diff.files.len(), rest(diff)).ok();
    plain(&text)
}

/// Returns the changed lines with those around them.
pub(crate) fn text(diff: &DiffSet) -> String {
    if diff.files.is_empty() {
        return "no changes\n".to_owned();
    }
    let mut text = String::new();
    for file in &diff.files {
        writeln!(text, "\u{1b}[1m{}\u{1b}[0m", plain(&head(file))).ok();
        if let Some(why) = &file.hidden {
            writeln!(text, "  not shown: {}", plain(why)).ok();
        }
        for hunk in &file.hunks {
            writeln!(text, "\u{1b}[36m@@ −{} +{} @@\u{1b}[0m", hunk.old_start, hunk.new_start).ok();
            for line in &hunk.lines {
                let (before, line, after) = match line {
                    DiffLine::Context(line) => (" ", line, ""),
                    DiffLine::Added(line) => ("\u{1b}[32m+", line, "\u{1b}[0m"),
                    DiffLine::Removed(line) => ("\u{1b}[31m-", line, "\u{1b}[0m"),
                };
                writeln!(text, "{before}{}{after}", plain(line)).ok();
            }
        }
    }
    if diff.truncated {
        text.push_str("… more is not shown\n");
    }
    text
}

fn head(file: &DiffFile) -> String {
    let path = &file.change.path;
    match &file.change.kind {
        ChangeKind::Added => format!("A {path}"),
        ChangeKind::Deleted => format!("D {path}"),
        ChangeKind::Modified => format!("M {path}"),
        ChangeKind::Renamed { from } => format!("R {from} → {path}"),
    }
}

const fn rest(diff: &DiffSet) -> &'static str {
    if diff.truncated { ", and more" } else { "" }
}
