//! Webhooks that GitHub could not deliver: listed and sent again, as an app and with an owner's token.

use ipa_sync::{Lost, Undelivered};
use jiff::SignedDuration;

use super::app::app;
use super::*;
use crate::forge::{Fault, Order, REPO, Scope, Weather, When};
use crate::peer::receiver::Receiver;

const LOST: Weather = Weather { seed: 0, lost: 100, doubled: 0, late: 0, order: Order::AsTheyHappened };

/// Where webhooks of o/r go, and who asks about them.
struct Way {
    world: World,
    receiver: Receiver,
}

impl Way {
    async fn new(auth: GitHubAuth) -> Self {
        let config = |config: &mut GitHubConfig| {
            (config.label, config.issues_of) = (Some("ipa".to_owned()), vec![REPO.to_owned()]);
        };
        let world = World::with(auth, config).await;
        let receiver = Receiver::start("x-hub-signature-256", "x-github-delivery").await;
        world.forge.person("ann").ask("It gives up", "");
        Self { world, receiver }
    }

    /// Something happens, and the webhook about it gets lost or not.
    async fn happens(&self, weather: Weather) {
        self.world.forge.person("ann").comment(1, "a word");
        self.world.forge.deliver(&self.receiver.mailbox(), weather).await;
    }

    async fn ask(&self, since: Option<Timestamp>) -> Result<Undelivered, SyncError> {
        let sweep = Sweep { since, ..Sweep::default() };
        self.world.connector.undelivered(cx(), &sweep).await
    }

    async fn send_again(&self, lost: &[Lost]) {
        for lost in lost {
            self.world.connector.redeliver(cx(), lost).await.unwrap();
        }
    }

    /// What was asked of the forge.
    fn requests(&self) -> Vec<String> {
        self.world.forge.requests().into_iter().map(|it| it.route).filter(|route| route != MINT).collect()
    }
}

const MINT: &str = "apps/create-installation-access-token";

#[tokio::test]
async fn what_did_not_arrive_is_listed_and_sent_again_once_by_an_app_and_with_an_owners_token() {
    for auth in [app(), token("token-o")] {
        let way = Way::new(auth).await;
        let forge = &way.world.forge;
        forge.add_hook(REPO, "https://ipa.test/behind/a/proxy/hooks/github");
        way.happens(Weather::default()).await;
        for _ in 0..2 {
            way.happens(LOST).await;
        }
        let first = way.ask(None).await.unwrap();
        assert_eq!((first.lost.len(), first.unseen.len()), (2, 0), "{first:?}");
        assert!(first.lost[0].id < first.lost[1].id, "as they were sent");
        way.send_again(&first.lost).await;
        // One of the two is lost again.
        forge.deliver(&way.receiver.mailbox(), Weather { seed: 1, lost: 50, ..Weather::default() }).await;
        assert_eq!(way.receiver.names().len(), 2);
        assert_eq!(way.ask(None).await.unwrap(), Undelivered::default(), "each is sent again once");
        // What an attempt of a person's delivered is not lost.
        way.happens(LOST).await;
        let third = way.ask(None).await.unwrap();
        way.send_again(&third.lost).await;
        forge.deliver(&way.receiver.mailbox(), Weather::default()).await;
        assert_eq!((third.lost.len(), way.ask(None).await.unwrap().lost.len()), (1, 0));
        assert_eq!(way.receiver.names().len(), 3);
    }
}

