//! Files that people write by hand.

use proptest::prelude::*;

use super::*;

fn table(front: &Front) -> toml::Table {
    front.keys().unwrap()
}

#[test]
fn a_key_is_set_where_it_stands_and_the_rest_stays() {
    let text = "+++\n# mine\ntitle = \"\"\"\na\nb\"\"\" # long\r\nn = [\n 1, # one\n]\n\n[more]\ntitle = \"x\"\n+++\n\nText.\n";
    let mut front = Front::of_markdown(text.as_bytes()).unwrap();
    assert_eq!(front.to_bytes(), text.as_bytes());
    front.set("title", "new");
    front.set("n", 2);
    front.set("state", "open");
    let wanted = "+++\nstate = \"open\"\n# mine\ntitle = \"new\" # long\r\nn = 2\n\n[more]\ntitle = \"x\"\n+++\n\nText.\n";
    assert_eq!(String::from_utf8(front.to_bytes()).unwrap(), wanted);
    assert_eq!(front.text(), "Text.");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (bytes, line) in [
        (&b""[..], 1),
        (b"title", 1),
        (b"+++\ntitle = 1", 1),
        (b"+++\na = 1\nb = \n+++\n", 3),
        (b"+++\r\na = 1\r\n\xff", 3),
    ] {
        let read = Front::of_markdown(bytes).and_then(|front| front.keys::<toml::Table>());
        assert_eq!(read.map_err(|problem| problem.line), Err(line), "{bytes:?}");
    }
    assert_eq!(Front::of_toml(b"a = 1\n= 2").unwrap().keys::<toml::Table>().map_err(|it| it.line), Err(2));
}

proptest! {
    #[test]
    fn what_is_set_is_read_back_and_no_text_is_lost(
        key in "[a-z]{1,6}",
        value in any::<String>(),
        text in any::<String>(),
        before in proptest::collection::btree_map("[a-z]{1,2}", any::<String>(), 0..4),
    ) {
        let mut front = Front::with_text(&text);
        for (key, value) in &before {
            front.set(key, value.as_str());
        }
        front.set(&key, value.as_str());
        let read = Front::of_markdown(&front.to_bytes()).unwrap();
        prop_assert_eq!(read.text(), front.text());
        let table = table(&read);
        prop_assert_eq!(table.get(&key).and_then(|it| it.as_str()), Some(&*value));
        for (other, value) in before.iter().filter(|(other, _)| **other != key) {
            prop_assert_eq!(table.get(other).and_then(|it| it.as_str()), Some(&**value));
        }
    }
}
