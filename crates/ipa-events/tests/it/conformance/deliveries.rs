//! What every store promises of its inbox of webhooks.

use std::time::Duration;

use futures::future::join_all;
use ipa_events::store::{AppendError, Arrival, Delivery, DeliveryNumber, NewDelivery, Store};
use jiff::Timestamp;

use crate::support::{Kept, at, within};

on_every_store!(
    a_webhook_is_kept_once_by_its_name_and_connector,
    of_many_that_bring_the_same_webhook_one_is_new,
    webhooks_come_in_the_order_of_their_arrival_until_they_are_handled,
    what_is_handled_or_not_is_forgotten_by_its_age_and_its_number_is_not_given_again,
    a_webhook_reads_back_as_it_came,
    a_closed_store_keeps_no_webhook,
);

fn delivery(connector: &str, id: &str) -> NewDelivery {
    NewDelivery {
        connector: connector.parse().unwrap(),
        id: id.to_owned(),
        kind: "push".to_owned(),
        body: format!("{{\"of\":\"{id}\"}}").into_bytes(),
        came_at: at(),
    }
}

async fn keep(store: &Store, id: &str, came_at: Timestamp) -> Arrival {
    store.deliveries.keep(NewDelivery { came_at, ..delivery("hub", id) }).await.unwrap()
}

/// All that is not handled, in order.
async fn in_hand(store: &Store) -> Vec<Delivery> {
    let mut all: Vec<Delivery> = Vec::new();
    loop {
        let after = all.last().map_or(DeliveryNumber::ZERO, |last| last.number);
        match store.deliveries.next(after).await.unwrap() {
            Some(next) => all.push(next),
            None => return all,
        }
    }
}

fn names(all: &[Delivery]) -> Vec<&str> {
    all.iter().map(|one| one.what.id.as_str()).collect()
}

async fn a_webhook_is_kept_once_by_its_name_and_connector(kept: Kept) {
    let log = &kept.store.deliveries;
    assert_eq!(log.keep(delivery("hub", "a")).await.unwrap(), Arrival::New);
    let other = NewDelivery { body: b"another".to_vec(), kind: "status".to_owned(), ..delivery("hub", "a") };
    assert_eq!(log.keep(other).await.unwrap(), Arrival::Seen);
    assert_eq!(log.keep(delivery("work", "a")).await.unwrap(), Arrival::New, "of another connector");
    let all = in_hand(&kept.store).await;
    let what: Vec<_> = all.iter().map(|one| one.what.clone()).collect();
    assert_eq!(what, [delivery("hub", "a"), delivery("work", "a")], "the first one stands");
    // A repeat is one also when the first was handled.
    log.handled(all.iter().map(|one| one.number).collect()).await.unwrap();
    assert_eq!(log.keep(delivery("hub", "a")).await.unwrap(), Arrival::Seen);
    assert_eq!(in_hand(&kept.store).await, []);
}

async fn of_many_that_bring_the_same_webhook_one_is_new(kept: Kept) {
    let bring = (0..32).map(|_| kept.store.deliveries.keep(delivery("hub", "a")));
    let outcomes = join_all(bring).await;
    let new = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Arrival::New))).count();
    let seen = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Arrival::Seen))).count();
    assert_eq!((new, seen, in_hand(&kept.store).await.len()), (1, 31, 1));
}

async fn webhooks_come_in_the_order_of_their_arrival_until_they_are_handled(kept: Kept) {
    for (minutes, id) in [(3, "c"), (1, "a"), (2, "b"), (0, "d")] {
        keep(&kept.store, id, at() + Duration::from_mins(minutes)).await;
    }
    let all = in_hand(&kept.store).await;
    assert_eq!(names(&all), ["c", "a", "b", "d"]);
    assert!(all.is_sorted_by_key(|one| one.number));
    let log = &kept.store.deliveries;
    log.handled(vec![all[1].number, all[3].number]).await.unwrap();
    assert_eq!(names(&in_hand(&kept.store).await), ["c", "b"]);
    log.handled(vec![all[1].number, DeliveryNumber::new(999)]).await.unwrap();
    log.handled(Vec::new()).await.unwrap();
    assert_eq!(names(&in_hand(&kept.store).await), ["c", "b"]);
    assert_eq!(log.next(all[3].number).await.unwrap(), None, "nothing after the last");
}

async fn what_is_handled_or_not_is_forgotten_by_its_age_and_its_number_is_not_given_again(kept: Kept) {
    let log = &kept.store.deliveries;
    for (minutes, id) in [(0, "a"), (1, "b"), (2, "c"), (3, "d")] {
        keep(&kept.store, id, at() + Duration::from_mins(minutes)).await;
    }
    let all = in_hand(&kept.store).await;
    log.handled(vec![all[0].number, all[3].number]).await.unwrap();
    assert_eq!(log.forget(at() + Duration::from_mins(2)).await.unwrap(), 2);
    assert_eq!(log.forget(at() + Duration::from_mins(2)).await.unwrap(), 0);
    assert_eq!(names(&in_hand(&kept.store).await), ["c"]);
    assert_eq!(keep(&kept.store, "d", at()).await, Arrival::Seen, "it is young enough");
    assert_eq!(log.forget(at() + Duration::from_mins(9)).await.unwrap(), 2);
    // Forgotten, so it is a new one; and who has read up to the last sees it.
    assert_eq!(keep(&kept.store, "a", at()).await, Arrival::New);
    let next = log.next(all[3].number).await.unwrap().unwrap();
    assert_eq!(next.what.id, "a");
}

async fn a_webhook_reads_back_as_it_came(kept: Kept) {
    let strange = NewDelivery {
        id: "'; DROP TABLE deliveries; -- ä€😀".to_owned(),
        kind: String::new(),
        body: (0..=255).cycle().take(3 << 20).collect(),
        ..delivery("hub", "")
    };
    let none = NewDelivery { body: Vec::new(), ..delivery("hub", "empty") };
    for one in [&strange, &none] {
        assert_eq!(kept.store.deliveries.keep(one.clone()).await.unwrap(), Arrival::New);
    }
    let what: Vec<_> = in_hand(&kept.store).await.into_iter().map(|one| one.what).collect();
    assert!(what == [strange.clone(), none], "{what:?}");
    assert!(!format!("{strange:?}").contains("\\u{1}"), "no body in a debug text");
}

async fn a_closed_store_keeps_no_webhook(kept: Kept) {
    keep(&kept.store, "a", at()).await;
    within("the end", kept.store.log.close()).await;
    let later = within("an answer", kept.store.deliveries.keep(delivery("hub", "b"))).await.unwrap_err();
    assert!(matches!(later, AppendError::Unavailable(_)), "{later:?}");
    let later = within("an answer", kept.store.deliveries.forget(at())).await.unwrap_err();
    assert!(matches!(later, AppendError::Unavailable(_)), "{later:?}");
}
