//! From a ticket to a merge, with each change made twice and looked for around it.

use ipa_events::task::{Category, CheckReport, CiState, MergeMethod, PullState, ReviewVerdict};

use super::*;

#[tokio::test]
async fn a_ticket_becomes_a_pull_request_that_is_reviewed_and_merged() {
    let mut world = world();
    world.put(
        "tickets/K-1.md",
        "+++\ntitle = \"Fix it\"\nlabels = [\"ipa\"] # mine\nauthor = \"ann\"\n+++\n\nPlease.\n",
    );
    let swept = world.sweep(None).await;
    let wanted: Vec<_> = swept.wanted.iter().map(|it| (&*it.title, &*it.text, &*it.by, it.trusted)).collect();
    assert_eq!(wanted, [("Fix it", "Please.", "ann", true)]);
    assert_eq!(world.observe(PULL, None).await, Ok(Observed::Absent));

    opened(&mut world).await;
    talked_about(&mut world).await;
    checked_and_approved(&world).await;
    merged(&mut world).await;

    assert_eq!(world.sweep(None).await.wanted, [], "a ticket that is done wants nothing");
    assert_eq!(world.names("inbox"), ["refused"; 0]);
    std::fs::remove_dir_all(world.path("pulls/1")).unwrap();
    assert_eq!(world.observe(PULL, Some("here#1")).await, Ok(Observed::Gone));
}

async fn opened(world: &mut World) {
    world.make(TICKET, Change::MoveTicket { to: Category::Active }).await;
    assert_eq!(
        (world.ticket().await.category, &*world.ticket().await.status),
        (Category::Active, "In progress")
    );
    assert!(world.read("tickets/K-1.md").contains("labels = [\"ipa\"] # mine\n"), "the rest stays as it was");
    let applied = world.make(PULL, draft()).await;
    assert_eq!(applied.remote.unwrap().as_str(), "here#1");
    let pull = world.pull().await;
    assert_eq!(
        (&*pull.title, pull.draft, pull.head, pull.state),
        ("Fix it", true, oid('c'), PullState::Open)
    );
    assert_eq!(pull.section, Some(Change::version_of("What is done.")));
    world.put("pulls/1/body.md", format!("Mine.\n{}\nMine too.", world.read("pulls/1/body.md")));
    world.make(PULL, Change::WriteSection { section: "More.".into() }).await;
    let body = world.read("pulls/1/body.md");
    assert!(body.starts_with("Mine.\n<!--") && body.ends_with("-->\nMine too."), "{body}");
    world.make(PULL, Change::Rename { title: "Fix it \"well\"\n".into() }).await;
    world.make(PULL, Change::AddLabels { names: vec!["bug".into()] }).await;
    world.make(PULL, Change::RequestReviewers { names: vec!["ann".into(), "bob".into()] }).await;
    world.make(PULL, Change::SetDraft { draft: false }).await;
    world
        .make(
            TICKET,
            Change::LinkPull { url: "https://example.org/1".into(), title: "x".into(), merged: false },
        )
        .await;
    let pull = world.pull().await;
    assert_eq!((&*pull.title, pull.draft), ("Fix it \"well\"\n", false));
}

async fn talked_about(world: &mut World) {
    let first = world.make(PULL, Change::WriteStatus { text: "It begins.".into() }).await;
    let mut next = world.job(PULL, Change::WriteStatus { text: "It goes on.".into() });
    next.earlier.clone_from(&first.remote);
    assert_eq!(world.make_job(&next).await.remote, first.remote, "one comment, edited for ever");
    world.make(PULL, Change::WriteStatus { text: "It still goes on.".into() }).await;
    world.make(PULL, Change::Comment { text: "Something else.".into() }).await;
    assert_eq!(world.names("pulls/1/comments").len(), 2);
    assert_eq!(world.pull().await.remarks.len(), 0, "our own words are no remarks");

    world.drop(
        "why",
        "pull = 1\nkind = \"comment\"\nauthor = \"ann\"\npath = \"a.rs\"\nline = 3",
        "Why? <!-- x -->",
    );
    let pull = world.pull().await;
    let (id, thread) = pull.threads.first_key_value().unwrap();
    assert_eq!((&*thread.path, thread.line, thread.resolved), ("a.rs", Some(3), false));
    let remark = &thread.remarks[id];
    assert_eq!((&*remark.by, remark.trusted, &*remark.text), ("ann", true, "Why?"));
    let reply = Change::Reply { thread: id.clone(), to: id.clone(), text: "Because.".into() };
    world.make(PULL, reply).await;
    assert_eq!(world.pull().await.threads[id].remarks.len(), 1);
    world.drop("so", &format!("pull = 1\nkind = \"comment\"\nauthor = \"ann\"\nthread = \"{id}\""), "I see.");
    assert_eq!(world.pull().await.threads[id].remarks.len(), 2);
    world.drop("said", "ticket = \"K-1\"\nkind = \"comment\"\nauthor = \"ann\"", "How is it?");
    world.make(TICKET, Change::Comment { text: "Nearly done.".into() }).await;
    assert_eq!(world.ticket().await.remarks.len(), 1);
}

