//! What is made to hurt: depth and size.

use crate::body::{Block, Body, DEPTH, Item, Mentions};

const DEEP: usize = 100_000;
const SMALL_STACK: usize = 512 * 1024;

/// All that can be done with a document, as the number of characters that are written of it.
fn written(body: &Body) -> usize {
    let (github, adf, wiki) = (body.github(Mentions::Neutral), body.adf().to_string(), body.wiki());
    github.len() + adf.len() + wiki.len()
}

fn depth(blocks: &[Block]) -> usize {
    let of = |block: &Block| match block {
        Block::Quote(blocks) | Block::Panel { blocks, .. } => depth(blocks) + 1,
        Block::List { items, .. } => items.iter().map(|item| depth(&item.blocks) + 2).max().unwrap_or(1),
        Block::Paragraph(_) | Block::Heading { .. } | Block::Code { .. } | Block::Table(_) | Block::Rule => 0,
    };
    blocks.iter().map(of).max().unwrap_or(0)
}

fn in_a_small_thread(what: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(what).unwrap().join().unwrap();
}

#[test]
fn no_depth_of_markdown_overflows_the_stack() {
    in_a_small_thread(|| {
        for container in ["> ", "- ", "1. ", "> - ", "- > 1. "] {
            let body = Body::markdown(&format!("{}deep", container.repeat(DEEP)));
            let deep = depth(body.blocks());
            assert!((DEPTH - 1..=DEPTH).contains(&deep), "{container:?}: {deep}");
            assert!(body.github(Mentions::Neutral).contains("deep"));
            written(&body.cut(1_000, |body| body.wiki().len()));
        }
        for pair in [("*", "*"), ("[", "](https://a.b)"), ("![", "](https://a.b)"), ("~~a **", "**~~")] {
            let text = format!("{}deep{}", pair.0.repeat(1_000), pair.1.repeat(1_000));
            written(&Body::markdown(&text));
        }
    });
}

#[test]
fn no_depth_of_blocks_overflows_the_stack() {
    in_a_small_thread(|| {
        let mut quotes = vec![Block::Rule];
        let mut lists = vec![Block::Rule];
        for _ in 0..DEEP {
            quotes = vec![Block::Quote(quotes)];
            let items = vec![Item { task: None, blocks: lists }];
            lists = vec![Block::List { start: None, items }];
        }
        for blocks in [quotes, lists] {
            let body = Body::new(blocks);
            assert_eq!(depth(body.blocks()), DEPTH);
            assert_eq!(Body::markdown(&body.github(Mentions::Neutral)), body);
        }
    });
}

/// Counted, not timed: twice as much that is hostile is about twice as much that is made of it.
#[test]
fn what_is_made_of_hostile_text_grows_with_the_text() {
    type Make = fn(usize) -> String;
    let hostile: [(&str, Make); 10] = [
        ("quotes", |n| "> ".repeat(n) + "a"),
        ("quoted lines", |n| format!("{}a\n", "> ".repeat(40)).repeat(n)),
        ("lists in lists", |n| "- ".repeat(n) + "a"),
        ("a wide head over short rows", |n| {
            format!("|{}\n|{}\n{}", "a|".repeat(n), "-|".repeat(n), "|\n".repeat(n))
        }),
        ("references to a long address", |n| {
            format!("{}\n\n[a]: https://{}", "[a]".repeat(n), "b".repeat(n))
        }),
        ("pieces of a long link", |n| format!("[{}](https://{})", "*a* b ".repeat(n), "c".repeat(2_000))),
        ("pictures in pictures", |n| "![a".repeat(n) + &"](x:y)".repeat(n)),
        ("comments", |n| "a<!-- b -->".repeat(n) + &"<!--".repeat(n)),
        ("backticks", |n| (1..n / 20).map(|n| "`".repeat(n % 50) + " ").collect()),
        ("mentions", |n| "@a#1:b:AB-1".repeat(n)),
    ];
    for (what, make) in hostile {
        let sizes = [1_000, 2_000].map(|n| written(&Body::markdown(&make(n))));
        assert!(sizes[1] <= sizes[0] * 5 / 2 + 1_000, "{what}: {sizes:?}");
    }
}
