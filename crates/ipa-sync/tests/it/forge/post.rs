//! Sends webhooks, as the weather lets them through.

use super::hooks::{Delivery, Weather, signature};
use super::serve::Shared;

/// Where webhooks go, and with whose secret they are signed.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox<'a> {
    pub(crate) url: &'a str,
    pub(crate) secret: &'a str,
}

/// What arrived, in the order in which it did, and how the receiver answered.
pub(crate) type Arrived = Vec<(Delivery, u16)>;

/// Sends all that is queued.
pub(crate) async fn send(shared: &Shared, to: &Mailbox<'_>, weather: Weather) -> Arrived {
    let departing = shared.world().hooks.depart(weather);
    let mut arrived = Vec::new();
    for delivery in departing {
        let code = post(to, &delivery).await;
        shared.world().hooks.landed(delivery.clone(), code);
        arrived.push((delivery, code));
    }
    arrived
}

/// Sends one delivery, whether it was sent before or not; 502 when nobody answers.
pub(crate) async fn post(to: &Mailbox<'_>, delivery: &Delivery) -> u16 {
    let client = reqwest::Client::builder().build().unwrap();
    let request = client
        .post(to.url)
        .header("user-agent", "GitHub-Hookshot/forge")
        .header("content-type", "application/json")
        .header("x-github-event", &delivery.event)
        .header("x-github-delivery", &delivery.guid)
        .header("x-github-hook-id", "1")
        .header("x-github-hook-installation-target-type", "integration")
        .header("x-hub-signature-256", signature(to.secret, &delivery.body))
        .body(delivery.body.clone());
    request.send().await.map_or(502, |response| response.status().as_u16())
}
