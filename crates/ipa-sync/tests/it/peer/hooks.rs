//! Webhooks: what is queued, what the weather does to it on its way, what was sent. Knows no network; `post.rs` sends.

use std::collections::VecDeque;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

#[derive(Debug, Default)]
pub(crate) struct Hooks {
    queue: VecDeque<Delivery>,
    sent: Vec<Sent>,
    last_id: u64,
}

/// One webhook, as often as it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    /// The same for each sending.
    pub(crate) guid: String,
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) body: String,
    pub(crate) again: bool,
    /// The number of what it is about: the repository, the issue.
    pub(crate) about: u64,
    pub(crate) at: Timestamp,
}

/// A delivery and how it went.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: u64,
    pub(crate) code: u16,
    pub(crate) delivery: Delivery,
}

/// What happens to deliveries on their way. The same seed does the same.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// So many in a hundred never arrive.
    pub(crate) lost: u64,
    /// So many in a hundred arrive twice.
    pub(crate) doubled: u64,
    /// So many in a hundred wait for the next sending.
    pub(crate) late: u64,
    pub(crate) order: Order,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    AsTheyHappened,
    Shuffled,
}

/// The deliveries of one sending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flight {
    pub(crate) arriving: Vec<Delivery>,
    pub(crate) lost: Vec<Delivery>,
    pub(crate) late: Vec<Delivery>,
}

impl Hooks {
    pub(crate) fn queue(&mut self, event: &str, about: u64, payload: &Value, now: Timestamp) {
        self.last_id += 1;
        let id = self.last_id;
        self.queue.push_back(Delivery {
            id,
            guid: format!("00000000-0000-4000-8000-{id:012}"),
            event: event.to_owned(),
            action: payload["action"].as_str().map(str::to_owned),
            body: payload.to_string(),
            again: false,
            about,
            at: now,
        });
    }

    /// Queues a delivery once more under its old guid; false when there was none.
    pub(crate) fn queue_again(&mut self, id: u64, now: Timestamp) -> bool {
        let Some(sent) = self.sent.iter().find(|sent| sent.id == id) else { return false };
        self.last_id += 1;
        let again = Delivery { id: self.last_id, again: true, at: now, ..sent.delivery.clone() };
        self.queue.push_back(again);
        true
    }

    /// Takes what is queued and lets the weather at it; what is late stays queued.
    pub(crate) fn depart(&mut self, weather: Weather) -> Vec<Delivery> {
        let flight = fly(self.queue.drain(..).collect(), weather);
        self.queue.extend(flight.late);
        for lost in flight.lost {
            self.landed(lost, 502);
        }
        flight.arriving
    }

    pub(crate) fn landed(&mut self, delivery: Delivery, code: u16) {
        self.sent.push(Sent { id: delivery.id, code, delivery });
    }

    /// What was sent, the newest first.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().rev()
    }
}

/// The signature of a body, as GitHub (`X-Hub-Signature-256`) and Jira (`X-Hub-Signature`) write it.
pub(crate) fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={}", hex.concat())
}

fn fly(deliveries: Vec<Delivery>, weather: Weather) -> Flight {
    let mut dice = Dice(weather.seed);
    let mut flight = Flight::default();
    for delivery in deliveries {
        if dice.hits(weather.lost) {
            flight.lost.push(delivery);
        } else if dice.hits(weather.late) {
            flight.late.push(delivery);
        } else {
            if dice.hits(weather.doubled) {
                flight.arriving.push(delivery.clone());
            }
            flight.arriving.push(delivery);
        }
    }
    if weather.order == Order::Shuffled {
        flight.arriving.sort_by_cached_key(|_| dice.roll());
    }
    flight
}

/// Numbers that look random and are not (a splitmix).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn hits(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}
