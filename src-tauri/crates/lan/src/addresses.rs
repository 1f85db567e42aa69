//! Where this computer is in its networks.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

/// A place to which the way leads through whatever connects this computer to others. Reserved for documentation, so nobody
/// is there; nothing is sent to it either.
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(203, 0, 113, 1), 9);

/// Addresses under which other computers of the network reach this one: IPv4, the likeliest first. Empty without a network.
pub fn own_addresses() -> Vec<IpAddr> {
    let likeliest = towards_others();
    let mut found: Vec<Ipv4Addr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .filter(|address| !address.is_loopback() && !address.is_link_local() && !address.is_unspecified())
        .collect();
    // Virtual machines and containers bring networks of their own, which no other computer of the clinic is in.
    found.sort_by_key(|address| (Some(*address) != likeliest, !address.is_private(), *address));
    found.dedup();
    found.into_iter().map(IpAddr::V4).collect()
}

/// The address with which this computer speaks to others. A datagram's socket knows it once it is told where to.
fn towards_others() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_be_reached_at_is_never_this_computers_own_loop() {
        let found = own_addresses();
        assert!(found.iter().all(|address| !address.is_loopback() && !address.is_unspecified()), "{found:?}");
        if let Some(likeliest) = towards_others().filter(|address| !address.is_loopback()) {
            assert_eq!(found.first(), Some(&IpAddr::V4(likeliest)));
        }
    }
}
