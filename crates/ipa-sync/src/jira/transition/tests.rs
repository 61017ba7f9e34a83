//! Workflows as a table: statuses with their categories, the transitions from where a ticket stands, and what comes of it.

use super::*;

/// `new|Backlog`, `active|In Progress`.
fn status(text: &str) -> Status {
    let (category, name) = text.split_once('|').unwrap();
    let key = match category {
        "new" => "new",
        "active" => "indeterminate",
        "done" => "done",
        other => panic!("no category {other}"),
    };
    let value = json!({ "id": name, "name": name, "statusCategory": { "key": key } });
    serde_json::from_value(value).unwrap()
}

/// A transition named after where it leads; what follows a `!` is a field that it requires, `-` means not available.
fn transition(at: usize, text: &str) -> Transition {
    let mut parts = text.split('!');
    let to = parts.next().unwrap();
    let (to, available) = to.strip_prefix('-').map_or((to, true), |to| (to, false));
    let fields = parts.map(|field| {
        let (name, how) = field.split_once('=').unwrap_or((field, ""));
        let values: Vec<Value> = match how {
            "" => Vec::new(),
            names => names.split(',').map(|name| json!({ "id": format!("#{name}"), "name": name })).collect(),
        };
        let has_default = name.ends_with('*');
        let name = name.trim_end_matches('*');
        let field = json!({ "required": true, "name": name, "hasDefaultValue": has_default, "allowedValues": values });
        (name.to_owned(), field)
    });
    let fields: serde_json::Map<_, _> = fields.collect();
    let value =
        json!({ "id": (at + 1).to_string(), "name": format!("to {to}"), "to": null, "fields": fields });
    let mut value: serde_json::Map<_, _> = value.as_object().unwrap().clone();
    let there = status(to);
    value.insert("to".to_owned(), json!({ "id": there.id, "name": there.name }));
    value.insert("isAvailable".to_owned(), available.into());
    let transition: Transition = serde_json::from_value(value.into()).unwrap();
    Transition { to: there, ..transition }
}

