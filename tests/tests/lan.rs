//! A clinic that is shared on its own network: who gets in, what passes on the wire, and what a desk notices of a server
//! that is started again, moves, or shows another certificate.

pub(crate) mod shared;
mod tap;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_domain::clock::Clock;
use balcao_domain::feed::Cell;
use balcao_lan::{Limits, find, own_addresses};
use balcao_tenant::members::{Code, Computer, Invitation, new_password};
use balcao_tenant::{Address, Error, FeedBatch, Listener, Role, Tenant, TlsMode, Wake};
use balcao_testkit::database::{TestDatabase, server};
use balcao_testkit::proxy::{Proxy, Which};
use chrono::TimeDelta;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use shared::{Shared, authority, enter, front};
use sqlx::{Connection as _, PgConnection};
use tap::{Tap, chosen_version, records};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Where Debian puts a client that is not ours.
const PSQL: &str = "/usr/lib/postgresql/15/bin/psql";

/// Nobody else has this name.
const PATIENT: &str = "Aparecida Sigilosa Quintanilha";

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_works_through_the_front_as_it_does_on_the_clinics_own_computer() -> Result<()> {
    let clinic = Shared::new().await?;
    let login = clinic.database.add_member(Role::Attendant).await?;
    let desk = clinic.desk(&login).await?;
    let identity = desk.whoami().await?;
    assert_eq!(
        (identity.clinic_id, identity.role, &identity.login),
        (clinic.database.clinic_id(), Role::Attendant, &login.login)
    );
    let mut listener = Listener::open(&desk).await?;
    let before = desk.feed_position().await?;
    add_patient(&clinic.database).await?;
    assert_eq!(timeout(Duration::from_secs(10), listener.recv()).await??, Wake::Notified);
    assert!(names(&desk, before.cursor).await?.contains(&PATIENT.to_owned()));
    assert_eq!(clinic.front.guests().len(), 2, "one to work, one to listen");
    desk.close().await;
    drop(listener);
    let mut number = clinic.front.changed();
    timeout(Duration::from_secs(10), number.wait_for(|number| *number == 0)).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_has_a_desk_s_own_address_whatever_it_says_of_itself() -> Result<()> {
    let clinic = Shared::new().await?;
    let login = clinic.database.add_member(Role::Attendant).await?;
    // A computer of the network, as far as the front can see.
    let way = TcpListener::bind("127.0.0.1:0").await?;
    let (own, front) = (way.local_addr()?.port(), clinic.front.port());
    tokio::spawn(async move {
        while let Ok((mut desk, _)) = way.accept().await {
            tokio::spawn(async move {
                let socket = tokio::net::TcpSocket::new_v4()?;
                socket.bind(([127, 0, 0, 66], 0).into())?;
                let mut front = socket.connect(([127, 0, 0, 1], front).into()).await?;
                tokio::io::copy_bidirectional(&mut desk, &mut front).await
            });
        }
    });
    let desk = enter(&Address { port: own, ..clinic.address(&login) }, &login).await?;
    let computer = Computer { name: "Recepção".into(), platform: "linux".into(), app_version: "0.1.0".into() };
    desk.introduce(&computer).await?;
    let mut administrator = PgConnection::connect(clinic.database.admin_url()).await?;
    let mut seen = async || {
        sqlx::query_scalar::<_, Option<String>>(
            "select host(address) from app.audit_logs where action = 'login' and login = $1 order by at desc limit 1",
        )
        .bind(&login.login)
        .fetch_one(&mut administrator)
        .await
    };
    assert_eq!(seen().await?.as_deref(), Some("127.0.0.66"));

    // Somebody at another computer, with a client that is not ours, says to sit elsewhere.
    if Path::new(PSQL).is_file() {
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, clinic.authority.ca_pem())?;
        let asked = tokio::process::Command::new(PSQL)
            .args(["-XAtc", "set balcao.peer = '10.8.8.8'", "-c", "select app.begin_session()"])
            .env("PGHOST", clinic.authority.server_name())
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", front.to_string())
            .envs([("PGUSER", &login.login), ("PGDATABASE", &login.address.database)])
            .env("PGPASSWORD", login.password.as_deref().unwrap_or_default())
            .envs([("PGSSLMODE", "verify-full"), ("PGOPTIONS", "-c balcao.peer=10.9.9.9")])
            .env("PGSSLROOTCERT", &ca)
            .output()
            .await?;
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        assert_eq!(seen().await?.as_deref(), Some("127.0.0.1"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_another_computer_in_and_its_password_is_dead_afterwards() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.desk(clinic.database.owner()).await?;
    let whom = balcao_tenant::members::Invite::Computer { member_id: owner.whoami().await?.member_id };
    let made_at = Clock::System.now();
    let address = clinic.address(clinic.database.owner());
    let invited = owner.invite(&whom, Some("Recepção"), &address, made_at).await?.unwrap().invitation;
    let code = Code::random();
    let text = invited.seal(&code)?;
    assert!(text.len() < 2_000, "it fits a picture: {}", text.len());
    let opened = Invitation::open(&text, &code)?;
    assert_eq!(opened.address.tls, address.tls, "the pin travels with it");
    let (password, computer) =
        (new_password(), Computer { name: "Recepção".into(), platform: "linux".into(), app_version: "0.1.0".into() });
    assert_eq!(opened.accept(&password, &computer, "balcao-test").await?, Ok(()));
    let desk = Tenant::connect(&opened.address, &password, "balcao-test").await?;
    assert_eq!(desk.whoami().await?.login, opened.address.user);
    let again = Tenant::connect(&opened.address, &opened.password, "balcao-test").await.map(drop);
    assert_eq!(again, Err(Error::WrongPassword));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_clinics_login_gets_to_the_server_whatever_their_password() -> Result<()> {
    let clinic = Shared::new().await?;
    let (admin, password) = Address::parse(clinic.database.admin_url())?;
    let password = password.context("the administrator has a password")?;
    let straight = Tenant::connect(&admin, &password, "balcao-test").await.map(drop);
    assert!(!matches!(straight, Err(Error::NotAdmitted)), "from this computer itself the password is right");
    let pinned = clinic.address(clinic.database.owner());
    for user in [
        &*admin.user,
        "postgres",
        "balcao_owner",
        "balcao_gatekeeper",
        "balcao_definer",
        "balcao_copy_0011223344556677",
    ] {
        let address = Address { user: user.to_owned(), ..pinned.clone() };
        let refused = Tenant::connect(&address, &password, "balcao-test").await.map(drop);
        assert_eq!(refused, Err(Error::NotAdmitted), "{user}");
    }
    let stranger = Address { user: "balcao_00112233445566aa".into(), ..pinned };
    let refused = Tenant::connect(&stranger, "guess", "balcao-test").await.map(drop);
    assert_eq!(refused, Err(Error::WrongPassword), "the server does not say which logins there are");
    assert_eq!(clinic.front.guests(), []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_refused_with_words_that_a_person_can_read() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    // On this computer a desk would be ready to speak in the open.
    let plain = Address { tls: TlsMode::Loopback, ..clinic.address(owner) };
    assert_eq!(enter(&plain, owner).await.map(drop), Err(Error::NotAdmitted));
    let url = plain.to_url_with(owner.password.as_deref());
    let refused = PgConnection::connect(&url).await.err().context("it was let in")?.to_string();
    assert!(refused.contains("TLS 1.3 only"), "{refused}");
    let pinned = clinic.address(owner).to_url();
    assert_eq!(
        Address::parse(&pinned.replace("127.0.0.1", "192.168.0.9").replace("verify-full", "disable")).ok(),
        None
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_any_other_authority_is_refused_before_a_word_is_said() -> Result<()> {
    let clinic = Shared::new().await?;
    let (owner, clinic_id) = (clinic.database.owner(), clinic.database.clinic_id());
    let good = clinic.address(owner);
    let ca_pem = clinic.authority.ca_pem().to_owned();
    let impostor = authority(clinic_id, Clock::System).await?;
    let another = authority(Uuid::new_v4(), Clock::System).await?;
    let wrong = [
        ("an authority under this clinic's own name", TlsMode::Pinned { ca_pem: impostor.ca_pem().into(), clinic_id }),
        ("another clinic's authority", TlsMode::Pinned { ca_pem: another.ca_pem().into(), clinic_id }),
        ("another clinic's id", TlsMode::Pinned { ca_pem: ca_pem.clone(), clinic_id: another.clinic_id() }),
        ("the authorities of the system", TlsMode::VerifyFull),
        ("the authority without its name", TlsMode::VerifyFullWith { ca_pem }),
    ];
    for (what, tls) in wrong {
        let refused = enter(&Address { tls, ..good.clone() }, owner).await.map(drop);
        assert_eq!(refused, Err(Error::CertificateRefused), "{what}");
    }
    // The other way round: a front that has this clinic's name, and an authority of its own.
    let front = front(&impostor, Limits::default(), &clinic.server_port, false).await?;
    let turned = Address { port: front.port(), ..good.clone() };
    assert_eq!(enter(&turned, owner).await.map(drop), Err(Error::CertificateRefused));
    let unreadable = TlsMode::Pinned { ca_pem: "-----BEGIN CERTIFICATE-----\nAAAA\n".into(), clinic_id };
    let refused = enter(&Address { tls: unreadable, ..good.clone() }, owner).await.map(drop);
    assert!(matches!(refused, Err(Error::InvalidAddress { .. })), "{refused:?}");
    assert!(enter(&good, owner).await.is_ok());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_knows_only_tls_1_2_is_told_that_its_version_will_not_do() -> Result<()> {
    let clinic = Shared::new().await?;
    for ask in [true, false] {
        let refused = tls(&clinic, &[&rustls::version::TLS12], ask).await.err().context("it was let in")?;
        assert!(format!("{refused:?}").contains("ProtocolVersion"), "{refused:?}");
    }
    let both = tls(&clinic, &[&rustls::version::TLS12, &rustls::version::TLS13], true).await?;
    assert_eq!(both.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_wire_is_tls_1_3_and_nothing_else() -> Result<()> {
    let clinic = Shared::new().await?;
    let login = clinic.database.add_member(Role::Attendant).await?;
    let wire = Tap::to(clinic.front.port()).await?;
    let address = Address { port: wire.port, ..clinic.address(&login) };
    let desk = enter(&address, &login).await?;
    let mut listener = Listener::open(&desk).await?;
    let before = desk.feed_position().await?;
    add_patient(&clinic.database).await?;
    timeout(Duration::from_secs(10), listener.recv()).await??;
    assert!(names(&desk, before.cursor).await?.contains(&PATIENT.to_owned()), "the name has come through");
    let password = login.password.clone().unwrap();
    let seeded = [PATIENT, "Clínica Teste", "Sigilosa", &login.login, &password, "select ", "SCRAM-SHA-256"];
    let recordings = wire.recordings();
    assert!(recordings.len() >= 2, "one to work, one to listen: {}", recordings.len());
    for recording in &recordings {
        let from_desk =
            recording.from_desk.strip_prefix(&SSL_REQUEST).context("it does not begin with the question")?;
        let from_clinic = recording.from_clinic.strip_prefix(b"S").context("the question is not answered")?;
        let (up, down) = (records(from_desk)?, records(from_clinic)?);
        assert!(up.len() > 3 && down.len() > 3, "{} and {} records", up.len(), down.len());
        let (kind, hello) = down[0];
        assert_eq!((kind, chosen_version(hello)?), (22, 0x0304), "the version that the server has chosen");
        // From the second record on, but for a word kept for old equipment, everything is encrypted data.
        assert!(down[1..].iter().all(|(kind, _)| [20, 23].contains(kind)), "the certificate, too");
        for text in seeded {
            for bytes in [&recording.from_desk, &recording.from_clinic] {
                assert!(!bytes.windows(text.len()).any(|part| part == text.as_bytes()), "{text:?} is readable");
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_while_connections_stay() -> Result<()> {
    // What computers of today accept, while the clinic's own clock is still far behind.
    let clock = Clock::manual(Clock::System.now() - TimeDelta::days(310));
    let clinic = Shared::with(Limits::default(), clock.clone()).await?;
    let owner = clinic.database.owner();
    let desk = clinic.desk(owner).await?;
    desk.whoami().await?;
    let first = certificate(&clinic).await?;
    assert_eq!(certificate(&clinic).await?, first, "it is shown to everybody");
    clock.advance(TimeDelta::days(310));
    let second = certificate(&clinic).await?;
    assert_ne!(first, second, "55 days were left");
    assert_eq!(desk.whoami().await?.login, owner.login, "who was there stays");
    assert_eq!(clinic.desk(owner).await?.whoami().await?.login, owner.login, "and comes again with the same pin");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_follows_a_server_that_was_started_again_on_another_port() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    let before = Proxy::to(owner.address.port).await?;
    clinic.server_port.store(before.port(), Ordering::SeqCst);
    let desk = clinic.desk(owner).await?;
    desk.whoami().await?;
    assert!(before.connections(Which::All) > 0, "it goes through the first port");

    clinic.server_port.store(0, Ordering::SeqCst);
    before.cut();
    let lost = desk.whoami().await.map(drop).unwrap_err();
    assert!(lost.is_connection(), "{lost:?}");
    assert_eq!(clinic.desk(owner).await.map(drop), Err(Error::ServerNotReady), "while it is down, the front says so");

    let after = Proxy::to(owner.address.port).await?;
    clinic.server_port.store(after.port(), Ordering::SeqCst);
    assert_eq!(desk.whoami().await?.login, owner.login, "the same desk, without being told");
    assert!(after.connections(Which::All) > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_is_told_and_one_busy_computer_does_not_fill_it() -> Result<()> {
    let limits = Limits { connections: 3, connections_each: 2, ..Limits::default() };
    let clinic = Shared::with(limits, Clock::System).await?;
    let owner = clinic.database.owner();
    let mut number = clinic.front.changed();
    let first = clinic.desk(owner).await?;
    first.whoami().await?;
    let second = clinic.desk(owner).await?;
    second.whoami().await?;
    timeout(Duration::from_secs(10), number.wait_for(|number| *number == 2)).await??;
    assert_eq!(clinic.desk(owner).await.map(drop), Err(Error::TooManyConnections));
    first.close().await;
    timeout(Duration::from_secs(10), number.wait_for(|number| *number == 1)).await??;
    assert!(clinic.desk(owner).await.is_ok());
    assert!(second.whoami().await.is_ok(), "the other never noticed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_silent_strangers_do_not_keep_a_desk_out() -> Result<()> {
    let limits = Limits { patience: Duration::from_secs(4), ..Limits::default() };
    let clinic = Shared::with(limits, Clock::System).await?;
    let mut strangers = Vec::new();
    for number in 0..100 {
        let socket = tokio::net::TcpSocket::new_v4()?;
        // All of them sit at one other computer.
        socket.bind(([127, 0, 0, 66], 0).into())?;
        let mut stranger = socket.connect(([127, 0, 0, 1], clinic.front.port()).into()).await?;
        let _ = stranger.write_all(&SSL_REQUEST[..number % 9]).await;
        strangers.push(stranger);
    }
    assert_eq!(clinic.desk(clinic.database.owner()).await?.whoami().await?.role, Role::Owner);
    for mut stranger in strangers {
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(10), stranger.read_to_end(&mut rest)).await.context("one may stay")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_that_has_moved_is_found_by_its_id_and_known_by_its_certificate() -> Result<()> {
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    let known = clinic.address(owner);
    let Shared { database, front: before, authority, server_port } = clinic;
    before.stop().await;
    let refused = enter(&known, database.owner()).await.map(drop);
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");

    let moved = front(&authority, Limits::default(), &server_port, true).await?;
    assert_ne!(moved.port(), known.port);
    if own_addresses().is_empty() {
        // A computer without any network hears no names.
        return Ok(());
    }
    assert!(moved.is_announced());
    let found = find(database.clinic_id(), Duration::from_secs(15)).await?;
    let place = *found.first().context("nobody answered to the clinic's id")?;
    assert!(own_addresses().contains(&place.ip()) && place.port() == moved.port(), "{found:?}");
    let address = Address { host: place.ip().to_string(), port: place.port(), ..known };
    assert_eq!(enter(&address, database.owner()).await?.whoami().await?.clinic_id, database.clinic_id());
    moved.stop().await;
    let mut asked = 0;
    while !find(database.clinic_id(), Duration::from_secs(1)).await?.is_empty() {
        asked += 1;
        assert!(asked < 10, "it does not answer any more");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replication_is_refused_from_the_network() -> Result<()> {
    let clinic = Shared::new().await?;
    let mut stream = tls(&clinic, &[&rustls::version::TLS13], true).await?;
    let user = &clinic.database.owner().login;
    let body =
        format!("user\0{user}\0replication\0database\0database\0{}\0\0", clinic.database.owner().address.database);
    let length = u32::try_from(body.len() + 8)?;
    stream.write_all(&[&length.to_be_bytes()[..], &(3_u32 << 16).to_be_bytes(), body.as_bytes()].concat()).await?;
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await??;
    assert!(String::from_utf8_lossy(&answer).contains("C28000\0"), "{answer:?}");
    assert!(server().await?.contains("127.0.0.1"), "the server itself stays on loopback");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_client_of_postgresql_comes_in_with_the_clinics_certificate_and_not_without() -> Result<()> {
    if !Path::new(PSQL).is_file() {
        eprintln!("PostgreSQL 15 is not installed: {PSQL}");
        return Ok(());
    }
    let clinic = Shared::new().await?;
    let owner = clinic.database.owner();
    let folder = tempfile::tempdir()?;
    let (ours, others) = (folder.path().join("ours.pem"), folder.path().join("others.pem"));
    std::fs::write(&ours, clinic.authority.ca_pem())?;
    std::fs::write(&others, authority(clinic.database.clinic_id(), Clock::System).await?.ca_pem())?;
    let ask = async |ca: &Path, newest: &str| {
        let asked = tokio::process::Command::new(PSQL)
            .args(["-XAtc", "select app.current_member_role()"])
            .env("PGHOST", clinic.authority.server_name())
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", clinic.front.port().to_string())
            .envs([("PGUSER", &owner.login), ("PGDATABASE", &owner.address.database)])
            .env("PGPASSWORD", owner.password.as_deref().unwrap_or_default())
            .envs([("PGSSLMODE", "verify-full"), ("PGSSLMAXPROTOCOLVERSION", newest)])
            .env("PGSSLROOTCERT", ca)
            .output()
            .await?;
        let said = String::from_utf8_lossy(if asked.status.success() { &asked.stdout } else { &asked.stderr });
        anyhow::Ok((asked.status.success(), said.trim().to_owned()))
    };
    assert_eq!(ask(&ours, "TLSv1.3").await?, (true, "owner".to_owned()));
    let (came_in, said) = ask(&others, "TLSv1.3").await?;
    assert!(!came_in && said.contains("certificate verify failed"), "{said}");
    let (came_in, said) = ask(&ours, "TLSv1.2").await?;
    assert!(!came_in && said.contains("protocol version"), "{said}");
    Ok(())
}

async fn add_patient(database: &TestDatabase) -> Result<()> {
    let mut administrator = PgConnection::connect(database.admin_url()).await?;
    sqlx::query("insert into app.contacts (clinic_id, name) values ($1, $2)")
        .bind(database.clinic_id())
        .bind(PATIENT)
        .execute(&mut administrator)
        .await?;
    Ok(administrator.close().await?)
}

/// The texts of every row that came since the cursor.
async fn names(desk: &Tenant, cursor: i64) -> Result<Vec<String>> {
    let (out, mut arriving) = mpsc::channel(64);
    desk.read_changes(cursor, &out).await?;
    drop(out);
    let mut texts = Vec::new();
    while let Some(batch) = arriving.recv().await {
        if let FeedBatch::Rows(batch) = batch {
            for row in batch.rows() {
                texts.extend(row.cells().filter_map(|cell| match cell {
                    Cell::Text(text) => Some(text.into_owned()),
                    _ => None,
                }));
            }
        }
    }
    Ok(texts)
}

/// The certificate that the front shows.
async fn certificate(clinic: &Shared) -> Result<CertificateDer<'static>> {
    let stream = tls(clinic, &[&rustls::version::TLS13], true).await?;
    Ok(stream.get_ref().1.peer_certificates().context("it shows none")?[0].clone())
}

async fn tls(
    clinic: &Shared,
    versions: &[&'static rustls::SupportedProtocolVersion],
    ask: bool,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
    use rustls::pki_types::pem::PemObject as _;

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clinic.authority.ca_pem().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let mut socket = TcpStream::connect(("127.0.0.1", clinic.front.port())).await?;
    if ask {
        socket.write_all(&SSL_REQUEST).await?;
        assert_eq!(socket.read_u8().await?, b'S');
    }
    let name = ServerName::try_from(clinic.authority.server_name())?;
    Ok(tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await?)
}
