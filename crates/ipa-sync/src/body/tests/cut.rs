//! What is too long is cut.

use std::cell::Cell;

use proptest::prelude::*;

use super::any;
use crate::body::{Body, Mentions};

fn chars(body: &Body) -> usize {
    body.github(Mentions::Neutral).chars().count()
}

const NOTICE: &str = "… The rest is left out: no more than 100 characters go here.";

#[test]
fn a_document_is_cut_between_its_blocks_and_says_so() {
    let body = Body::markdown(
        "# One\n\nsome words\n\ntwenty-one more of them\n\nand twenty-one more of them, and then some more of these words",
    );
    let cut = body.cut(90, chars);
    assert_eq!(
        cut.github(Mentions::Neutral),
        format!("# One\n\nsome words\n\n{}", NOTICE.replace("100", "90"))
    );
    assert_eq!(body.cut(50, chars), Body::default(), "not even the last line fits");
    assert_eq!(body.cut(chars(&body), chars), body, "what fits is not cut");
}

#[test]
fn a_long_document_is_measured_a_few_times_only() {
    let body = Body::markdown(&"some words\n\n".repeat(5_000));
    let measured = Cell::new(0);
    let cut = body.cut(30_000, |body| {
        measured.set(measured.get() + 1);
        chars(body)
    });
    assert!((29_000..=30_000).contains(&chars(&cut)));
    assert!(measured.get() < 20, "{} times", measured.get());
}

#[test]
fn a_block_that_alone_is_too_long_is_cut_inside() {
    let check = |markdown: &str, expected: &str| {
        let cut = Body::markdown(markdown).cut(100, chars).github(Mentions::Neutral);
        assert_eq!(cut, format!("{expected}\n\n{NOTICE}"));
    };
    check(&"word ".repeat(50), "word word word word word word word");
    check(
        &format!("# T\n\n```\n{}```", "line of it\n".repeat(50)),
        "# T\n\n```\nline of it\nline of it\n```",
    );
    check(&"- item\n".repeat(50), "- item\n- item\n- item\n- item\n- item");
    check(&"> quoted\n\n".repeat(50), "> quoted\n\n> quoted\n\n> quoted\n\n> quoted");
    check(&format!("| h |\n| --- |\n{}", "| cell |\n".repeat(50)), "| h |\n| --- |\n| cell |\n| cell |");
}

proptest! {
    #[test]
    fn any_document_fits_into_any_length_or_nothing_is_left(body in any::body(), max in 0_usize..600) {
        let measures: [fn(&Body) -> usize; 3] = [
            chars,
            |body| body.wiki().chars().count(),
            |body| body.adf().to_string().chars().count(),
        ];
        for measure in measures {
            let cut = body.cut(max, measure);
            prop_assert!(cut.is_empty() || measure(&cut) <= max);
            let says_so = cut.github(Mentions::Neutral).ends_with("characters go here.");
            prop_assert!(cut == body || cut.is_empty() || says_so);
        }
    }
}