#[derive(Default)]
struct Configured {
    statuses: &'static [(Category, &'static [&'static str])],
    resolution: Option<&'static str>,
}

fn said(from: &str, ways: &[&str], to: Category, hop: Hop, configured: &Configured) -> String {
    let all: Vec<_> = ways.iter().enumerate().map(|(at, text)| transition(at, text)).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let statuses = configured.statuses.iter().map(|(category, list)| (*category, names(list))).collect();
    let wish = Wish { to, statuses: &statuses, resolution: configured.resolution };
    match way(&status(from), &all, &wish, hop) {
        Way::There => "there".to_owned(),
        Way::Go(go) => match &go.resolution {
            None => format!("{} by {}", go.status, go.transition),
            Some(resolution) => format!("{} by {} as {resolution}", go.status, go.transition),
        },
        Way::No(why) => format!("no: {why}"),
    }
}

fn plainly(from: &str, ways: &[&str], to: Category) -> String {
    said(from, ways, to, Hop::Allowed, &Configured::default())
}

const SIMPLE: &[&str] = &["new|To Do", "active|In Progress", "done|Done"];

#[test]
fn a_ticket_goes_by_category_whatever_its_statuses_are_called() {
    use Category::{Active, Done, New};
    let german = ["new|Zu erledigen", "active|In Arbeit", "done|Fertig"];
    let renamed = ["new|Ideas", "active|Brewing", "done|Poured"];
    for (from, ways, to, comes) in [
        ("new|To Do", SIMPLE, Active, "In Progress by 2"),
        ("new|To Do", SIMPLE, Done, "Done by 3"),
        ("active|In Progress", SIMPLE, Done, "Done by 3"),
        ("new|Zu erledigen", german.as_slice(), Active, "In Arbeit by 2"),
        ("active|Brewing", renamed.as_slice(), Done, "Poured by 3"),
        ("new|To Do", SIMPLE, New, "there"),
        ("active|In Progress", SIMPLE, Active, "there"),
    ] {
        assert_eq!(plainly(from, ways, to), comes, "{from} {to}");
    }
}

#[test]
fn a_ticket_never_goes_back() {
    use Category::{Active, Done, New};
    for (from, to) in
        [("done|Done", Active), ("done|Done", New), ("active|In Progress", New), ("done|Done", Done)]
    {
        assert_eq!(plainly(from, SIMPLE, to), "there", "{from} {to}");
    }
}

#[test]
fn of_two_statuses_that_mean_the_same_the_configured_one_is_taken_or_somebody_is_asked() {
    let two = ["active|In Progress", "done|Done", "done|Won't Do"];
    assert_eq!(
        plainly("new|To Do", &two, Category::Done),
        "no: several statuses are of the category done: “Done”, “Won't Do”; choose with \
         `statuses.done = [\"Done\"]` of the connector"
    );
    let configured = |statuses| Configured { statuses, resolution: None };
    let go = |statuses| said("new|To Do", &two, Category::Done, Hop::Allowed, &configured(statuses));
    assert_eq!(go(&[(Category::Done, &["Done"])]), "Done by 2");
    assert_eq!(go(&[(Category::Done, &["Released", " won't do "])]), "Won't Do by 3");
    assert_eq!(
        go(&[(Category::Done, &["Released"]), (Category::Active, &["In Review"])]),
        "no: no transition leads from “To Do” to “Released” (as configured for done); there are “to \
         active|In Progress” to “In Progress” (active), “to done|Done” to “Done” (done), “to done|Won't Do” to \
         “Won't Do” (done)"
    );
}

#[test]
fn of_two_ways_to_one_status_the_one_that_needs_less_is_taken() {
    let two = ["done|Done!resolution=Fixed", "done|Done"];
    assert_eq!(plainly("active|In Progress", &two, Category::Done), "Done by 2");
    assert_eq!(plainly("active|In Progress", &two[..1], Category::Done), r##"Done by 1 as {"id":"#Fixed"}"##);
}

#[test]
fn a_resolution_is_given_only_where_it_is_required_and_known() {
    let with = |way: &str, resolution| {
        let configured = Configured { statuses: &[], resolution };
        said("active|In Progress", &[way], Category::Done, Hop::Allowed, &configured)
    };
    for (way, resolution, comes) in [
        ("done|Done", Some("Fixed"), "Done by 1"),
        ("done|Done!resolution=Fixed", None, r##"Done by 1 as {"id":"#Fixed"}"##),
        ("done|Done!resolution*=Fixed,Later", None, "Done by 1"),
        ("done|Done!resolution=Fixed,Later", Some("later"), r##"Done by 1 as {"id":"#Later"}"##),
        ("done|Done!resolution=Fixed,Later", Some("#Fixed"), r##"Done by 1 as {"id":"#Fixed"}"##),
        ("done|Done!resolution", Some("Fixed"), r#"Done by 1 as {"name":"Fixed"}"#),
    ] {
        assert_eq!(with(way, resolution), comes, "{way} {resolution:?}");
    }
    let asked = with("done|Done!resolution=Fixed,Later", None);
    assert!(asked.contains("set `resolution` of the connector to one of “Fixed”, “Later”"), "{asked}");
    let wrong = with("done|Done!resolution=Fixed,Later", Some("Gone"));
    assert!(wrong.contains("has no “Gone”, only “Fixed”, “Later”"), "{wrong}");
}

#[test]
fn a_default_resolution_that_is_named_is_given() {
    let mut it = transition(0, "done|Done!resolution*=Fixed,Later");
    it.fields.get_mut("resolution").unwrap().default_value = Some(json!({ "id": "#Later", "name": "Later" }));
    it.fields.get_mut("resolution").unwrap().has_default_value = false;
    let wish = Wish { to: Category::Done, statuses: &BTreeMap::new(), resolution: None };
    let Way::Go(go) = way(&status("active|x"), &[it], &wish, Hop::Done) else { panic!("it goes") };
    assert_eq!(
        go.body(),
        json!({ "transition": { "id": "1" }, "fields": { "resolution": { "id": "#Later" } } })
    );
}

#[test]
fn a_transition_that_wants_what_we_do_not_have_is_none_and_is_named() {
    let ways = ["done|Done!Root cause", "done|Closed!Severity*", "-done|Merged"];
    assert_eq!(plainly("active|In Progress", &ways, Category::Done), "Closed by 2");
    assert_eq!(
        plainly("active|In Progress", &[ways[0], ways[2]], Category::Done),
        "no: no transition leads from “In Progress” to a status of the category done; there are “to done|Done” to \
         “Done” (done; wants the field Root cause), “to done|Merged” to “Merged” (done; not available)"
    );
    assert_eq!(
        plainly("active|In Progress", &[], Category::Done),
        "no: no transition leads from “In Progress” to a status of the category done; there are no transitions for \
         this account"
    );
}

#[test]
fn without_a_direct_way_one_status_between_is_taken_and_no_second_one() {
    let line = ["active|In Progress"];
    assert_eq!(plainly("new|To Do", &line, Category::Done), "In Progress by 1");
    let again = said("new|To Do", &line, Category::Done, Hop::Done, &Configured::default());
    assert!(again.starts_with("no: no transition leads from “To Do”"), "{again}");
    let two = ["active|In Progress", "active|Blocked"];
    assert!(plainly("new|To Do", &two, Category::Done).contains("`statuses.active = [\"Blocked\"]`"));
    assert!(plainly("new|Backlog", &["new|Selected"], Category::Active).starts_with("no:"));
    // Within a category only as configured, and only on.
    assert!(plainly("active|In Progress", &["active|Blocked"], Category::Done).starts_with("no:"));
    let through =
        Configured { statuses: &[(Category::Active, &["In Progress", "In Review"])], resolution: None };
    let go = |from, ways: &[&str]| said(from, ways, Category::Done, Hop::Allowed, &through);
    assert_eq!(go("active|In Progress", &["active|Blocked", "active|In Review"]), "In Review by 2");
    assert!(go("active|In Review", &["active|In Progress"]).starts_with("no:"));
    let chosen = Configured { statuses: &[(Category::New, &["Selected"])], resolution: None };
    assert_eq!(
        said("new|Backlog", &["new|Selected"], Category::Active, Hop::Allowed, &chosen),
        "Selected by 1"
    );
}

#[test]
fn names_from_outside_stay_on_one_line_and_short() {
    let name = format!("done|a\nb{}", "x".repeat(200));
    let said = plainly("active|In Progress", &[&format!("-{name}")], Category::Done);
    assert!(!said.contains('\n') && said.len() < 400, "{said}");
    let many: Vec<String> = (0..30).map(|n| format!("active|S{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = plainly("active|In Progress", &many, Category::Done);
    assert!(said.ends_with("and 20 more"), "{said}");
}
