//! What is waited for, and what a webhook finds of it: as tables.

use super::*;

use ipa_events::{BranchName, Oid, RemoteId};

const SHA: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";

fn task(name: &str) -> TaskId {
    TaskId::from_key(name)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// Who owns what: `hub` leads to `o/R#1` of task a, and to `o/R#2` and `o/R#3` of task b with its branch and head.
fn owners() -> Owners {
    let link = |remote: &str| ("hub".parse::<ConnectorId>().unwrap(), remote.parse::<RemoteId>().unwrap());
    let (branch, head): (BranchName, Oid) = ("ipa/b".parse().unwrap(), SHA.parse().unwrap());
    let mut owners = Owners::default();
    owners.add(task("a"), &[link("o/R#1")], (None, None));
    owners.add(task("b"), &[link("o/R#2"), link("o/R#3")], (Some(&branch), Some(&head)));
    owners
}

/// Reads names: things have a `#`, commits 40 digits, all else is a branch.
fn hint(names: &str) -> Hint {
    if names == "everything" {
        return Hint::Everything;
    }
    let mut named = Named::default();
    for name in names.split_whitespace() {
        if name.contains('#') {
            named.things.insert(name.parse().unwrap());
        } else if let Ok(commit) = name.parse() {
            named.commits.insert(commit);
        } else {
            named.branches.insert(name.parse().unwrap());
        }
    }
    Hint::Named(named)
}

fn put(pile: &mut Pile, number: u64, (connector, names): (&str, &str), owners: &Owners) -> Vec<&'static str> {
    let piece = Piece {
        number: DeliveryNumber::new(number),
        connector: connector.parse().unwrap(),
        came_at: at(i64::try_from(number).unwrap()),
        hint: hint(names),
    };
    names_of(&pile.put(piece, owners, at(100)))
}

fn names_of(tasks: &BTreeSet<TaskId>) -> Vec<&'static str> {
    ["a", "b", "c"].into_iter().filter(|name| tasks.contains(&task(name))).collect()
}

fn done(pile: &Pile, seconds: i64) -> Vec<u64> {
    pile.done(at(seconds)).into_iter().map(DeliveryNumber::get).collect()
}

#[test]
fn a_hint_reaches_the_tasks_that_have_what_it_names_and_no_other() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("hub", "o/R#1", &["a"]),
        ("hub", "O/r#1", &["a"]),
        ("hub", "o/R#2 o/R#1", &["a", "b"]),
        ("hub", "o/R#12", &[]),
        ("other", "o/R#1", &[]),
        ("hub", "ipa/b main", &["b"]),
        ("other", "ipa/b", &["b"]),
        ("hub", "main", &[]),
        ("hub", SHA, &["b"]),
        ("hub", "everything", &["a", "b"]),
        ("other", "everything", &[]),
        ("hub", "", &[]),
    ];
    for (connector, names, expected) in cases {
        let tasks = put(&mut Pile::default(), 1, (connector, names), &owners());
        assert_eq!(tasks, expected, "{connector}: {names}");
    }
}

#[test]
fn what_was_told_is_done_a_minute_later_and_what_says_nothing_at_once() {
    let (mut pile, owners) = (Pile::default(), owners());
    put(&mut pile, 1, ("hub", "o/R#1"), &owners);
    put(&mut pile, 2, ("hub", ""), &owners);
    put(&mut pile, 3, ("hub", "everything"), &owners);
    assert_eq!((done(&pile, 100), done(&pile, 159), done(&pile, 160)), (vec![2], vec![2], vec![1, 2]));
    assert_eq!(pile.next_done(), Some(at(100)));
    pile.forget(&pile.done(at(100)));
    assert_eq!((done(&pile, 159), pile.next_done()), (vec![], Some(at(160))));
    assert!(
        !pile.waits(),
        "what cannot be read waits for no task; it is kept for a program that can read it"
    );
}

#[test]
fn what_fits_no_task_waits_until_one_has_it() {
    let (mut pile, mut owners) = (Pile::default(), owners());
    // One of two is known: that one is told, the other waits.
    assert_eq!(put(&mut pile, 1, ("hub", "o/R#1 o/R#4"), &owners), ["a"]);
    assert_eq!(put(&mut pile, 2, ("hub", "ipa/c main"), &owners), [""; 0]);
    assert!(pile.look_again(&owners, at(200)).is_empty() && pile.waits());
    assert_eq!(done(&pile, 9_999), [0; 0]);

    let (link, branch) = (("hub".parse().unwrap(), "o/R#4".parse().unwrap()), "ipa/c".parse().unwrap());
    owners.add(task("c"), &[link], (None, None));
    assert_eq!(names_of(&pile.look_again(&owners, at(300))), ["c"]);
    owners.add(task("a"), &[], (Some(&branch), None));
    assert_eq!(names_of(&pile.look_again(&owners, at(400))), ["a"]);
    assert!(!pile.waits());
    assert_eq!((done(&pile, 360), done(&pile, 460)), (vec![1], vec![1, 2]));
}

#[test]
fn of_those_that_wait_for_the_same_thing_the_last_is_kept() {
    let (mut pile, owners) = (Pile::default(), owners());
    put(&mut pile, 1, ("hub", "o/R#4"), &owners);
    put(&mut pile, 2, ("other", "o/R#4"), &owners);
    put(&mut pile, 3, ("hub", "o/R#4 o/R#5"), &owners);
    put(&mut pile, 4, ("hub", "o/R#5 main"), &owners);
    assert_eq!(done(&pile, 100), [1]);
    put(&mut pile, 5, ("hub", "o/R#4"), &owners);
    assert_eq!(done(&pile, 100), [1, 3]);
    pile.forget_before(at(5));
    assert_eq!(
        pile.waiting.keys().map(|number| number.get()).collect::<Vec<_>>(),
        [5],
        "the others are too old"
    );
}
