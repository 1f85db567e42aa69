//! A connection's first packet: who it wants to be.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longest first packet, as the server has it.
pub(super) const LONGEST: usize = 10_000;

/// Setting that tells the database whom the front carries, see `internal.client_address` of its schema.
const PEER: &str = "balcao.peer";

/// Room that it takes in a packet, with the longest address.
const ROOM: usize = PEER.len() + 1 + 45 + 1;

/// Request to give up a statement that runs on another connection.
const CANCEL: u32 = 80_877_102;

/// What a connection begins with, inside TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A log-in, with the packet as it came.
    LogIn {
        packet: Vec<u8>,
        /// Whether it is for what desks do: a clinic's login, and no replication.
        admitted: bool,
    },
    /// A request to give up a statement, with the packet as it came.
    Cancel(Vec<u8>),
    /// Something else.
    Unknown,
}

/// Reads the first packet.
///
/// # Errors
/// Those of reading; the connection may end before the packet does.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<First> {
    let length = from.read_u32().await?;
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(8..=LONGEST - ROOM).contains(&size) {
        return Ok(First::Unknown);
    }
    let mut packet = vec![0; size];
    packet[..4].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut packet[4..]).await?;
    Ok(understood(packet))
}

fn understood(packet: Vec<u8>) -> First {
    let Some((head, body)) = packet.split_first_chunk::<8>() else { return First::Unknown };
    let code = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    if code == CANCEL {
        return First::Cancel(packet);
    }
    if code >> 16 != 3 {
        return First::Unknown;
    }
    match admits(body) {
        Some(admitted) => First::LogIn { admitted, packet },
        None => First::Unknown,
    }
}

/// The packet of a log-in with where it comes from, which is told by nobody but the front: a setting of that name is left out,
/// and one in a list of options is overruled, because of two the server takes the later one.
pub(super) fn signed(packet: &[u8], peer: IpAddr) -> Vec<u8> {
    let (head, body) = packet.split_at(8);
    let mut settings = body.strip_suffix(b"\0").unwrap_or(body).split(|byte| *byte == 0);
    let mut signed = head.to_vec();
    while let (Some(name), Some(value)) = (settings.next(), settings.next()) {
        if !name.eq_ignore_ascii_case(PEER.as_bytes()) {
            signed.extend([name, b"\0", value, b"\0"].concat());
        }
    }
    signed.extend([PEER.as_bytes(), b"\0", peer.to_string().as_bytes(), b"\0\0"].concat());
    // What was read is shorter than the server takes by as much as this is longer.
    let length = u32::try_from(signed.len()).unwrap_or(u32::MAX);
    signed[..4].copy_from_slice(&length.to_be_bytes());
    signed
}

/// Whether these settings of a connection are those of a desk; `None` when they cannot be read.
fn admits(body: &[u8]) -> Option<bool> {
    let mut users = Vec::new();
    let mut replicates = false;
    let mut parts = body.split(|byte| *byte == 0);
    loop {
        let name = parts.next()?;
        if name.is_empty() {
            // Nothing may stand behind the end: the server might read on.
            let rest: Vec<_> = parts.collect();
            return (rest == [b""]).then(|| !replicates && matches!(users[..], [user] if is_of_a_clinic(user)));
        }
        let value = parts.next()?;
        match name {
            b"user" => users.push(value),
            b"replication" => replicates = true,
            _ => {}
        }
    }
}

