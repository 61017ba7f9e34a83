//! What a person is shown of what would go out.

use ipa_events::task::{Category, Fuse, Link, Ticket};
use ipa_events::{DecisionId, Phase, Principal, TaskId};

use super::*;
use crate::wanted::tests::{PULL, TICKET, key, quiet, sides};

/// A pull request in review, with a draft's flag, an old title and a section that somebody edited.
fn changed() -> TaskState {
    let mut state = quiet(Phase::Review);
    state.title = "Fix it well".into();
    let pull = state.outside.pulls.get_mut(&key(PULL)).unwrap();
    (pull.draft, pull.section) = (true, Some("edited".into()));
    state
}

fn listed(state: &TaskState, sides: &Sides) -> Vec<String> {
    let line = |would: Would| {
        let before = would.before.map_or_else(|| "-".to_owned(), |before| before.replace('\n', " "));
        format!("{:?} {} was {before}", would.course, would.change.kind())
    };
    would(state, sides).into_iter().map(line).collect()
}

fn with(mode: Mode) -> Sides {
    let mut sides = sides();
    for settings in sides.settings.values_mut() {
        settings.mode = mode;
    }
    sides
}

#[test]
fn what_would_go_out_is_told_with_who_must_agree_and_what_is_there() {
    let asks = "Asks mark_ready was draft";
    let told = ["Goes write_section was (edited by somebody)", "Goes rename was Fix it", asks];
    assert_eq!(listed(&changed(), &with(Mode::Auto)), told);
    assert_eq!(listed(&changed(), &with(Mode::Ask)), told.map(|line| line.replace("Goes", "Asks")));
    let observed = told.map(|line| line.replace("Goes", "Observed").replace("Asks", "Observed"));
    assert_eq!(listed(&changed(), &with(Mode::Observe)), observed, "what it would do, if it did");
    assert_eq!(listed(&changed(), &with(Mode::Off)), [""; 0]);
    assert_eq!(listed(&quiet(Phase::Review), &with(Mode::Auto)), [""; 0], "at rest there is nothing");
}

#[test]
fn what_never_goes_out_is_told_so_and_what_is_queued_is_named() {
    let mut sides = with(Mode::Auto);
    let work = sides.settings.get_mut(&"work".parse().unwrap()).unwrap();
    work.policies.rules.insert((ChangeKind::Rename, None), PublishPolicy::Deny);
    let mut state = changed();
    assert_eq!(listed(&state, &sides)[1], "Denied rename was Fix it");
    let ready = would(&state, &sides).remove(2);
    let op = |state| {
        let number = 90;
        let id = OpId::new(TaskId::from_key("a task"), number);
        let (resource, change) = (ready.resource.clone(), ready.change.clone());
        let (payload_hash, queued_at) = (change.hash(), jiff::Timestamp::UNIX_EPOCH);
        ipa_events::task::Op {
            id,
            resource,
            change,
            payload_hash,
            policy: PublishPolicy::Ask,
            queued_at,
            state,
            attempts: 0,
            failures: 0,
            insisted: false,
        }
    };
    let refused = OpState::Refused { by: Principal::User("ann".to_owned()), reason: None };
    for (op_state, course, named) in [
        (OpState::Held, Course::Asks, true),
        (OpState::Ready, Course::Goes, true),
        (refused, Course::Denied, false),
        (OpState::Superseded { by: None }, Course::Asks, false),
    ] {
        state.ops.push(op(op_state.clone()));
        let found = would(&state, &sides).remove(2);
        assert_eq!((found.course, found.op.is_some()), (course, named), "{op_state:?}");
        state.ops.pop();
    }
    let decision = DecisionId::new(TaskId::from_key("a task"), 1);
    let fuse = Fuse { decision, blown_at: jiff::Timestamp::UNIX_EPOCH, mended_at: None };
    state.outside.fuses.insert(key(PULL), fuse);
    assert_eq!(would(&state, &sides)[0].course, Course::Asks, "it was written too often");
}

#[test]
fn a_ticket_is_told_with_where_it_stands() {
    let mut state = changed();
    let link = Link { remote: "K-1".parse().unwrap(), url: None };
    state.outside.links.insert(key(TICKET), link);
    let ticket = Ticket {
        title: "Fix it".into(),
        status: "To do".into(),
        category: Category::New,
        remarks: std::collections::BTreeMap::new(),
    };
    state.outside.tickets.insert(key(TICKET), ticket);
    assert!(
        listed(&state, &sides()).contains(&"Goes move_ticket was To do".to_owned()),
        "{:?}",
        listed(&state, &sides())
    );
}
