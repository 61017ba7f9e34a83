//! Tickets, as a table.

use super::*;

fn ticket(keys: &str) -> TicketFiles {
    let file = format!("+++\ntitle = \"x\"\n{keys}\n+++\nText.\n");
    TicketFiles::parse("K-1".parse().unwrap(), file.as_bytes()).unwrap()
}

#[test]
fn a_ticket_with_the_label_that_is_not_over_wants_a_task() {
    for (keys, wanted) in [
        ("", false),
        ("labels = [\"bug\"]", false),
        ("labels = [\"bug\", \"ipa\"]", true),
        ("labels = [\"ipa\"]\ncategory = \"active\"", true),
        ("labels = [\"ipa\"]\ncategory = \"done\"", false),
    ] {
        assert_eq!(ticket(keys).wanted("ipa").is_some(), wanted, "{keys}");
    }
}

#[test]
fn its_status_is_what_it_says_or_the_usual_word() {
    for (keys, wanted) in [
        ("", "To do"),
        ("category = \"active\"", "In progress"),
        ("category = \"done\"\nstatus = \"Shipped\"", "Shipped"),
    ] {
        assert_eq!(&*ticket(keys).fold().status, wanted, "{keys}");
    }
}
