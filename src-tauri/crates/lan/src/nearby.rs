//! Names of the network (multicast DNS): the clinic's computer says where it is, a desk asks.
//!
//! Only the clinic's id is said, which tells nothing about the clinic. Anybody in the network can answer anything; what a desk
//! believes is the certificate that it finds there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mdns_sd::{IfKind, MDNS_PORT, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{Error, Result};

/// What clinics are announced as.
const SERVICE: &str = "_balcao._tcp.local.";

/// How long the other addresses of a clinic may take after its first.
const SETTLING: Duration = Duration::from_millis(250);

/// More addresses than a clinic's computer has; a stranger can send any number.
const MOST: usize = 8;

/// Where the clinic says it is, the likeliest first; empty when nobody has answered within `patience`. Nothing of it is
/// proven: what counts is whether the pinned authority has signed what is found there.
///
/// # Errors
/// [`Error::Names`] when this computer cannot ask.
pub async fn find(clinic_id: Uuid, patience: Duration) -> Result<Vec<SocketAddr>> {
    find_in(Scope::NETWORK, clinic_id, patience).await
}

/// Where names are said and asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// Port of the datagrams.
    port: u16,
    /// Whether this computer's own loop belongs to it, beside the networks it is in.
    with_loopback: bool,
}

impl Scope {
    pub(crate) const NETWORK: Self = Self { port: MDNS_PORT, with_loopback: false };

    fn daemon(self) -> Result<Daemon> {
        let daemon = Daemon(ServiceDaemon::new_with_port(self.port).map_err(|_| Error::Names)?);
        // The front listens to IPv4.
        let mut unwanted = vec![IfKind::IPv6];
        if !self.with_loopback {
            unwanted.push(IfKind::LoopbackV4);
        }
        daemon.0.disable_interface(unwanted).map_err(|_| Error::Names)?;
        Ok(daemon)
    }
}

/// Speaks and listens on a thread of its own, until it is dropped.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        // Best effort: what it has announced, it takes back.
        let _ = self.0.shutdown();
    }
}

/// Says where the clinic is, for as long as it is kept, and again whenever this computer's addresses change.
pub(crate) struct Announcement {
    _daemon: Daemon,
}

impl Announcement {
    pub(crate) fn begin(scope: Scope, clinic_id: Uuid, port: u16) -> Result<Self> {
        let (instance, host) = (clinic_id.to_string(), format!("{clinic_id}.local."));
        let nothing_else: Option<std::collections::HashMap<String, String>> = None;
        let service = ServiceInfo::new(SERVICE, &instance, &host, "", port, nothing_else)
            .map_err(|_| Error::Names)?
            .enable_addr_auto();
        let daemon = scope.daemon()?;
        daemon.0.register(service).map_err(|_| Error::Names)?;
        Ok(Self { _daemon: daemon })
    }
}

async fn find_in(scope: Scope, clinic_id: Uuid, patience: Duration) -> Result<Vec<SocketAddr>> {
    let daemon = scope.daemon()?;
    let wanted = format!("{clinic_id}.{SERVICE}");
    let events = daemon.0.browse(SERVICE).map_err(|_| Error::Names)?;
    let mut until = Instant::now() + patience;
    let mut found = Vec::new();
    while let Ok(Ok(event)) = timeout_at(until, events.recv_async()).await {
        let ServiceEvent::ServiceResolved(service) = event else { continue };
        if !service.get_fullname().eq_ignore_ascii_case(&wanted) {
            continue;
        }
        for address in addresses(&service, scope) {
            if !found.contains(&address) && found.len() < MOST {
                found.push(address);
            }
        }
        if !found.is_empty() {
            until = until.min(Instant::now() + SETTLING);
        }
    }
    let own = crate::own_addresses();
    found.sort_by_key(|address| (!shares_network(address.ip(), &own), *address));
    Ok(found)
}

/// Addresses of another computer, or of this one as others see it.
fn addresses(service: &ResolvedService, scope: Scope) -> impl Iterator<Item = SocketAddr> {
    let port = service.get_port();
    let may_be = move |address: &Ipv4Addr| {
        let elsewhere = !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast();
        elsewhere && (scope.with_loopback || !address.is_loopback()) && port != 0
    };
    service.get_addresses_v4().into_iter().filter(may_be).map(move |address| SocketAddr::new(IpAddr::V4(address), port))
}

/// Whether the first 24 bits are the same, as in almost every small network.
fn shares_network(address: IpAddr, own: &[IpAddr]) -> bool {
    own.iter().any(|mine| match (mine, address) {
        (IpAddr::V4(mine), IpAddr::V4(other)) => mine.octets()[..3] == other.octets()[..3],
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port of its own: nobody else on the computer hears or answers.
    fn scope() -> Scope {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        Scope { port: socket.local_addr().unwrap().port(), with_loopback: true }
    }

    #[tokio::test]
    async fn a_clinic_is_found_by_its_id_and_another_is_not() {
        let (scope, clinic_id) = (scope(), Uuid::new_v4());
        let announcement = Announcement::begin(scope, clinic_id, 55_321).unwrap();
        let found = find_in(scope, clinic_id, Duration::from_secs(10)).await.unwrap();
        assert!(!found.is_empty(), "nobody answered");
        assert!(found.iter().all(|address| address.port() == 55_321), "{found:?}");
        let stranger = find_in(scope, Uuid::new_v4(), Duration::from_secs(1)).await.unwrap();
        assert_eq!(stranger, [], "a clinic that is not there");
        drop(announcement);
    }

    #[tokio::test]
    async fn a_clinic_that_moved_is_found_where_it_is_now_and_one_that_left_is_not() {
        let (scope, clinic_id) = (scope(), Uuid::new_v4());
        let before = Announcement::begin(scope, clinic_id, 55_321).unwrap();
        assert!(!find_in(scope, clinic_id, Duration::from_secs(10)).await.unwrap().is_empty());
        drop(before);
        let mut asked = 0;
        while !find_in(scope, clinic_id, Duration::from_secs(1)).await.unwrap().is_empty() {
            asked += 1;
            assert!(asked < 10, "it has left");
        }
        let _after = Announcement::begin(scope, clinic_id, 55_322).unwrap();
        let found = find_in(scope, clinic_id, Duration::from_secs(10)).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.port() == 55_322), "{found:?}");
    }
}
