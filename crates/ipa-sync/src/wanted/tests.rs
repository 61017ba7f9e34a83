//! What is wanted outside, as a story of a task: each step lists what is wanted, and makes it.

use ipa_events::task::{Asked, Place};
use ipa_events::task::{
    Category, Ci, CiState, Created, Decision, Evidence, GatePolicy, Gates, Link, OpState, Pull, PullState,
    Remark, Review, ReviewVerdict, Run, RunState, Seen, TaskLimits, Thread, Ticket, Workspace,
    WorkspaceState,
};
use ipa_events::{AgentId, DecisionId, OpId, Outcome, PayloadHash, Phase, Role, RunId, TaskId};
use jiff::Timestamp;

use super::*;
use crate::settings::Mode;

pub(crate) const PULL: &str = "work/pull/ipa/t-1-x";
pub(crate) const TICKET: &str = "jira/ticket/K-1";

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn task() -> TaskId {
    TaskId::from_key("a task")
}

pub(crate) fn key(text: &str) -> Resource {
    text.parse().unwrap()
}

/// A task of which head `c` is there, in a phase.
fn at(phase: Phase) -> TaskState {
    let created = Created {
        task: task(),
        number: 1,
        title: "Fix it".into(),
        request: "Fix it".into(),
        repo: "/repo".parse().unwrap(),
        base: Some("main".parse().unwrap()),
        agent: "scripted".parse().unwrap(),
        roles: [].into(),
        gates: Gates::default(),
        checks: Vec::new(),
        start_at: Phase::Development,
        priority: 0,
        depends_on: Vec::new(),
        ticket: None,
        limits: TaskLimits::default(),
    };
    let ready =
        WorkspaceState::Ready { path: "/w".into(), branch: "ipa/t-1-x".parse().unwrap(), base: oid('0') };
    let workspace = Workspace { state: ready, checkpoints: Vec::new() };
    TaskState {
        created: Some(created.into()),
        title: "Fix it".into(),
        phase,
        head: Some(oid('c')),
        workspaces: [(AgentId::main(), workspace)].into(),
        ..TaskState::default()
    }
}

pub(crate) fn sides() -> Sides {
    let settings = ["work", "jira"].map(|id| {
        let id: ConnectorId = id.parse().unwrap();
        (id.clone(), Settings::new(id))
    });
    Sides { forge: Some("work".parse().unwrap()), settings: settings.into() }
}

/// Says that a change was sent.
pub(crate) fn send(state: &mut TaskState, resource: &str, change: Change) {
    let number = u32::try_from(state.ops.len()).unwrap() + 1;
    state.ops.push(Op {
        id: OpId::new(task(), number),
        resource: key(resource),
        payload_hash: change.hash(),
        change,
        policy: PublishPolicy::Auto,
        queued_at: Timestamp::UNIX_EPOCH,
        state: OpState::Sent { at: Timestamp::UNIX_EPOCH, remote: None, url: None },
        attempts: 1,
        failures: 0,
        insisted: false,
    });
}

/// Makes everything that is wanted, once.
fn make(state: &mut TaskState, sides: &Sides) {
    for want in wanted(state, sides) {
        send(state, &want.resource.to_string(), want.change);
    }
}

fn listed(state: &TaskState, sides: &Sides) -> Vec<String> {
    let of = |want: Wanted| format!("{} {} ({})", want.resource.kind, want.change.title(), want.policy);
    wanted(state, sides).into_iter().map(of).collect()
}

fn kinds(state: &TaskState, sides: &Sides) -> Vec<ChangeKind> {
    wanted(state, sides).iter().map(|want| want.change.kind()).collect()
}

/// The pull request of the task, open, with nothing left to say about it.
pub(crate) fn quiet(phase: Phase) -> TaskState {
    let mut state = at(phase);
    let sides = sides();
    make(&mut state, &sides);
    make(&mut state, &sides);
    let section = wanted_section(&state);
    let pull = Pull { draft: phase != Phase::Review, ..Pull::new("Fix it".into(), oid('c'), section) };
    state.outside.pulls.insert(key(PULL), pull);
    make(&mut state, &sides);
    assert_eq!(listed(&state, &sides), [""; 0]);
    state
}

