//! Which connections are looked after: those that are used, as they are set now.

use std::collections::HashMap;

use balcao_keychain::{KeychainError, Secret, names};
use balcao_tenant::{Channel, Error, Listener};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use uuid::Uuid;

use super::ageing;
use super::bucket;
use super::connection::{self, Connection};
use super::gateways::{GatewayKeys, gateway_of};
use super::office::Office;
use super::upkeep;
use crate::journal::{Journal, KEY_BYTES};

/// What of a connection calls for beginning anew when it changes.
type Shape = (Option<String>, Option<String>, balcao_tenant::ChannelSettings, Option<Secret>);

/// Looks after every connection until the term ends. Orderly once the office is left.
pub(super) async fn run(office: Office) -> Result<(), Error> {
    let (ring, bell) = watch::channel(());
    let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
    let mut running: HashMap<Uuid, (Shape, AbortHandle)> = HashMap::new();
    let (ears, hands, books, files) = (office.clone(), office.clone(), office.clone(), office.clone());
    let mut beside = JoinSet::new();
    beside.spawn(async move { listen(&ears, &ring).await });
    beside.spawn(async move { upkeep::run(&hands).await });
    tasks.spawn(async move { ageing::run(&books).await });
    let wanted = bell.clone();
    tasks.spawn(async move { bucket::run(&files, wanted).await });
    while !office.leaving.is_cancelled() {
        let channels = office.outlast(|tenant| async move { tenant.channels().await }).await?;
        let mut wanted = HashMap::new();
        for channel in channels.into_iter().filter(|channel| channel.active) {
            let Some((channel, shape)) = usable(&office, channel).await? else { continue };
            wanted.insert(channel.id, (channel, shape));
        }
        running.retain(|id, (shape, task)| {
            let same = wanted.get(id).is_some_and(|(_, now)| now == shape) && !task.is_finished();
            if !same {
                task.abort();
            }
            same
        });
        for (id, (channel, shape)) in wanted {
            if running.contains_key(&id) {
                continue;
            }
            if let Some(connection) = open(&office, channel, shape.3.as_ref(), bell.clone()).await? {
                running.insert(id, (shape, tasks.spawn(connection::run(connection))));
            }
        }
        tokio::select! {
            () = sleep(office.rhythm().look_at_channels) => {}
            () = office.leaving.cancelled() => {}
            Some(Ok(Err(error))) = tasks.join_next(), if !tasks.is_empty() => return Err(error),
        }
    }
    while let Some(ended) = tasks.join_next().await {
        // A task that was aborted, or broke, has nothing to say any more.
        if let Ok(ended) = ended {
            ended?;
        }
    }
    Ok(())
}

/// Hears that something was committed, so that what is to be sent need not wait for the next look.
async fn listen(office: &Office, ring: &watch::Sender<()>) {
    loop {
        let opened = async { Listener::open(office.line().await?).await };
        if let Ok(mut listener) = opened.await {
            while listener.recv().await.is_ok() {
                ring.send_replace(());
            }
        }
        sleep(office.rhythm().retry_after).await;
    }
}

/// With what the connection is to be used; `None`, and said why, where it cannot be.
async fn usable(office: &Office, channel: Channel) -> Result<Option<(Channel, Shape)>, Error> {
    if channel.url.is_none() || channel.instance.is_none() {
        // One that only a recording was put into.
        return Ok(None);
    }
    let key = office.setup.keychain.get(&names::gateway_key(&channel.id.to_string())).await;
    let key = match key {
        Ok(Some(key)) => key,
        Ok(None) => return unusable(office, &channel, "no_key").await,
        Err(_) => return unusable(office, &channel, "keyring_unavailable").await,
    };
    let shape = (channel.url.clone(), channel.instance.clone(), channel.settings.clone(), Some(key));
    Ok(Some((channel, shape)))
}

async fn open(
    office: &Office,
    channel: Channel,
    key: Option<&Secret>,
    bell: watch::Receiver<()>,
) -> Result<Option<Connection>, Error> {
    let gateway = key
        .ok_or("no_key")
        .and_then(|key| GatewayKeys::of_secret(key).map_err(|unusable| unusable.code()))
        .and_then(|keys| gateway_of(&channel, &keys, &office.setup.timing).map_err(|unusable| unusable.code()));
    let gateway = match gateway {
        Ok(gateway) => gateway,
        Err(problem) => {
            return unusable(office, &channel, problem).await;
        }
    };
    match journal(office, channel.id).await {
        Ok(journal) => Ok(Some(Connection::new(office.clone(), channel, gateway, journal, bell))),
        Err(reason) => {
            tracing::error!(channel = %channel.id, %reason, "the journal cannot be opened");
            unusable(office, &channel, "no_journal").await
        }
    }
}

/// What stands in the way of a journal.
#[derive(Debug, thiserror::Error)]
enum NoJournal {
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    #[error("its key in the keyring is none")]
    NoKey,
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error("the program broke")]
    Broken(#[from] tokio::task::JoinError),
}

async fn journal(office: &Office, channel: Uuid) -> Result<Journal, NoJournal> {
    let entry = names::journal_key(&office.setup.profile_id);
    let secret = office.setup.keychain.get_or_create_random(&entry, KEY_BYTES).await?;
    let key = key_of(&secret).ok_or(NoJournal::NoKey)?;
    let path = office.setup.folder.join("journal").join(format!("{channel}.events"));
    Ok(tokio::task::spawn_blocking(move || Journal::open(&path, &key)).await??)
}

fn key_of(secret: &Secret) -> Option<[u8; KEY_BYTES]> {
    let digits = secret.expose();
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.is_ascii() {
        return None;
    }
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(key)
}

async fn unusable<T>(office: &Office, channel: &Channel, problem: &'static str) -> Result<Option<T>, Error> {
    let (fence, channel) = (office.fence(), channel.id);
    office
        .outlast(|tenant| async move { tenant.note_problem(fence, channel, Some(problem)).await })
        .await
        .map(|()| None)
}
