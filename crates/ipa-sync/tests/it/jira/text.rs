//! Any Markdown becomes a comment that Jira takes.

use ipa_sync::{Body, Connector as _};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{World, comment, cx};
use crate::tracker::Flavour;

fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,40}",
        "[#>*_`~|\\[\\]()!{}\\\\ \n-]{0,30}",
        "\\PC{0,20}",
        Just("\n\n".to_owned()),
        Just("- [x] a\n- [ ] b\n".to_owned()),
        Just("| a | b |\n|---|:-:|\n| 1 | 2 |\n".to_owned()),
        Just("> [!WARNING]\n> - x\n>   > y\n".to_owned()),
        Just("```rust\nfn x() {}\n```\n".to_owned()),
        Just("####### h\n1. a\n   1. b\n      ***\n".to_owned()),
        Just("![i](https://h/i.png) [l](javascript:x) <b>x</b>\n".to_owned()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Writes texts one after the other, each on a ticket of its own.
fn all_are_taken(flavour: Flavour) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = std::cell::RefCell::new(runtime.block_on(World::new(flavour)));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(120) });
    let taken = runner.run(&markdown(), |text| {
        let mut world = world.borrow_mut();
        world.key = world.tracker.person("ann").create("One more", "");
        let job = world.job(comment(&text));
        let applied = runtime.block_on(world.connector.apply(cx(), &job));
        if Body::markdown(&text).is_empty() {
            prop_assert!(applied.is_err() || flavour == Flavour::DataCenter);
        } else {
            prop_assert!(applied.is_ok(), "{applied:?}");
        }
        Ok(())
    });
    let _entered = runtime.enter();
    drop(world);
    taken.unwrap();
}

#[test]
fn any_markdown_is_a_comment_that_the_cloud_takes() {
    all_are_taken(Flavour::Cloud);
}

#[test]
fn any_markdown_is_a_comment_that_a_data_center_takes() {
    all_are_taken(Flavour::DataCenter);
}

#[tokio::test]
async fn a_comment_that_is_too_long_is_cut_and_says_so() {
    for flavour in Flavour::BOTH {
        let world = World::new(flavour).await;
        let long = "A paragraph of some words, *one* after the other.\n\n".repeat(2000);
        world.make(comment(&long)).await;
        let (_, said) = world.tracker.comments(&world.key).pop().unwrap();
        assert!(said.len() > 5000 && said.contains("left out"), "{flavour:?} {}", said.len());
    }
}
