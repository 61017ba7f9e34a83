//! The files of a pull request, as a table.

use jiff::Timestamp;

use super::*;

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn files(more: &str, notes: &[(&str, &str)]) -> PullFiles {
    let toml = format!("title = \"x\"\nhead = \"a\"\nbase = \"main\"\n{more}");
    let mut files = PullFiles::new(1, Front::of_toml(toml.as_bytes()).unwrap(), String::new()).unwrap();
    files.notes = notes
        .iter()
        .map(|(id, keys)| {
            let note = format!("+++\nauthor = \"ann\"\n{keys}\n+++\nHello.\n");
            (id.parse().unwrap(), Note::parse(note.as_bytes(), Timestamp::UNIX_EPOCH).unwrap())
        })
        .collect();
    files
}

#[test]
fn the_state_is_what_the_file_says() {
    let commit = oid('e');
    for (more, wanted) in [
        (String::new(), PullState::Open),
        ("state = \"closed\"\nby = \"ann\"".to_owned(), PullState::Closed { by: Some("ann".into()) }),
        (
            format!("state = \"merged\"\nmerged = \"{commit}\""),
            PullState::Merged { commit: Some(commit.clone()), by: None },
        ),
    ] {
        assert_eq!(files(&more, &[]).fold(&oid('c')).state, wanted, "{more}");
    }
}

#[test]
fn the_newest_review_of_a_person_counts_and_ours_are_nobodys() {
    let (yes, no) =
        ("verdict = \"approved\"\nat = \"2026-01-02T00:00:00Z\"", "verdict = \"changes_requested\"");
    for notes in [[("a", yes), ("b", no)], [("b", yes), ("a", no)]] {
        let pull = files("", &notes).fold(&oid('c'));
        assert_eq!(pull.reviews["ann"].verdict, ReviewVerdict::Approved);
        assert_eq!(pull.remarks.len(), 0);
    }
    let pull = files("", &[("a", "marker = \"m\""), ("b", "")]).fold(&oid('c'));
    assert_eq!(pull.remarks.keys().map(RemoteId::as_str).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn answers_stand_in_their_thread_and_go_with_it() {
    let notes = [
        ("z", "path = \"a.rs\"\nline = 2\nresolved = true"),
        ("a", "thread = \"z\""),
        ("b", "thread = \"gone\""),
    ];
    let pull = files("", &notes).fold(&oid('c'));
    let thread = &pull.threads[&"z".parse().unwrap()];
    assert_eq!((thread.line, thread.resolved, thread.remarks.len()), (Some(2), true, 2));
    assert_eq!((pull.threads.len(), pull.remarks.len()), (1, 0));
}

#[test]
fn others_checks_of_the_head_count_and_ours_does_not() {
    use CheckReport::{Failed, None as Nothing, Passed, Pending};
    for (checks, wanted) in [
        (vec![], None),
        (vec![("ipa", Failed, 'c')], None),
        (vec![("build", Failed, 'd')], None),
        (vec![("build", Nothing, 'c')], None),
        (vec![("build", Passed, 'c')], Some(CiState::Passed)),
        (vec![("build", Passed, 'c'), ("test", Pending, 'c')], Some(CiState::Pending)),
        (vec![("build", Failed, 'c'), ("test", Pending, 'c')], Some(CiState::Failed)),
    ] {
        let mut files = files("", &[]);
        for (name, state, commit) in &checks {
            let summary = "ä".repeat(SUMMARY).into();
            let check = CheckKeys { state: *state, commit: oid(*commit), summary, url: None, from: None };
            files.checks.insert((*name).to_owned(), check);
        }
        let ci = files.fold(&oid('c')).ci;
        assert_eq!(ci.as_ref().map(|ci| ci.state), wanted, "{checks:?}");
        let failing = ci.map(|ci| ci.failing).unwrap_or_default();
        assert!(failing.iter().all(|check| check.summary.len() <= SUMMARY), "{checks:?}");
    }
}
