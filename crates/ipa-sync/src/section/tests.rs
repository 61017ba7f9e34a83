//! Our section, in texts of people, machines and vandals.

use proptest::prelude::*;

use super::*;

const VERSION: &str = "0a1b2c3d";

fn ours(text: &str) -> String {
    write(text, "ours", VERSION)
}

#[test]
fn a_section_is_added_once_and_then_replaced_where_it_stands() {
    let first = write("Hello.", "one", "11111111");
    assert!(first.starts_with("Hello.\n\n<!-- ipa:begin v=1 h=11111111 c="), "{first}");
    assert!(first.ends_with(" -->\none\n<!-- ipa:end -->"), "{first}");
    let around = format!("{first}\r\n\r\nBye.");
    let second = write(&around, "two\n", "22222222");
    assert!(second.starts_with("Hello.\n\n<!--") && second.ends_with("-->\r\n\r\nBye."), "{second}");
    assert!(!second.contains("one") && second.contains("\ntwo\n"), "{second}");
    assert_eq!(read(&second).as_deref(), Some("22222222"));
    for (text, added) in [("", ""), ("a", "\n\n"), ("a\n", "\n"), ("a\n\n", "")] {
        assert!(ours(text).starts_with(&format!("{text}{added}{BEGIN}")), "{text:?}");
    }
}

#[test]
fn what_is_read_is_the_version_or_that_somebody_changed_it() {
    let text = write("", "one\ntwo", VERSION);
    assert_eq!(read(&text).as_deref(), Some(VERSION));
    assert_eq!(read(&text.replace('\n', "\r\n")).as_deref(), Some(VERSION), "a form sends other line ends");
    assert_eq!(read(&text.replace("two", "three")).as_deref(), Some("edited"));
    assert_eq!(read("Nothing of ours."), None);
}

#[test]
fn broken_and_doubled_markers_lose_nobodys_text() {
    let section = ours("");
    let begin = section.lines().next().unwrap();
    let cases = [
        ("only a begin", format!("{begin}\nmine")),
        ("only an end", format!("mine\n{END}")),
        ("the wrong way round", format!("{END}\nmine\n{begin}")),
        ("a begin that is cut off", format!("{BEGIN}12 mine {END}")),
        ("of a later form", format!("{}\nmine\n{END}", begin.replace("v=1", "v=2"))),
    ];
    for (what, text) in cases {
        assert_eq!(read(&text), None, "{what}");
        let after = ours(&text);
        assert!(after.starts_with(&text), "{what}: {after}");
        assert_eq!(read(&after).as_deref(), Some(VERSION), "{what}");
        assert_eq!(ours(&after), after, "{what}");
    }
    let copied = format!("{section}\nmine\n{section}\nmine too");
    let after = write(&copied, "new", VERSION);
    assert_eq!(after, format!("{}\nmine\n{section}\nmine too", write("", "new", VERSION)));
    let opened = format!("{begin}\nmine\n{section}");
    assert_eq!(write(&opened, "new", VERSION), format!("{begin}\nmine\n{}", write("", "new", VERSION)));
}

#[test]
fn a_marker_in_our_own_words_is_none() {
    let text = write("", &format!("see {END} and {BEGIN}"), VERSION);
    assert_eq!(read(&text).as_deref(), Some(VERSION));
    assert_eq!(text.matches(END).count(), 1);
    assert_eq!(
        write(&text, "short", VERSION),
        ours("").replace("ours", "short").replace(&*check("ours"), &check("short"),)
    );
}

/// Texts in which pieces of markers stand anywhere.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[ \\r\\n]{0,3}",
        Just(BEGIN.to_owned()),
        Just(format!("{BEGIN}aa{CHECK}bb{CLOSE}")),
        Just(CLOSE.to_owned()),
        Just(END.to_owned()),
        Just("<!-- ipa:".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_stands_around_stays_and_what_was_written_is_read(text in texts(), says in texts()) {
        let written = write(&text, &says, VERSION);
        prop_assert_eq!(read(&written), Some(VERSION.into()));
        prop_assert_eq!(write(&written, &says, VERSION), written.clone());
        match find(&text) {
            None => prop_assert!(written.starts_with(&text)),
            Some(found) => {
                let (before, _) = text.split_at(found.whole.start);
                let (_, after) = text.split_at(found.whole.end);
                let kept = written.starts_with(before) && written.ends_with(after);
                prop_assert!(kept, "{written:?}");
            }
        }
    }
}