#[tokio::test]
async fn what_is_older_than_the_last_answer_is_not_asked_for_and_nothing_of_the_limit_is_wasted() {
    for (auth, once) in [(app(), 0), (token("token-o"), 1)] {
        let way = Way::new(auth).await;
        let forge = &way.world.forge;
        forge.add_hook(REPO, "https://ipa.test/hooks/github/work/");
        forge.set_clock_ahead(SignedDuration::from_hours(-73));
        way.happens(LOST).await;
        forge.set_clock_ahead(SignedDuration::ZERO);
        way.happens(LOST).await;
        let later = |minutes| Timestamp::now() + SignedDuration::from_mins(minutes);
        assert_eq!(way.ask(Some(later(-60))).await.unwrap().lost.len(), 1);
        assert_eq!(way.requests().len(), 1 + once, "{:?}", way.requests());
        assert_eq!(way.ask(Some(later(1))).await.unwrap().lost.len(), 1, "the clocks may differ");
        assert_eq!(way.ask(Some(later(5))).await.unwrap().lost.len(), 0);
        assert_eq!(way.requests().len(), 3 + once, "one request each time: {:?}", way.requests());
        assert_eq!(way.ask(None).await.unwrap().lost.len(), 1, "after three days it is gone");
    }
}

#[tokio::test]
async fn of_many_the_newest_are_sent_again_and_no_page_is_read_without_end() {
    let way = Way::new(app()).await;
    for _ in 0..650 {
        way.world.forge.person("ann").comment(1, "a word");
    }
    way.world.forge.deliver(&way.receiver.mailbox(), LOST).await;
    let found = way.ask(None).await.unwrap();
    assert_eq!((found.lost.len(), way.requests().len()), (30, 5));
    assert!(found.lost.is_sorted_by_key(|lost| lost.id));
    assert_eq!(found.lost.last().unwrap().id, 650);
}

#[tokio::test]
async fn webhooks_that_lead_elsewhere_are_nobodys_business_here() {
    let way = Way::new(token("token-o")).await;
    for url in [
        "https://ci.test/hooks/github/other",
        "https://ipa.test/hooks/gitlab",
        "https://ci.test/github-hook/",
    ] {
        way.world.forge.add_hook(REPO, url);
    }
    way.happens(LOST).await;
    for _ in 0..2 {
        assert_eq!(way.ask(None).await.unwrap(), Undelivered::default());
    }
    assert_eq!(way.requests(), ["repos/list-webhooks"], "asked once a day which there are");
}

#[tokio::test]
async fn who_may_not_see_webhooks_is_told_what_it_takes_and_asks_no_more_until_somebody_resumes() {
    let way = Way::new(token("token-ipa")).await;
    let forge = &way.world.forge;
    forge.add_hook(REPO, "https://ipa.test/hooks/github");
    forge.add_token("token-narrow", "o", Scope::Only(vec!["contents".to_owned()]));
    way.happens(LOST).await;
    let narrow = way.world.with_token("token-narrow");
    for connector in [&way.world.connector, &narrow] {
        let sweep = Sweep { linked: vec!["o/r#1".parse().unwrap()], ..Sweep::default() };
        let before = way.requests().len();
        let told = connector.undelivered(cx(), &sweep).await.unwrap();
        assert_eq!(told.lost, []);
        let [why] = told.unseen.as_slice() else { panic!("{told:?}") };
        assert!(why.contains("o/r") && why.contains("admin:repo_hook"), "{why}");
        assert_eq!(connector.undelivered(cx(), &sweep).await.unwrap(), Undelivered::default());
        assert_eq!(way.requests().len() - before, 1, "once a day");
        connector.resume();
        assert_eq!(connector.undelivered(cx(), &sweep).await.unwrap().unseen.len(), 1);
    }
    let statuses: Vec<_> = forge.requests().iter().map(|it| it.status.unwrap()).collect();
    assert_eq!(statuses, [404, 404, 403, 403]);
}

#[tokio::test]
async fn what_github_has_forgotten_stays_lost_and_a_host_that_fails_is_an_error() {
    let way = Way::new(app()).await;
    way.send_again(&[Lost { hook: None, id: 999 }]).await;
    way.world.forge.fail("apps/list-webhook-deliveries", When::Nth(1), Fault::BadGatewayAfter);
    assert_eq!(way.ask(None).await.unwrap_err().class, ErrorClass::Transient);
}