fn wanted_section(state: &TaskState) -> Option<std::sync::Arc<str>> {
    state.ops.iter().find_map(|op| {
        let Change::OpenPull { section, .. } = &op.change else { return None };
        Some(Change::version_of(section))
    })
}

fn pull_of(state: &mut TaskState) -> &mut Pull {
    state.outside.pulls.get_mut(&key(PULL)).unwrap()
}

/// A review of somebody who is trusted.
fn review(verdict: ReviewVerdict, commit: Oid) -> Review {
    let remark =
        Remark { by: "ann".into(), trusted: true, at: Timestamp::UNIX_EPOCH, text: String::new().into() };
    Review { id: "21".parse().unwrap(), verdict, commit, remark }
}

/// The gate of the review was opened at the head.
fn accept(state: &mut TaskState) {
    open_by(state, GatePolicy::Ask);
}

/// A gate of the review that shows a commit.
fn gate(head: Option<Oid>, policy: GatePolicy) -> Decision {
    let seen = Seen { document: None, head, checks: Evidence::NoneConfigured };
    Decision {
        id: DecisionId::new(task(), 1),
        asked: Asked::Gate { from: Phase::Review, to: Phase::Completed, seen, policy },
        payload_hash: PayloadHash::of(b"x"),
        at: Timestamp::UNIX_EPOCH,
        answered: None,
    }
}

fn open_by(state: &mut TaskState, policy: GatePolicy) {
    let gate = gate(state.head.clone(), policy);
    state.approved = Some((gate.id, Phase::Completed));
    state.decisions = vec![gate];
}

#[test]
fn without_a_forge_accepted_work_is_one_branch_and_nothing_before_that() {
    let sides = Sides::default();
    for phase in [Phase::Development, Phase::Review] {
        assert_eq!(listed(&at(phase), &sides), [""; 0]);
    }
    let mut state = at(Phase::Review);
    accept(&mut state);
    assert_eq!(listed(&state, &sides), ["branch push ccccccccc to ipa/t-1-x (auto)"]);
    make(&mut state, &sides);
    assert_eq!(listed(&state, &sides), [""; 0]);
    // New work, accepted anew, goes on from what was published.
    state.head = Some(oid('d'));
    let pushes: Vec<_> = wanted(&state, &sides).into_iter().map(|want| want.change).collect();
    assert!(
        matches!(pushes.as_slice(), [Change::PushBranch(push)] if push.expected == Some(oid('c'))),
        "{pushes:?}"
    );
}

#[test]
fn work_whose_approval_was_taken_back_is_not_delivered() {
    let (sides, mut state) = (Sides::default(), at(Phase::Review));
    accept(&mut state);
    make(&mut state, &sides);
    state.ops[0].state = OpState::Ready;
    let next = |state: &TaskState| {
        crate::step(state, &wanted(state, &sides), &BTreeMap::new(), Timestamp::UNIX_EPOCH)
    };
    assert_eq!(next(&state), Some(crate::Step::Send(state.ops[0].id)));
    state.approved = None;
    assert_eq!(next(&state), Some(crate::Step::Withdraw(state.ops[0].id)));
}

#[test]
fn work_in_development_is_pushed_and_then_has_a_draft_and_in_review_the_draft_is_ready() {
    let (mut state, sides) = (at(Phase::Development), sides());
    assert_eq!(listed(&state, &sides), ["branch push ccccccccc to ipa/t-1-x (auto)"]);
    make(&mut state, &sides);
    assert_eq!(listed(&state, &sides), ["pull open a draft pull request: Fix it (ask_once)"]);
    make(&mut state, &sides);
    assert_eq!(listed(&state, &sides), [""; 0], "it is not seen yet");
    let section = wanted_section(&state);
    state
        .outside
        .pulls
        .insert(key(PULL), Pull { draft: true, ..Pull::new("Fix it".into(), oid('c'), section) });
    assert_eq!(
        listed(&state, &sides),
        [
            "pull say how it stands: T-1: it is being worked on. (auto)",
            "pull report the checks of ccccccccc: no checks are configured (auto)"
        ]
    );
    make(&mut state, &sides);
    state.phase = Phase::Review;
    assert_eq!(
        listed(&state, &sides),
        [
            "pull say how it stands: T-1: it is in review. (auto)",
            "pull mark the pull request as ready for review (ask)"
        ]
    );
}