/// Logins of clinics are `balcao_` and sixteen hexadecimal digits. The superuser, the groups that hold the grants, the role
/// that makes logins and those that copy a database for a backup are named otherwise.
fn is_of_a_clinic(login: &[u8]) -> bool {
    login.strip_prefix(b"balcao_").is_some_and(|digits| {
        digits.len() == 16 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, settings: &[(&str, &str)]) -> Vec<u8> {
        let mut body = code.to_be_bytes().to_vec();
        for (name, value) in settings {
            for text in [name, value] {
                body.extend_from_slice(text.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).unwrap();
        [&length.to_be_bytes()[..], &body].concat()
    }

    const VERSION: u32 = 3 << 16;
    const DESK: &str = "balcao_0123456789abcdef";

    async fn first(bytes: &[u8]) -> io::Result<First> {
        read(&mut &bytes[..]).await
    }

    #[tokio::test]
    async fn a_clinics_login_is_admitted_with_its_packet_unchanged() {
        for version in [VERSION, VERSION | 2] {
            let sent = packet(version, &[("user", DESK), ("database", "balcao"), ("TimeZone", "UTC")]);
            assert_eq!(first(&sent).await.unwrap(), First::LogIn { packet: sent.clone(), admitted: true });
        }
    }

    #[tokio::test]
    async fn no_other_login_is() {
        let refused = [
            "balcao_superuser",
            "postgres",
            "balcao_owner",
            "balcao_gatekeeper",
            "balcao_definer",
            "balcao_copy_0123456789abcdef",
            "balcao_0123456789abcde",
            "balcao_0123456789abcdef0",
            "balcao_0123456789ABCDEF",
            "BALCAO_0123456789abcdef",
            " balcao_0123456789abcdef",
            "",
        ];
        for login in refused {
            let sent = packet(VERSION, &[("user", login), ("database", "balcao")]);
            assert!(matches!(first(&sent).await.unwrap(), First::LogIn { admitted: false, .. }), "{login}");
        }
        let nobody = packet(VERSION, &[("database", "balcao")]);
        assert!(matches!(first(&nobody).await.unwrap(), First::LogIn { admitted: false, .. }));
    }

    #[tokio::test]
    async fn two_logins_in_one_packet_are_not_a_way_around() {
        for users in [["postgres", DESK], [DESK, "postgres"], [DESK, DESK]] {
            let sent = packet(VERSION, &[("user", users[0]), ("user", users[1])]);
            assert!(matches!(first(&sent).await.unwrap(), First::LogIn { admitted: false, .. }), "{users:?}");
        }
        let mut hidden = packet(VERSION, &[("user", DESK)]);
        hidden.extend_from_slice(b"user\0postgres\0\0");
        let length = u32::try_from(hidden.len()).unwrap();
        hidden[..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(first(&hidden).await.unwrap(), First::Unknown, "settings behind the end");
    }

    #[test]
    fn where_a_connection_comes_from_is_the_front_s_word_alone() {
        let peer = "192.168.0.17".parse().unwrap();
        let sent = packet(VERSION, &[("user", DESK), ("options", "-c geqo=off"), ("database", "balcao")]);
        let settings = [("user", DESK), ("options", "-c geqo=off"), ("database", "balcao"), (PEER, "192.168.0.17")];
        assert_eq!(signed(&sent, peer), packet(VERSION, &settings), "all else is as it was, and in its order");
        let forged =
            packet(VERSION, &[("user", DESK), ("Balcao.PEER", "10.0.0.1"), (PEER, "10.0.0.2"), ("options", "")]);
        let settings = [("user", DESK), ("options", ""), (PEER, "192.168.0.17")];
        assert_eq!(signed(&forged, peer), packet(VERSION, &settings));
        let empty = packet(VERSION, &[]);
        assert_eq!(signed(&empty, peer), packet(VERSION, &[(PEER, "192.168.0.17")]));
        let longest = "f".repeat(4) + &":ffff".repeat(7);
        assert!(signed(&sent, longest.parse().unwrap()).len() <= sent.len() + ROOM);
    }

    #[tokio::test]
    async fn replication_is_not_admitted_whatever_it_is_set_to() {
        for value in ["true", "database", "false"] {
            let sent = packet(VERSION, &[("user", DESK), ("replication", value)]);
            assert!(matches!(first(&sent).await.unwrap(), First::LogIn { admitted: false, .. }), "{value}");
        }
    }

    #[tokio::test]
    async fn what_is_no_first_packet_is_not_understood_and_half_a_one_is_an_end() {
        for sent in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), packet(2 << 16, &[]), vec![0, 0, 0, 7, 0, 3, 0, 0]] {
            assert_eq!(first(&sent).await.unwrap(), First::Unknown, "{sent:?}");
        }
        let unended = [&20_u32.to_be_bytes()[..], &VERSION.to_be_bytes(), b"user\0balcao_"].concat();
        assert_eq!(first(&unended).await.unwrap(), First::Unknown);
        let half = packet(VERSION, &[("user", DESK)]);
        assert!(first(&half[..20]).await.is_err());
    }

    #[tokio::test]
    async fn a_request_to_give_up_a_statement_is_carried_as_it_is() {
        let sent = [&16_u32.to_be_bytes()[..], &CANCEL.to_be_bytes(), &[1; 8]].concat();
        assert_eq!(first(&sent).await.unwrap(), First::Cancel(sent.clone()));
    }
}