async fn checked_and_approved(world: &World) {
    let check =
        |state| format!("pull = 1\nkind = \"check\"\nauthor = \"ci\"\nname = \"build\"\nstate = \"{state}\"");
    for (state, wanted) in
        [("pending", CiState::Pending), ("failed", CiState::Failed), ("passed", CiState::Passed)]
    {
        world.drop(state, &check(state), "It says so.");
        let ci = world.pull().await.ci.unwrap();
        assert_eq!((ci.commit, ci.state), (oid('c'), wanted));
        let failing: Vec<_> = ci.failing.iter().map(|it| (&*it.name, &*it.summary)).collect();
        assert_eq!(failing, if state == "failed" { vec![("build", "It says so.")] } else { vec![] });
    }
    world.drop("no", "pull = 1\nkind = \"request_changes\"\nauthor = \"bob\"", "Not so.");
    let reviews = world.pull().await.reviews;
    assert_eq!(reviews["bob"].verdict, ReviewVerdict::ChangesRequested);
    world.drop("yes", "pull = 1\nkind = \"approve\"\nauthor = \"bob\"", "So.");
    let review = world.pull().await.reviews["bob"].clone();
    assert_eq!(
        (review.verdict, review.commit, &*review.remark.text),
        (ReviewVerdict::Approved, oid('c'), "So.")
    );
}

async fn merged(world: &mut World) {
    let report =
        Change::ReportCheck { commit: oid('c'), state: CheckReport::Passed, summary: "2 passed".into() };
    world.make(PULL, report).await;
    assert_eq!(world.pull().await.ci.map(|ci| ci.failing.len()), Some(0), "our own check is none of theirs");
    let applied = world.make(PULL, Change::Merge { commit: oid('c'), method: MergeMethod::Squash }).await;
    assert_eq!(applied.remote.unwrap().as_str(), oid('e').as_str());
    assert_eq!(world.git.merges.lock().unwrap().len(), 1, "a second time merges nothing");
    // What is pushed, or removed, after the merge is not part of it.
    world.git.set(BRANCH, 'd');
    let pull = world.pull().await;
    let by_us = PullState::Merged { commit: Some(oid('e')), by: Some("ipa".into()) };
    assert_eq!((pull.state, pull.head), (by_us, oid('c')));
    let closing = world.job(PULL, Change::ClosePull {});
    let refused = world.connector.apply(world.cx(), &closing).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Conflict, "merged is final");
    world.make(TICKET, Change::MoveTicket { to: Category::Done }).await;
    let back = world.job(TICKET, Change::MoveTicket { to: Category::Active });
    world.connector.apply(world.cx(), &back).await.unwrap();
    assert_eq!(world.ticket().await.category, Category::Done, "never backwards");
}