#[test]
fn nothing_is_shown_before_there_is_work() {
    let sides = sides();
    for phase in [Phase::SpecClarification, Phase::Planning] {
        assert_eq!(listed(&at(phase), &sides), [""; 0]);
    }
    let mut state = at(Phase::Development);
    state.head = state.base().cloned();
    assert_eq!(listed(&state, &sides), [""; 0]);
}

#[test]
fn what_a_mode_or_a_policy_denies_is_not_wanted() {
    for mode in [Mode::Off, Mode::Observe] {
        let mut sides = sides();
        sides.settings.values_mut().for_each(|settings| settings.mode = mode);
        assert_eq!(listed(&at(Phase::Development), &sides), [""; 0], "{mode:?}");
    }
}

#[test]
fn reviewers_and_labels_are_asked_for_once() {
    let mut sides = sides();
    let settings = sides.settings.get_mut(&"work".parse().unwrap()).unwrap();
    settings.reviewers = vec!["ann".into()];
    settings.labels = vec!["ipa".into()];
    let mut state = quiet(Phase::Review);
    assert_eq!(kinds(&state, &sides), [ChangeKind::AddLabels, ChangeKind::RequestReviewers]);
    make(&mut state, &sides);
    assert_eq!(kinds(&state, &sides), []);
}

#[test]
fn a_title_that_a_person_changed_stays_and_one_that_the_task_changed_follows() {
    let sides = sides();
    let mut state = quiet(Phase::Review);
    pull_of(&mut state).title = "Theirs".into();
    assert_eq!(kinds(&state, &sides), []);
    state.title = "Ours".into();
    let rename = |state: &TaskState| kinds(state, &sides).contains(&ChangeKind::Rename);
    assert!(!rename(&state), "both changed it: theirs stays");
    pull_of(&mut state).title = "Fix it".into();
    assert!(rename(&state));
}

#[test]
fn our_section_is_kept_true_and_one_that_a_person_took_out_stays_out() {
    let sides = sides();
    let mut state = quiet(Phase::Review);
    pull_of(&mut state).section = Some("edited".into());
    assert_eq!(kinds(&state, &sides), [ChangeKind::WriteSection]);
    pull_of(&mut state).section = None;
    assert_eq!(kinds(&state, &sides), []);
}

#[test]
fn a_thread_is_answered_once_a_run_has_answered_it_and_an_outsiders_is_not() {
    let sides = sides();
    let mut state = quiet(Phase::Review);
    let remark =
        |trusted| Remark { by: "ann".into(), trusted, at: Timestamp::UNIX_EPOCH, text: "Why?".into() };
    let thread = |id: &str, trusted| Thread {
        path: "a.rs".into(),
        line: None,
        resolved: false,
        remarks: [(id.parse().unwrap(), remark(trusted))].into(),
    };
    pull_of(&mut state).threads =
        [("t1".parse().unwrap(), thread("31", true)), ("t2".parse().unwrap(), thread("32", false))].into();
    state.outside.asked = [("31".parse().unwrap(), 0)].into();
    assert_eq!(kinds(&state, &sides), [], "nobody looked at it yet");
    state.runs.push(run(1, oid('c')));
    state.head = Some(oid('d'));
    let replies = |state: &TaskState| {
        let all = wanted(state, &sides).into_iter().filter(|want| want.change.kind() == ChangeKind::Reply);
        all.map(|want| format!("{} ({})", want.change.title(), want.policy)).collect::<Vec<_>>()
    };
    assert_eq!(replies(&state), ["answer in a thread: Changed in `ddddddddd`. (ask)"]);
    make(&mut state, &sides);
    assert_eq!(replies(&state), [""; 0]);
}

