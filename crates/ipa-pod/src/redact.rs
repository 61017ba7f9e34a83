//! No secret is stored or shown: every command passes here before it is decided, and what a workspace holds before
//! it is handed out. Pure, but for [`execute`]. The secrets themselves are known by `ipa-agent`.

mod outside;

use std::sync::Arc;

use ipa_agent::Secrets;
use ipa_events::task::{Ask, FinishedRun, NewTask, Verdict};
use ipa_events::{Envelope, ExecuteError, Executed, Outcome, TaskCommand, TaskWriter};
use ipa_workspace::{ChangeKind, DiffLine, DiffSet, FileView, Listing};

/// Carries a command out without the secrets that are in its words. The one way in this crate to a writer.
pub(crate) async fn execute(
    writer: &mut TaskWriter,
    secrets: &Secrets,
    mut command: Envelope<TaskCommand>,
) -> Result<Executed, ExecuteError> {
    redact(&mut command.body, secrets);
    writer.execute(command).await
}

/// Takes the secrets out of a command's words. What names something (an id, a key, a branch) is no word, and what is
/// to be run was looked at when the task was created.
fn redact(command: &mut TaskCommand, secrets: &Secrets) {
    let word = |text: &mut Arc<str>| shown(secrets, text);
    match command {
        TaskCommand::Create(new) => {
            let NewTask { request, title, .. } = &mut **new;
            word(request);
            title.iter_mut().for_each(word);
        }
        TaskCommand::Edit { title: words, priority: _ }
        | TaskCommand::Pause { reason: words }
        | TaskCommand::Cancel { reason: words }
        | TaskCommand::InterruptRun { run: _, reason: words }
        | TaskCommand::Complete { note: words } => words.iter_mut().for_each(word),
        TaskCommand::GoBack { phase: _, reason: text }
        | TaskCommand::PostMessage { text }
        | TaskCommand::RecordWorkspaceFailed { agent: _, detail: text, needs_person: _ }
        | TaskCommand::RecordCheckpoint { agent: _, checkpoint: _, commit: _, reason: text }
        | TaskCommand::RecordSourceChanged { run: _, detail: text }
        | TaskCommand::RecordStarted { run: _, process: _, session: _, sandbox: text }
        | TaskCommand::Withdraw { run: _, key: _, why: text }
        | TaskCommand::RecordDoubt { op: _, doubt: _, detail: text }
        | TaskCommand::RecordSendFailed { op: _, detail: text, next: _ }
        | TaskCommand::BlowFuse { resource: _, detail: text }
        | TaskCommand::Escalate { reason: _, detail: text } => word(text),
        TaskCommand::Answer { decision: _, seen: _, verdict } => redact_verdict(verdict, secrets),
        TaskCommand::AskPermission { run: _, key: _, tool, input } => {
            word(tool);
            word(input);
        }
        TaskCommand::AskQuestion { run: _, key: _, ask: Ask { text, choices } } => {
            word(text);
            choices.iter_mut().for_each(word);
        }
        TaskCommand::FinishRun(finished) => redact_finished(finished, secrets),
        TaskCommand::QueueChanges { resource: _, changes } => outside::changes(secrets, changes),
        TaskCommand::RecordNews { resource: _, news } => outside::news(secrets, news),
        TaskCommand::Resume
        | TaskCommand::Reopen
        | TaskCommand::Retry
        | TaskCommand::RequestTransition
        | TaskCommand::EnterPhase
        | TaskCommand::RequestWorkspace { .. }
        | TaskCommand::RecordWorkspace { .. }
        | TaskCommand::RecordTrashed { .. }
        | TaskCommand::RequestRun(_)
        | TaskCommand::RecordAdopted { .. }
        | TaskCommand::RecordDelivered { .. }
        | TaskCommand::NoteBudget { .. }
        | TaskCommand::StartAttempt { .. }
        | TaskCommand::WithdrawOp { .. }
        | TaskCommand::RetryOp { .. }
        | TaskCommand::DropOp { .. }
        | TaskCommand::RecordLink { .. }
        | TaskCommand::RecordSent(_) => {}
    }
}

fn redact_verdict(verdict: &mut Verdict, secrets: &Secrets) {
    let word = |text: &mut Arc<str>| shown(secrets, text);
    match verdict {
        Verdict::Approve { note } => note.iter_mut().for_each(word),
        Verdict::Edit { input, note } => {
            word(input);
            note.iter_mut().for_each(word);
        }
        Verdict::Reject { reason: text } | Verdict::Answer { text } => word(text),
    }
}

fn redact_finished(finished: &mut FinishedRun, secrets: &Secrets) {
    let FinishedRun { run: _, outcome, document, head: _, check, usage: _ } = finished;
    for text in document.iter_mut().chain(check.iter_mut().map(|(_, tail)| tail)) {
        shown(secrets, text);
    }
    match outcome {
        Outcome::Failed { class: _, detail, retry: _ } => shown_string(secrets, detail),
        Outcome::Completed | Outcome::Interrupted { by: _ } => {}
    }
}

fn shown(secrets: &Secrets, text: &mut Arc<str>) {
    if secrets.hides(text) {
        *text = secrets.redact(text).into();
    }
}

fn shown_string(secrets: &Secrets, text: &mut String) {
    if secrets.hides(text) {
        *text = secrets.redact(text).into_owned();
    }
}

/// Takes the secrets out of a difference, names of files included.
pub(crate) fn diff(secrets: &Secrets, mut diff: DiffSet) -> DiffSet {
    for file in &mut diff.files {
        shown_string(secrets, &mut file.change.path);
        if let ChangeKind::Renamed { from } = &mut file.change.kind {
            shown_string(secrets, from);
        }
        for hunk in &mut file.hunks {
            lines(secrets, &mut hunk.lines);
        }
    }
    diff
}