#[tokio::test]
async fn a_head_that_moved_a_draft_and_a_closed_one_are_not_merged() {
    let mut world = world();
    let merge = |commit| Change::Merge { commit, method: MergeMethod::Squash };
    world.make(PULL, draft()).await;
    let cases = [
        ("a draft", 'c', Some(Change::SetDraft { draft: false })),
        ("another head", 'd', Some(Change::ClosePull {})),
        ("a closed one", 'c', None),
    ];
    for (what, commit, then) in cases {
        let job = world.job(PULL, merge(oid(commit)));
        let refused = world.connector.apply(world.cx(), &job).await.unwrap_err();
        assert_eq!(refused.class, ErrorClass::Conflict, "{what}");
        if let Some(change) = then {
            world.make(PULL, change).await;
        }
    }
    assert_eq!(world.git.merges.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_merge_whose_end_is_not_known_is_looked_into_and_not_repeated() {
    for (method, known) in [(MergeMethod::Merge, true), (MergeMethod::Squash, false)] {
        let mut world = world();
        world.make(PULL, ready_one()).await;
        let job = world.job(PULL, Change::Merge { commit: oid('c'), method });
        // Refused: nothing was done, and the next try is a plain one.
        *world.git.lose.lock().unwrap() = Some(ErrorClass::Transient);
        assert_eq!(world.connector.apply(world.cx(), &job).await.unwrap_err().class, ErrorClass::Transient);
        assert_eq!(world.connector.probe(world.cx(), &job).await, Ok(Probe::NotThere));
        // The answer was lost.
        *world.git.lose.lock().unwrap() = Some(ErrorClass::Indeterminate);
        assert_eq!(
            world.connector.apply(world.cx(), &job).await.unwrap_err().class,
            ErrorClass::Indeterminate
        );
        *world.git.lose.lock().unwrap() = None;
        let found = world.connector.probe(world.cx(), &job).await;
        let again = world.connector.apply(world.cx(), &job).await;
        if known {
            assert!(matches!(found, Ok(Probe::There(_))), "{found:?}");
            assert!(again.is_ok(), "{again:?}");
            assert!(matches!(world.pull().await.state, PullState::Merged { .. }));
        } else {
            assert_eq!(found.unwrap_err().class, ErrorClass::Indeterminate);
            assert_eq!(again.unwrap_err().class, ErrorClass::Indeterminate, "a person decides");
        }
        assert_eq!(world.git.merges.lock().unwrap().len(), 1, "{method}");
    }
}

#[tokio::test]
async fn an_open_pull_request_of_the_branch_is_taken_over_if_it_is_the_tasks_own_or_a_person_insists() {
    let mut world = world();
    world.make(PULL, draft()).await;
    let again = world.job(PULL, draft());
    let applied = world.connector.apply(world.cx(), &again).await.unwrap();
    assert_eq!(applied.remote.unwrap().as_str(), "here#1");
    let theirs =
        world.read("pulls/1/pull.toml").replace("task = ", "# task = ").replace("marker = ", "# m = ");
    world.put("pulls/1/pull.toml", theirs);
    let refused = world.connector.apply(world.cx(), &again).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Rejected);
    assert!(refused.detail.contains("try again to take it over"), "{refused}");
    world.put("pulls/1/body.md", "Mine.\n");
    let mut insisted = again.clone();
    insisted.op.insisted = true;
    let taken = world.connector.apply(world.cx(), &insisted).await.unwrap();
    assert_eq!(taken.remote.unwrap().as_str(), "here#1");
    let (keys, body) = (world.read("pulls/1/pull.toml"), world.read("pulls/1/body.md"));
    assert!(
        keys.contains(&insisted.marker()) && body.starts_with("Mine.") && body.len() > 10,
        "{keys}{body}"
    );
    let found = world.connector.probe(world.cx(), &insisted).await.unwrap();
    assert!(matches!(found, Probe::There(_)), "{found:?}");
    // Of another task it is never taken.
    insisted.target.task = TaskId::from_key("another");
    let refused = world.connector.apply(world.cx(), &insisted).await.unwrap_err();
    assert!(refused.detail.contains("of another task"), "{refused}");
    assert_eq!(world.names("pulls"), ["1"]);
}

#[tokio::test]
async fn what_was_dropped_is_done_once_whenever_we_were_interrupted() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    let keys = "pull = 1\nkind = \"close\"\nauthor = \"ann\"";
    world.drop("close", keys, "Not needed.");
    let pull = world.pull().await;
    assert_eq!(pull.state, PullState::Closed { by: Some("ann".into()) });
    assert_eq!(pull.remarks.len(), 1);
    let done = world.names("done");
    // Interrupted before it was put away: it is there again, and nothing is new.
    let file = world.path(&format!("done/{}", done[0]));
    std::fs::rename(file, world.path("inbox/close.md")).unwrap();
    assert_eq!(world.pull().await, pull);
    assert_eq!(world.names("done"), done);
    // The same file dropped once more was read already.
    world.drop("open", "pull = 1\nkind = \"reopen\"\nauthor = \"ann\"", "");
    world.pull().await;
    world.drop("close", keys, "Not needed.");
    assert_eq!(world.pull().await.state, PullState::Open);
    assert_eq!(world.names("inbox"), [""; 0]);
}