fn run(number: u32, head: Oid) -> Run {
    Run {
        id: RunId::new(task(), number),
        place: Place::new(task(), AgentId::main()),
        role: Role::Review,
        phase: Phase::Review,
        attempt: 1,
        runtime: "scripted".parse().unwrap(),
        session: None,
        resumes: None,
        takes_over: None,
        head,
        messages: Vec::new(),
        check: None,
        state: RunState::Over(Outcome::Completed),
        requested_at: Timestamp::UNIX_EPOCH,
        process: None,
        sandbox: None,
        started_at: None,
        finished_at: None,
        interrupted_by: None,
        budget: None,
        usage: ipa_events::task::Usage::default(),
    }
}

#[test]
fn accepted_work_is_merged_and_approved_work_where_the_policy_says_so() {
    let (asking, head) = (sides(), oid('c'));
    let mut by_itself = sides();
    let settings = by_itself.settings.get_mut(by_itself.forge.as_ref().unwrap()).unwrap();
    settings.policies.rules.insert((ChangeKind::Merge, None), PublishPolicy::Auto);
    let merges_with = |sides: &Sides, change: &dyn Fn(&mut TaskState)| {
        let mut state = quiet(Phase::Review);
        change(&mut state);
        let all = wanted(&state, sides).into_iter().filter(|want| want.change.kind() == ChangeKind::Merge);
        all.map(|want| want.policy).collect::<Vec<_>>()
    };
    let merges = |change: &dyn Fn(&mut TaskState)| merges_with(&by_itself, change);
    let approve = |state: &mut TaskState, commit, trusted| {
        let mut review = review(ReviewVerdict::Approved, commit);
        review.remark.trusted = trusted;
        pull_of(state).reviews.insert("ann".into(), review);
    };
    let ci = |state: &mut TaskState, ci| {
        pull_of(state).ci = Some(Ci { commit: oid('c'), state: ci, failing: Vec::new() });
    };
    assert_eq!(merges(&|_state| {}), []);
    assert_eq!(merges_with(&asking, &accept), [PublishPolicy::Auto], "who opened the gate saw this commit");
    let by_policy = |state: &mut TaskState| open_by(state, GatePolicy::Auto);
    assert_eq!(merges_with(&asking, &by_policy), [PublishPolicy::Ask], "nobody saw it yet");
    let approved = |state: &mut TaskState| approve(state, head.clone(), true);
    assert_eq!(merges_with(&asking, &approved), [], "our own gate asks, once");
    assert_eq!(merges(&approved), [PublishPolicy::Auto]);
    assert_eq!(merges(&|state| approve(state, head.clone(), false)), [], "an outsider");
    assert_eq!(merges(&|state| approve(state, oid('9'), true)), [], "another commit");
    for (state_of_ci, wanted) in
        [(CiState::Pending, vec![]), (CiState::Failed, vec![]), (CiState::Passed, vec![PublishPolicy::Auto])]
    {
        let merges = merges(&|state| {
            approve(state, head.clone(), true);
            ci(state, state_of_ci);
        });
        assert_eq!(merges, wanted, "{state_of_ci:?}");
    }
    let objected = |state: &mut TaskState| {
        approve(state, head.clone(), true);
        let review = review(ReviewVerdict::ChangesRequested, head.clone());
        pull_of(state).reviews.insert("bob".into(), review);
    };
    assert_eq!(merges(&objected), []);
    let blocked = |state: &mut TaskState| {
        accept(state);
        pull_of(state).mergeable = Some(false);
    };
    assert_eq!(merges(&blocked), []);
    let moved = |state: &mut TaskState| {
        accept(state);
        pull_of(state).head = oid('9');
    };
    assert_eq!(merges(&moved), [], "somebody pushed what nobody here saw");
}

#[test]
fn nobody_fights_over_a_pull_request_that_a_person_closed() {
    let sides = sides();
    let mut state = quiet(Phase::Review);
    state.title = "Other".into();
    state.head = Some(oid('d'));
    pull_of(&mut state).state = PullState::Closed { by: Some("ann".into()) };
    assert_eq!(kinds(&state, &sides), []);
}

