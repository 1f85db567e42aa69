//! Pairing a phone with a connection: a QR code that is fresh until it is read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use balcao_agent::background::gateway_of;
use balcao_domain::message::ConnectionState;
use balcao_tenant::NewChannel;
use balcao_whatsapp::gateway::{Evolution, Gateway, GatewayError, Pairing, Timing};
use tokio::time::{Instant, sleep};

use super::types::{ChannelPairing, PairChannel};
use super::{answered, asked_for, details, gone, kept_keys, unfit};
use crate::changes::Topic;
use crate::commands::Nothing;
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::picture;

/// Between two looks whether the code was read.
const LOOK: Duration = Duration::from_secs(2);
/// A code is shown for so many looks; WhatsApp lets one go stale after some twenty seconds.
const LOOKS: u32 = 9;
/// Nobody is there any more: a gateway closes a connection that asks for codes for ever.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn pair_channel(desk: &Arc<Desk>, wish: PairChannel) -> Result<ChannelPairing, ApiError> {
    let evolution = evolution_of(desk, wish).await?;
    let asking = ChannelPairing { id: Some(wish.id), state: "asking".to_owned(), ..ChannelPairing::default() };
    let number = desk.pairing.begin(asking);
    let there = desk.clone();
    let task = tokio::spawn(async move { there.pair(number, &evolution, wish.afresh).await });
    desk.pairing.keep(number, task.abort_handle());
    get_pairing(desk, Nothing {}).await
}

pub(crate) async fn get_pairing(desk: &Arc<Desk>, _: Nothing) -> Result<ChannelPairing, ApiError> {
    Ok(desk.pairing.shown())
}

pub(crate) async fn end_pairing(desk: &Arc<Desk>, _: Nothing) -> Result<Nothing, ApiError> {
    desk.pairing.begin(ChannelPairing::default());
    Ok(Nothing {})
}

async fn evolution_of(desk: &Desk, wish: PairChannel) -> Result<Evolution, ApiError> {
    let rows = desk.clinic().await?.cache.connections().await?;
    let row = rows.into_iter().find(|row| row.id == wish.id).ok_or_else(gone)?;
    let new: NewChannel = asked_for(&details(row, "here").wish)?;
    let keys = kept_keys(desk, wish.id).await?;
    match gateway_of(&new.planned(), &keys, &Timing::default()).map_err(|unusable| unfit(&unusable))? {
        Gateway::Evolution(evolution) => Ok(evolution),
        Gateway::CloudApi(_) => Err(ApiError::new("no_pairing", "a number at Meta is not paired with a phone")),
    }
}

impl Desk {
    async fn pair(&self, number: u64, evolution: &Evolution, afresh: bool) {
        let gateway = Gateway::Evolution(evolution.clone());
        if afresh && let Err(error) = evolution.log_out().await {
            return self.pairing_fails(number, &error);
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match evolution.pair(None).await {
                Ok(Pairing::Connected) => return self.pairing_tells(number, connected),
                Ok(Pairing::Code { code, .. }) => match picture::of(&code) {
                    Ok(picture) => self.pairing_tells(number, |shown| {
                        "code".clone_into(&mut shown.state);
                        (shown.picture, shown.problem) = (picture, None);
                    }),
                    Err(problem) => return self.pairing_tells(number, |shown| failed(shown, problem)),
                },
                Ok(Pairing::NotYet) => {}
                Err(error) if error.is_permanent() => return self.pairing_fails(number, &error),
                Err(error) => self.pairing_tells(number, |shown| shown.problem = Some(answered(&error))),
            }
            for _ in 0..LOOKS {
                sleep(LOOK).await;
                if gateway.state().await.is_ok_and(|link| link.state == ConnectionState::Connected) {
                    return self.pairing_tells(number, connected);
                }
                if has_no_fresh_code(&self.pairing.shown()) {
                    // There was none yet, or the gateway did not answer: not so long.
                    break;
                }
            }
        }
        self.pairing_tells(number, |shown| {
            "over".clone_into(&mut shown.state);
            shown.picture = None;
        });
    }

    fn pairing_fails(&self, number: u64, error: &GatewayError) {
        self.pairing_tells(number, |shown| failed(shown, answered(error)));
    }

    fn pairing_tells(&self, number: u64, change: impl FnOnce(&mut ChannelPairing)) {
        if self.pairing.tell(number, change) {
            self.announce(BTreeSet::from([Topic::Channels]), Vec::new());
        }
    }
}

fn has_no_fresh_code(shown: &ChannelPairing) -> bool {
    shown.picture.is_none() || shown.problem.is_some()
}

fn connected(shown: &mut ChannelPairing) {
    "connected".clone_into(&mut shown.state);
    (shown.picture, shown.problem) = (None, None);
}

fn failed(shown: &mut ChannelPairing, problem: ApiError) {
    "failed".clone_into(&mut shown.state);
    (shown.picture, shown.problem) = (None, Some(problem));
}
