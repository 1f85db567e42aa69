//! Pairing a phone with a connection: a QR code that is fresh until it is read, or a code that is typed on the phone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use balcao_agent::background::gateway_of;
use balcao_domain::message::ConnectionState;
use balcao_domain::phone::Phone;
use balcao_tenant::NewChannel;
use balcao_whatsapp::gateway::{Evolution, Gateway, GatewayError, Pairing, Timing};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

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
    let evolution = evolution_of(desk, wish.id).await?;
    let typed = wish.number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    let phone = typed.map(Phone::parse).transpose();
    let phone = phone.map_err(|_| ApiError::new("bad_phone", "this is no number of a phone").about("number"))?;
    let asking = ChannelPairing { id: Some(wish.id), state: "asking".to_owned(), ..ChannelPairing::default() };
    let number = desk.pairing.begin(asking);
    let there = desk.clone();
    let task = tokio::spawn(async move { there.pair(number, &evolution, wish.afresh, phone.as_ref()).await });
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

async fn evolution_of(desk: &Desk, id: Uuid) -> Result<Evolution, ApiError> {
    let rows = desk.clinic().await?.cache.connections().await?;
    let row = rows.into_iter().find(|row| row.id == id).ok_or_else(gone)?;
    let new: NewChannel = asked_for(&details(row, "here").wish)?;
    let keys = kept_keys(desk, id).await?;
    match gateway_of(&new.planned(), &keys, &Timing::default()).map_err(|unusable| unfit(&unusable))? {
        Gateway::Evolution(evolution) => Ok(evolution),
        Gateway::CloudApi(_) => Err(ApiError::new("no_pairing", "a number at Meta is not paired with a phone")),
    }
}

impl Desk {
    async fn pair(&self, number: u64, evolution: &Evolution, afresh: bool, phone: Option<&Phone>) {
        let gateway = Gateway::Evolution(evolution.clone());
        if afresh && let Err(error) = evolution.log_out().await {
            return self.pairing_fails(number, &error);
        }
        let begun = Instant::now();
        let mut may_begin_anew = phone.is_some() && !afresh;
        while begun.elapsed() < PATIENCE {
            let answer = evolution.pair(phone).await;
            let typed = answer.as_ref().ok().and_then(Pairing::typed);
            match answer {
                Ok(Pairing::Connected) => return self.pairing_tells(number, connected),
                // A gateway that is at it already does not look at the number: it forgets the code it has, and is asked again.
                Ok(Pairing::Code { .. }) if typed.is_none() && std::mem::take(&mut may_begin_anew) => {
                    if let Err(error) = evolution.log_out().await {
                        tracing::debug!(%error, "the gateway does not begin anew");
                    }
                    continue;
                }
                Ok(Pairing::Code { code, .. }) => match picture::of(&code) {
                    Ok(picture) => self.pairing_tells(number, |shown| {
                        "code".clone_into(&mut shown.state);
                        (shown.picture, shown.typed, shown.problem) = (picture, typed, None);
                    }),
                    Err(problem) => return self.pairing_tells(number, |shown| failed(shown, problem)),
                },
                // What was shown is of no use any more: its time ran out.
                Ok(Pairing::NotYet) => self.pairing_tells(number, |shown| {
                    "asking".clone_into(&mut shown.state);
                    (shown.picture, shown.typed, shown.problem) = (None, None, None);
                }),
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
            (shown.picture, shown.typed) = (None, None);
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
    (shown.picture, shown.typed, shown.problem) = (None, None, None);
}

fn failed(shown: &mut ChannelPairing, problem: ApiError) {
    "failed".clone_into(&mut shown.state);
    (shown.picture, shown.typed, shown.problem) = (None, None, Some(problem));
}