#[test]
fn merged_work_leaves_no_branch_and_a_task_that_was_given_up_closes_its_pull_request_if_a_person_agrees() {
    let sides = sides();
    let mut state = quiet(Phase::Review);
    pull_of(&mut state).state = PullState::Merged { commit: Some(oid('e')), by: None };
    state.phase = Phase::Completed;
    assert_eq!(
        listed(&state, &sides),
        ["pull say how it stands: T-1: it is done. (auto)", "branch remove the branch ipa/t-1-x (auto)"]
    );
    make(&mut state, &sides);
    assert_eq!(kinds(&state, &sides), []);
    let mut state = quiet(Phase::Development);
    state.phase = Phase::Cancelled;
    assert_eq!(
        listed(&state, &sides),
        ["pull say how it stands: T-1: it was given up. (auto)", "pull close the pull request (ask)"]
    );
}

fn ticket(category: Category) -> Ticket {
    Ticket { title: "Fix it".into(), status: "x".into(), category, remarks: BTreeMap::new() }
}

fn with_ticket(phase: Phase, category: Category) -> TaskState {
    let mut state = at(phase);
    let link = Link { remote: "K-1".parse().unwrap(), url: None };
    state.outside.links.insert(key(TICKET), link);
    state.outside.tickets.insert(key(TICKET), ticket(category));
    state
}

fn of_ticket(state: &TaskState, sides: &Sides) -> Vec<String> {
    listed(state, sides)
        .into_iter()
        .filter_map(|want| want.strip_prefix("ticket ").map(str::to_owned))
        .collect()
}

#[test]
fn a_ticket_goes_the_tasks_way_and_never_back() {
    use Category::{Active, Done, New};
    let sides = sides();
    for (phase, category, wanted) in [
        (Phase::Planning, New, vec![]),
        (Phase::Development, New, vec!["move the ticket to active (auto)"]),
        (Phase::Development, Active, vec![]),
        (Phase::Review, Done, vec![]),
        (
            Phase::Completed,
            Active,
            vec!["move the ticket to done (ask)", "comment: T-1 is done: Fix it. (ask_once)"],
        ),
        (Phase::Completed, Done, vec!["comment: T-1 is done: Fix it. (ask_once)"]),
        (Phase::Cancelled, Active, vec!["comment: T-1 was given up: Fix it. (ask_once)"]),
    ] {
        assert_eq!(of_ticket(&with_ticket(phase, category), &sides), wanted, "{phase} {category}");
    }
}

#[test]
fn a_ticket_that_a_person_moved_back_stays_there() {
    let sides = sides();
    let mut state = with_ticket(Phase::Development, Category::New);
    send(&mut state, TICKET, Change::MoveTicket { to: Category::Active });
    assert_eq!(of_ticket(&state, &sides), [""; 0]);
}

#[test]
fn a_ticket_leads_to_the_pull_request_and_says_when_it_is_merged() {
    let sides = sides();
    let mut state = with_ticket(Phase::Review, Category::Active);
    let url = Some("https://example.org/4".into());
    state.outside.links.insert(key(PULL), Link { remote: "o/r#4".parse().unwrap(), url });
    assert_eq!(of_ticket(&state, &sides), ["link the pull request: https://example.org/4 (auto)"]);
    make(&mut state, &sides);
    assert_eq!(of_ticket(&state, &sides), [""; 0]);
    let mut merged = Pull::new("x".into(), oid('c'), None);
    merged.state = PullState::Merged { commit: None, by: None };
    state.outside.pulls.insert(key(PULL), merged);
    assert_eq!(of_ticket(&state, &sides), ["link the pull request: https://example.org/4 (auto)"]);
}

#[test]
fn what_is_looked_at_is_what_belongs_to_the_task_and_may_be_read() {
    let mut sides = sides();
    let state = with_ticket(Phase::Development, Category::New);
    assert_eq!(watched(&state, &sides), [key(TICKET), key(PULL)]);
    sides.settings.get_mut(&"jira".parse().unwrap()).unwrap().mode = Mode::Off;
    assert_eq!(watched(&state, &sides), [key(PULL)]);
}

#[test]
fn a_status_says_what_a_task_waits_for() {
    let mut state = quiet(Phase::Review);
    state.decisions.push(gate(state.head.clone(), GatePolicy::Ask));
    assert_eq!(listed(&state, &sides()), ["pull say how it stands: T-1: it waits for a review. (auto)"]);
}
