//! What is asked for, and up to when the answer says everything.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_694_400 + second).unwrap()
}

fn issue(key: &str, second: i64) -> Issue {
    let updated = format!("{}", at(second));
    serde_json::from_value(json!({ "key": key, "fields": { "updated": updated } })).unwrap()
}

#[test]
fn what_changed_is_asked_for_by_minutes_that_have_gone_by() {
    let keys = |keys: &[&str]| keys.iter().map(|key| key.parse().unwrap()).collect::<Vec<RemoteId>>();
    for (linked, since, jql) in [
        (vec!["B-1", "A-12", "A-3"], 0, r#"project in ("A", "B") AND updated >= "-2m" ORDER BY updated ASC"#),
        (vec![], 1, r#"updated >= "-3m" ORDER BY updated ASC"#),
        (vec!["A-1"], 60, r#"project in ("A") AND updated >= "-3m" ORDER BY updated ASC"#),
        (vec!["A-1"], 61, r#"project in ("A") AND updated >= "-4m" ORDER BY updated ASC"#),
        (vec!["A-1"], -600, r#"project in ("A") AND updated >= "-2m" ORDER BY updated ASC"#),
        (vec!["A-1"], 400 * 86_400, r#"project in ("A") AND updated >= "-43200m" ORDER BY updated ASC"#),
        (vec![r#"A"\x-1"#], 0, r#"project in ("A\"\\x") AND updated >= "-2m" ORDER BY updated ASC"#),
    ] {
        assert_eq!(moved(&keys(&linked), at(-since), at(0)), jql, "{linked:?} {since}");
    }
}

#[test]
fn a_search_says_everything_up_to_what_it_has_read_for_certain() {
    let found = |cut, first: Option<Issue>, ahead| Found {
        issues: vec![issue("A-1", -100), issue("A-2", -50)],
        first_page_to: first,
        cut,
        ahead: SignedDuration::from_secs(ahead),
    };
    let one_page = |cut| found(cut, None, 0);
    let pages = |ahead| found(false, Some(issue("A-1", -100)), ahead);
    for flavour in [Flavour::Cloud, Flavour::DataCenter] {
        assert_eq!(until(flavour, &one_page(false), at(0)), at(0), "all of it");
        assert_eq!(until(flavour, &one_page(true), at(0)), at(-50), "what was cut off");
        assert_eq!(until(flavour, &found(true, None, 20), at(0)), at(-70), "a clock ahead of ours");
        assert_eq!(until(flavour, &found(true, None, -200), at(0)), at(0), "never later than now");
    }
    assert_eq!(until(Flavour::Cloud, &pages(0), at(0)), at(0), "tokens lose nothing");
    assert_eq!(until(Flavour::DataCenter, &pages(0), at(0)), at(-100), "on later pages one may be missing");
}

#[test]
fn a_title_is_one_line_without_what_does_not_show() {
    let issue: Issue = serde_json::from_value(
        json!({ "key": "A-1", "fields": { "summary": " Fix\u{200b} <!-- x -->\nit " } }),
    )
    .unwrap();
    assert_eq!(title(&issue), "Fix it");
}
