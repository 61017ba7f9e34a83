//! A request as it leaves, over a wire without a network.

use jiff::Timestamp;

use super::*;
use crate::gate::Rules;
use crate::wire::{FakeWire, Reaction};

fn channel(wire: &Arc<FakeWire>, base: &str) -> Channel {
    let clock: crate::gate::Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let gate = Arc::new(HostGate::new(Rules::github(), clock));
    Channel::new(Arc::<FakeWire>::clone(wire), gate, base.parse().unwrap(), "application/json")
}

fn secret() -> Credential {
    Credential::Bearer("s3cret".into())
}

#[tokio::test(start_paused = true)]
async fn a_name_is_one_piece_of_the_address_whatever_it_holds() {
    let wire = Arc::new(FakeWire::new(|_| Reaction::status(200).body("{}")));
    let channel = channel(&wire, "https://h.test/api/v3/");
    let names = [
        ("a/b", "/api/v3/x/a%2Fb/y"),
        ("a?b#c", "/api/v3/x/a%3Fb%23c/y"),
        ("ü %", "/api/v3/x/%C3%BC%20%25/y"),
    ];
    for (name, path) in names {
        let ask = Ask::read("looking", Who::Sweeper, "x/{}/y", &[name]).query("q", "a b&c");
        channel.send(&secret(), &ask).await.unwrap();
        let (_, request) = wire.sent().pop().unwrap();
        assert_eq!((request.url.path(), request.url.query()), (path, Some("q=a+b%26c")));
        assert_eq!(request.headers["accept"], "application/json");
    }
    for name in ["", ".", ".."] {
        let error =
            channel.send(&secret(), &Ask::read("looking", Who::Sweeper, "x/{}", &[name])).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Rejected, "{name:?}");
    }
    assert_eq!(wire.sent().len(), names.len());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_of_a_change_that_may_have_been_made() {
    for (body, idempotent) in [("\"cut", ErrorClass::Transient), ("[]", ErrorClass::Unexpected)] {
        let wire = Arc::new(FakeWire::new(move |_| Reaction::status(201).body(body)));
        let channel = channel(&wire, "https://h.test");
        let read = Ask::read("looking", Who::Sweeper, "x", &[]);
        let change = |effect| read.clone().change(Method::POST, Value::Null, effect);
        for (ask, class) in [
            (read.clone(), idempotent.clone()),
            (change(Effect::Idempotent), idempotent),
            (change(Effect::Once), ErrorClass::Indeterminate),
        ] {
            let answer = channel.send(&secret(), &ask).await.unwrap();
            let error = parsed::<String>(&ask, &answer).unwrap_err();
            assert_eq!((error.class, error.status), (class, Some(201)), "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_at_another_host_is_not_asked_for() {
    let wire = Arc::new(FakeWire::new(|_| Reaction::status(200)));
    let channel = channel(&wire, "https://h.test/api");
    let ask = Ask::read("looking", Who::Sweeper, "x", &[]);
    for elsewhere in ["https://g.test/x", "http://h.test/x", "https://h.test:8443/x"] {
        let error = channel.send_to(&secret(), &ask, elsewhere.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unexpected);
    }
    assert_eq!(wire.sent().len(), 0);
}
