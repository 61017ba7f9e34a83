//! What people drop, as a table.

use super::*;

fn parsed(keys: &str) -> Result<Dropped, String> {
    let file = format!("+++\nauthor = \"ann\"\n{keys}\n+++\nHello.\n");
    parse("x.md", file.as_bytes(), Timestamp::UNIX_EPOCH).map_err(|problem| problem.what)
}

#[test]
fn each_kind_is_understood_and_what_makes_no_sense_is_named() {
    let comment = Act::Comment { path: None, line: None, thread: None };
    let category = Some(Category::Done);
    for (keys, wanted) in [
        ("pull = 1\nkind = \"comment\"", Ok(comment.clone())),
        ("ticket = \"K-1\"\nkind = \"comment\"", Ok(comment)),
        ("pull = 1\nkind = \"approve\"", Ok(Act::Review(ReviewVerdict::Approved))),
        ("pull = 1\nkind = \"request_changes\"", Ok(Act::Review(ReviewVerdict::ChangesRequested))),
        ("pull = 1\nkind = \"close\"", Ok(Act::Close)),
        ("pull = 1\nkind = \"reopen\"", Ok(Act::Reopen)),
        ("pull = 1\nkind = \"merge\"", Ok(Act::Merge)),
        ("ticket = \"K-1\"\nkind = \"move\"\ncategory = \"done\"", Ok(Act::Move { category, status: None })),
        ("kind = \"merge\"", Err("say either pull")),
        ("pull = 1\nticket = \"K-1\"\nkind = \"comment\"", Err("say either pull")),
        ("ticket = \"K-1\"\nkind = \"merge\"", Err("a ticket takes")),
        ("ticket = \"K-1\"\nkind = \"comment\"\npath = \"a\"", Err("a ticket has no threads")),
        ("pull = 1\nkind = \"move\"\ncategory = \"done\"", Err("only a ticket")),
        ("ticket = \"K-1\"\nkind = \"move\"", Err("say where to")),
        ("pull = 1\nkind = \"approve\"\npath = \"a\"", Err("path, line and thread go")),
        ("pull = 1\nkind = \"comment\"\npath = \"a\"\nthread = \"b\"", Err("a comment is either")),
        ("pull = 1\nkind = \"check\"\nname = \"ipa\"\nstate = \"passed\"", Err("name is that of a check")),
        ("pull = 1\nkind = \"check\"\nname = \"a\"", Err("say name and state")),
        ("pull = 1\nkind = \"dance\"", Err("unknown variant `dance`")),
    ] {
        match (parsed(keys).map(|dropped| dropped.act), wanted) {
            (Ok(act), Ok(wanted)) => assert_eq!(act, wanted, "{keys}"),
            (Err(what), Err(wanted)) => assert!(what.starts_with(wanted), "{keys}: {what}"),
            (other, _) => panic!("{keys}: {other:?}"),
        }
    }
}

#[test]
fn its_id_is_that_of_its_name_and_its_words() {
    assert_eq!(id_of("a", b"b"), id_of("a", b"b"));
    assert_ne!(id_of("a", b"b"), id_of("ab", b""));
    assert_ne!(id_of("a", b"b"), id_of("a", b"c"));
}
