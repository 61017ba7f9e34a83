//! Sends webhooks, as the weather lets them through.

use super::hooks::{Delivery, Hooks, Weather};

/// Where webhooks go, and with whose secret they are signed.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox<'a> {
    pub(crate) url: &'a str,
    pub(crate) secret: &'a str,
}

/// What arrived, in the order in which it did, and how the receiver answered.
pub(crate) type Arrived = Vec<(Delivery, u16)>;

/// Who has webhooks to send, and how they look.
pub(crate) trait Postman {
    fn hooks<R>(&self, at_work: impl FnOnce(&mut Hooks) -> R) -> R;

    fn headers(&self, to: &Mailbox<'_>, delivery: &Delivery) -> Vec<(&'static str, String)>;
}

/// Sends all that is queued.
pub(crate) async fn send(from: &impl Postman, to: &Mailbox<'_>, weather: Weather) -> Arrived {
    let departing = from.hooks(|hooks| hooks.depart(weather));
    let mut arrived = Vec::new();
    for delivery in departing {
        let code = post(from, to, &delivery).await;
        from.hooks(|hooks| hooks.landed(delivery.clone(), code));
        arrived.push((delivery, code));
    }
    arrived
}

/// Sends one delivery, whether it was sent before or not; 502 when nobody answers.
pub(crate) async fn post(from: &impl Postman, to: &Mailbox<'_>, delivery: &Delivery) -> u16 {
    let client = reqwest::Client::builder().build().unwrap();
    let mut request = client.post(to.url).body(delivery.body.clone());
    for (name, value) in from.headers(to, delivery) {
        request = request.header(name, value);
    }
    request.send().await.map_or(502, |response| response.status().as_u16())
}
