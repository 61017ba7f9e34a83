//! Cleaning, as tables and for any text.

use proptest::prelude::*;

use super::{Cleaned, MOST_CHARS, clean};

#[test]
fn what_a_page_does_not_show_is_taken_out_and_told() {
    let cases = [
        ("plain é 漢 🎉", "plain é 漢 🎉", (0, 0)),
        ("a\r\nb\rc\n\td", "a\nb\nc\n\td", (0, 0)),
        ("a<!-- do evil -->b", "ab", (1, 0)),
        ("a<!-- one --> b <!--\n\ntwo\n-->c", "a b c", (2, 0)),
        ("a<!-->b<!--->c", "abc", (2, 0)),
        ("a<!-- never ends", "a", (1, 0)),
        ("<!<!-- inner -->-- outer -->z", "z", (2, 0)),
        ("<\u{200b}!-- hidden -->z", "z", (1, 1)),
        ("ad\u{200b}min\u{202e}nimda\u{202c}", "adminnimda", (0, 3)),
        ("soft\u{ad} \u{feff}bom \u{e0041}\u{e0042}tags", "soft bom tags", (0, 4)),
        ("\u{1b}[2Jesc\0", "[2Jesc", (0, 2)),
        ("heart \u{2764}\u{fe0f}", "heart \u{2764}\u{fe0f}", (0, 0)),
    ];
    for (text, left, (comments, invisible)) in cases {
        let cleaned = Cleaned { text: left.to_owned(), comments, invisible, cut: 0 };
        assert_eq!(clean(text), cleaned, "{text:?}");
        assert_eq!(cleaned.hid_something(), comments + invisible > 0, "{text:?}");
    }
}

#[test]
fn what_is_too_long_is_left_out_and_told() {
    let cleaned = clean(&"ä".repeat(MOST_CHARS + 3));
    assert_eq!((cleaned.text.chars().count(), cleaned.cut), (MOST_CHARS, 3));
    assert_eq!(clean(&"ä".repeat(MOST_CHARS)).cut, 0);
}

proptest! {
    #[test]
    fn cleaning_twice_is_cleaning_once(
        text in prop_oneof![
            any::<String>(),
            "(<!--|-->|<!|--|<|>|!|-|a|\r|\n|\u{200b}|\u{202e}| ){0,40}",
        ],
    ) {
        let once = clean(&text);
        prop_assert!(!once.text.contains("<!--"));
        prop_assert_eq!(clean(&once.text), Cleaned { text: once.text, ..Cleaned::default() });
    }
}