#[tokio::test]
async fn what_was_dropped_says_what_it_said_when_it_was_read() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    world.drop("yes", "pull = 1\nkind = \"approve\"\nauthor = \"bob\"", "So.");
    world.drop(
        "red",
        "pull = 1\nkind = \"check\"\nauthor = \"ci\"\nname = \"build\"\nstate = \"failed\"",
        "x",
    );
    world.drop("z-end", "pull = 1\nkind = \"close\"\nauthor = \"ann\"", "");
    let pull = world.pull().await;
    let files = world.all();
    let files = || files.iter().filter(|(path, _)| path.starts_with(world.path("pulls")));
    // Interrupted before any was put away; meanwhile the branch went on.
    for name in world.names("done") {
        let (_, dropped) = name.split_once('-').unwrap();
        std::fs::rename(world.path(&format!("done/{name}")), world.path(&format!("inbox/{dropped}")))
            .unwrap();
    }
    world.git.set(BRANCH, 'd');
    assert_eq!(world.pull().await, pull);
    let now = world.all();
    assert!(files().all(|(path, bytes)| now.get(path) == Some(bytes)), "nothing changed");
    assert_eq!(world.names("inbox"), [""; 0], "and nothing was refused");
}

#[tokio::test]
async fn a_check_is_of_the_commit_that_was_the_head_when_it_was_read() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    world.drop(
        "red",
        "pull = 1\nkind = \"check\"\nauthor = \"ci\"\nname = \"build\"\nstate = \"failed\"",
        "x",
    );
    assert_eq!(world.pull().await.ci.map(|ci| ci.commit), Some(oid('c')));
    let done = world.names("done");
    std::fs::rename(world.path(&format!("done/{}", done[0])), world.path("inbox/red.md")).unwrap();
    world.git.set(BRANCH, 'd');
    let pull = world.pull().await;
    assert_eq!((pull.head, pull.ci), (oid('d'), None));
    assert_eq!(world.names("done"), done);
}

#[tokio::test]
async fn a_person_merges_by_the_inbox_what_is_no_draft() {
    let mut world = world();
    world.make(PULL, draft()).await;
    let merge = "pull = 1\nkind = \"merge\"\nauthor = \"ann\"";
    world.drop("early", merge, "");
    assert_eq!(world.pull().await.state, PullState::Open);
    assert_eq!(world.read("inbox/refused/early.md.why"), "it is a draft\n");
    world.make(PULL, Change::SetDraft { draft: false }).await;
    *world.git.lose.lock().unwrap() = Some(ErrorClass::Transient);
    world.drop("merge", merge, "Good.");
    assert_eq!(world.pull().await.state, PullState::Open);
    assert_eq!(world.names("inbox"), ["merge.md", "refused"], "it is tried again");
    *world.git.lose.lock().unwrap() = None;
    let pull = world.pull().await;
    assert_eq!(pull.state, PullState::Merged { commit: Some(oid('e')), by: Some("ann".into()) });
    assert_eq!((pull.remarks.len(), world.git.merges.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_sweep_names_what_changed_since_the_last_one() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    world.put("tickets/K-1.md", "+++\ntitle = \"Fix it\"\n+++\n");
    let moved = |swept: Swept| swept.moved.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(moved(world.sweep(None).await), ["here#1", "K-1"]);
    assert_eq!(moved(world.sweep(Some(0)).await), [""; 0]);
    world.git.set(BRANCH, 'd');
    assert_eq!(moved(world.sweep(Some(0)).await), ["here#1"], "somebody pushed");
    world.drop("go", "ticket = \"K-1\"\nkind = \"move\"\nauthor = \"ann\"\ncategory = \"active\"", "");
    assert_eq!(moved(world.sweep(Some(0)).await), ["K-1"]);
    std::fs::remove_file(world.path("tickets/K-1.md")).unwrap();
    assert_eq!(moved(world.sweep(Some(0)).await), ["K-1"]);
}