/// A private key goes over lines: they are looked at together.
fn lines(secrets: &Secrets, lines: &mut [DiffLine]) {
    let text = |line: &DiffLine| match line {
        DiffLine::Context(text) | DiffLine::Added(text) | DiffLine::Removed(text) => text.clone(),
    };
    let whole = lines.iter().map(text).collect::<Vec<_>>().join("\n");
    if !secrets.hides(&whole) {
        return;
    }
    for (line, safe) in lines.iter_mut().zip(secrets.redact(&whole).split('\n')) {
        let (DiffLine::Context(text) | DiffLine::Added(text) | DiffLine::Removed(text)) = line;
        safe.clone_into(text);
    }
}

/// Takes the secrets out of the names of files. One that had any cannot be opened by the name that is shown.
pub(crate) fn listing(secrets: &Secrets, mut listing: Listing) -> Listing {
    listing.entries.iter_mut().for_each(|entry| shown_string(secrets, &mut entry.name));
    listing
}

/// Takes the secrets out of a file.
pub(crate) fn file(secrets: &Secrets, mut file: FileView) -> FileView {
    match &mut file {
        FileView::Text { text: shown }
        | FileView::TooLarge { size_bytes: _, head: shown }
        | FileView::Symlink { target: shown } => shown_string(secrets, shown),
        FileView::Binary { size_bytes: _ } | FileView::Special => {}
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipa_events::task::Usage;
    use ipa_events::{DecisionId, FailureClass, Retry, RunId, TaskId};
    use ipa_workspace::{Change, DiffFile, Entry, EntryKind, Hunk};

    const SECRET: &str = "0a1b2c3d4e5f6a7b8c9d";

    fn secrets() -> Secrets {
        Secrets::of([("SOME_KEY", SECRET)])
    }

    #[test]
    fn a_command_is_carried_out_without_the_secrets_in_its_words() {
        let task = TaskId::from_key("task");
        let (run, decision) = (RunId::new(task, 1), DecisionId::new(task, 1));
        let text = || -> Arc<str> { format!("it is {SECRET}").into() };
        let answer = |verdict| TaskCommand::Answer { decision, seen: None, verdict };
        let finished = FinishedRun {
            run,
            outcome: Outcome::Failed {
                class: FailureClass::AgentError,
                detail: text().to_string(),
                retry: Retry::Human,
            },
            document: Some(text()),
            head: None,
            check: Some((None, text())),
            usage: Usage::default(),
        };
        for (mut command, marks) in [
            (TaskCommand::PostMessage { text: text() }, 1),
            (TaskCommand::Edit { title: Some(text()), priority: None }, 1),
            (TaskCommand::Cancel { reason: Some(text()) }, 1),
            (TaskCommand::Withdraw { run, key: "k".into(), why: text() }, 1),
            (answer(Verdict::Approve { note: Some(text()) }), 1),
            (answer(Verdict::Edit { input: format!(r#"{{"a":"{SECRET}"}}"#).into(), note: Some(text()) }), 2),
            (answer(Verdict::Reject { reason: text() }), 1),
            (answer(Verdict::Answer { text: text() }), 1),
            (TaskCommand::AskPermission { run, key: "k".into(), tool: "Bash".into(), input: text() }, 1),
            (
                TaskCommand::AskQuestion {
                    run,
                    key: "k".into(),
                    ask: Ask { text: text(), choices: vec![text()] },
                },
                2,
            ),
            (TaskCommand::FinishRun(Box::new(finished)), 3),
        ] {
            redact(&mut command, &secrets());
            let shown = format!("{command:?}");
            assert!(!shown.contains(SECRET) && shown.matches("[redacted]").count() == marks, "{shown}");
        }
    }

    #[test]
    fn what_a_workspace_holds_is_shown_without_secrets() {
        let lines =
            ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0", "-----END PRIVATE KEY-----", SECRET];
        let hunk =
            Hunk { old_start: 0, new_start: 1, lines: lines.map(|it| DiffLine::Added(it.to_owned())).into() };
        let change = Change { path: format!("a/{SECRET}"), kind: ChangeKind::Added };
        let file_diff = DiffFile { change, added: 4, removed: 0, hidden: None, hunks: vec![hunk] };
        let shown = diff(&secrets(), DiffSet { files: vec![file_diff], truncated: false });
        let shown = shown.files.first().unwrap();
        assert_eq!(shown.change.path, "a/[redacted]");
        let wanted =
            [lines[0], "[redacted]", lines[2], "[redacted]"].map(|it| DiffLine::Added(it.to_owned()));
        assert_eq!(shown.hunks.first().unwrap().lines, wanted);
        let entry = Entry { name: SECRET.to_owned(), kind: EntryKind::File, size_bytes: None };
        let shown = listing(&secrets(), Listing { entries: vec![entry], truncated: false });
        assert_eq!(shown.entries.first().unwrap().name, "[redacted]");
        let shown = file(&secrets(), FileView::Text { text: format!("a\n{SECRET}\n") });
        assert_eq!(shown, FileView::Text { text: "a\n[redacted]\n".to_owned() });
    }

    #[test]
    fn an_engines_debug_text_shows_no_value_of_an_environment() {
        let mut config = crate::EngineConfig::new("runs".into());
        config.agent_env.insert("HTTPS_PROXY".into(), format!("http://me:{SECRET}@proxy").into());
        config.secrets = secrets();
        let shown = format!("{config:?}");
        assert!(shown.contains("HTTPS_PROXY") && !shown.contains(SECRET), "{shown}");
    }
}
