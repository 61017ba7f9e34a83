//! Folding the news into what was known gives what was read, whatever either is.

use ipa_events::Resource;
use ipa_events::task::{Category, Ci, CiState, Outside, Review, ReviewVerdict};
use jiff::Timestamp;
use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;

fn remark() -> impl Strategy<Value = Remark> {
    ("[ab]", any::<bool>(), 0..3_i64, "[xy]{0,2}").prop_map(|(by, trusted, at, text)| Remark {
        by: by.into(),
        trusted,
        at: Timestamp::from_second(at).unwrap(),
        text: text.into(),
    })
}

fn remarks() -> impl Strategy<Value = BTreeMap<RemoteId, Remark>> {
    btree_map("[1-3]".prop_map(|id| id.parse().unwrap()), remark(), 0..3)
}

fn thread() -> impl Strategy<Value = Thread> {
    ("[ab]", proptest::option::of(1..3_u32), any::<bool>(), remarks())
        .prop_map(|(path, line, resolved, remarks)| Thread { path: path.into(), line, resolved, remarks })
}

fn oid() -> impl Strategy<Value = ipa_events::Oid> {
    "[12]".prop_map(|digit| digit.repeat(40).parse().unwrap())
}

fn review() -> impl Strategy<Value = Review> {
    (any::<bool>(), oid(), remark()).prop_map(|(good, commit, remark)| Review {
        id: "r1".parse().unwrap(),
        verdict: if good { ReviewVerdict::Approved } else { ReviewVerdict::ChangesRequested },
        commit,
        remark,
    })
}

fn state() -> impl Strategy<Value = PullState> {
    prop_oneof![
        Just(PullState::Open),
        Just(PullState::Closed { by: Some("a".into()) }),
        oid().prop_map(|commit| PullState::Merged { commit: Some(commit), by: None }),
    ]
}

fn pull() -> impl Strategy<Value = Pull> {
    let words =
        ("[ab]", proptest::option::of("[ab]"), oid(), any::<bool>(), proptest::option::of(any::<bool>()));
    let ci = proptest::option::of(oid().prop_map(|commit| Ci {
        commit,
        state: CiState::Passed,
        failing: Vec::new(),
    }));
    let threads = btree_map("[12]".prop_map(|id| id.parse().unwrap()), thread(), 0..3);
    let reviews = proptest::collection::vec(review(), 0..3);
    (words, state(), reviews, threads, remarks(), ci).prop_map(
        |((title, section, head, draft, mergeable), state, reviews, threads, remarks, ci)| Pull {
            title: title.into(),
            state,
            draft,
            head,
            mergeable,
            section: section.map(Into::into),
            reviews: reviews.into_iter().map(|review| (review.remark.by.clone(), review)).collect(),
            threads,
            remarks,
            ci,
        },
    )
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let category = prop_oneof![Just(Category::New), Just(Category::Active), Just(Category::Done)];
    ("[ab]", "[ab]", category, remarks()).prop_map(|(title, status, category, remarks)| Ticket {
        title: title.into(),
        status: status.into(),
        category,
        remarks,
    })
}

fn resource() -> Resource {
    "work/pull/x".parse().unwrap()
}

fn fold(before: Option<&Pull>, news: &[News]) -> Option<Pull> {
    let mut outside = Outside::default();
    outside.pulls.extend(before.map(|pull| (resource(), pull.clone())));
    for news in news {
        outside.learn(&resource(), news);
    }
    outside.pulls.remove(&resource())
}

fn is_merged(pull: &Pull) -> bool {
    matches!(pull.state, PullState::Merged { .. })
}

proptest! {
    #[test]
    fn folding_the_news_of_a_pull_request_gives_what_was_read(
        before in proptest::option::of(pull()), after in pull(),
    ) {
        let news = pull_news(before.as_ref(), &after);
        let folded = fold(before.as_ref(), &news);
        if before.as_ref().is_some_and(is_merged) {
            // Merged is final: what is read late changes nothing.
            prop_assert_eq!((news, folded), (Vec::new(), before));
        } else {
            prop_assert_eq!(folded.as_ref(), Some(&after));
            prop_assert_eq!(pull_news(folded.as_ref(), &after), Vec::new(), "a second look has no news");
        }
    }

    #[test]
    fn folding_the_news_of_a_ticket_gives_what_was_read(
        before in proptest::option::of(ticket()), after in ticket(),
    ) {
        let mut outside = Outside::default();
        outside.tickets.extend(before.as_ref().map(|ticket| (resource(), ticket.clone())));
        for news in ticket_news(before.as_ref(), &after) {
            outside.learn(&resource(), &news);
        }
        prop_assert_eq!(outside.tickets.get(&resource()), Some(&after));
        prop_assert_eq!(ticket_news(Some(&after), &after), Vec::new());
    }

    /// Webhooks and polls only say that something moved: however many looks lie between, the end is the same.
    #[test]
    fn whatever_was_missed_in_between_the_last_look_tells_the_same(looks in proptest::collection::vec(pull(), 1..5)) {
        let merged = looks.iter().position(is_merged).unwrap_or(looks.len() - 1);
        let looks = &looks[..=merged];
        let all = looks.iter().fold(None, |known: Option<Pull>, look| {
            fold(known.as_ref(), &pull_news(known.as_ref(), look))
        });
        let last = looks.last().unwrap();
        prop_assert_eq!(all, fold(None, &pull_news(None, last)));
    }
}
