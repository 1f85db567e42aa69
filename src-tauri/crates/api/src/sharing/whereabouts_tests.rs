use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use balcao_domain::clock::Clock;
use balcao_keychain::Keychain;
use balcao_lan::{Authority, Front, FrontConfig, Limits};
use balcao_tenant::members::{Computer, Invitation, Invite, new_password};
use balcao_testkit::database::{TestDatabase, log_in};

use super::*;
use crate::members::accept;

async fn front(database: &TestDatabase) -> (Front, String) {
    let folder = tempfile::tempdir().unwrap();
    let (id, port) = (database.clinic_id(), database.owner().address.port);
    let keychain = Keychain::in_memory();
    let authority = Authority::open_or_create(&keychain, "t", folder.path(), id, Clock::System).await.unwrap();
    let ca_pem = authority.ca_pem().to_owned();
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let config = FrontConfig { listen, clinic_id: id, limits: Limits::default(), announce: false };
    let front = Front::start(config, authority, move || async move { Some(port) }).await.unwrap();
    (front, ca_pem)
}

/// A network that answers with these places, and counts how often it is asked.
fn network(places: Vec<SocketAddr>) -> (Finder, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let finder: Finder = Arc::new(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        let places = places.clone();
        Box::pin(async move { places })
    });
    (finder, asked)
}

/// A desk whose clinic was at a port where nobody listens any more.
fn desk(database: &TestDatabase, ca_pem: &str, folder: &Path) -> Address {
    let tls = TlsMode::Pinned { ca_pem: ca_pem.to_owned(), clinic_id: database.clinic_id() };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = Address { port: closed, tls, ..database.owner().address.clone() };
    Profile { address: Some(address.clone()), ..Profile::new(Uuid::from_u128(1), Kind::Remote) }.write(folder).unwrap();
    address
}

#[tokio::test]
async fn a_clinic_with_another_address_is_found_by_its_id_and_kept_there() {
    let database = TestDatabase::fresh().await.unwrap();
    let password = database.owner().password.clone().unwrap();
    let ((front, ca_pem), (impostor, _)) = (front(&database).await, front(&database).await);
    let folder = tempfile::tempdir().unwrap();
    let address = desk(&database, &ca_pem, folder.path());
    // Somebody else in the network says to be the clinic, too.
    let at = |front: &Front| (Ipv4Addr::LOCALHOST, front.port()).into();
    let (finder, asked) = network(vec![at(&impostor), at(&front)]);
    let whereabouts = Whereabouts::asking(address.clone(), folder.path().to_owned(), finder);
    let tenant = whereabouts.connect(&password, "test").await.unwrap();
    assert_eq!(tenant.whoami().await.unwrap().clinic_id, database.clinic_id());
    tenant.close().await;
    let kept = Profile::read(folder.path()).unwrap().unwrap().address.unwrap();
    assert_eq!(kept, Address { port: front.port(), ..address }, "all but the place is as it was");
    whereabouts.connect(&password, "test").await.unwrap().close().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it knows the way now");
}

#[tokio::test]
async fn the_network_is_not_asked_all_the_time_nor_for_what_is_not_pinned_nor_after_a_refusal() {
    let database = TestDatabase::fresh().await.unwrap();
    let (front, ca_pem) = front(&database).await;
    let folder = tempfile::tempdir().unwrap();
    let address = desk(&database, &ca_pem, folder.path());
    let (finder, asked) = network(Vec::new());
    let lost = Whereabouts::asking(address.clone(), folder.path().to_owned(), finder.clone());
    for _attempt in 0..3 {
        assert!(matches!(lost.connect("x", "test").await, Err(Error::Unreachable { .. })));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "once a minute");

    let unpinned = Address { tls: TlsMode::Loopback, ..address.clone() };
    let unpinned = Whereabouts::asking(unpinned, folder.path().to_owned(), finder.clone());
    assert!(unpinned.connect("x", "test").await.is_err());
    let there = Address { port: front.port(), ..address.clone() };
    let refused = Whereabouts::asking(there, folder.path().to_owned(), finder);
    assert!(matches!(refused.connect("not it", "test").await, Err(Error::WrongPassword)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(Profile::read(folder.path()).unwrap().unwrap().address, Some(address), "nothing was found");
}

#[tokio::test]
async fn a_clinic_that_moved_and_took_the_login_away_is_heard() {
    let database = TestDatabase::fresh().await.unwrap();
    let password = database.owner().password.clone().unwrap();
    let ((front, ca_pem), (impostor, _)) = (front(&database).await, front(&database).await);
    let folder = tempfile::tempdir().unwrap();
    let address = desk(&database, &ca_pem, folder.path());
    let at = |front: &Front| (Ipv4Addr::LOCALHOST, front.port()).into();
    balcao_tenant::provision::revoke_login(database.admin_url(), &database.owner().login).await.unwrap();
    let (finder, _) = network(vec![at(&impostor)]);
    let deceived = Whereabouts::asking(address.clone(), folder.path().to_owned(), finder);
    let heard = deceived.connect(&password, "test").await.unwrap_err();
    assert!(matches!(heard, Error::Unreachable { .. }), "nobody else can say so: {heard}");
    let (finder, _) = network(vec![at(&impostor), at(&front)]);
    let whereabouts = Whereabouts::asking(address, folder.path().to_owned(), finder);
    assert_eq!(whereabouts.connect(&password, "test").await.unwrap_err(), Error::LoginRevoked);
}

#[tokio::test]
async fn who_was_invited_finds_a_clinic_that_has_moved_since() {
    let database = TestDatabase::fresh().await.unwrap();
    let ((front, ca_pem), (impostor, _)) = (front(&database).await, front(&database).await);
    let folder = tempfile::tempdir().unwrap();
    let address = desk(&database, &ca_pem, folder.path());
    let owner = log_in(database.owner()).await.unwrap();
    let whom = Invite::Computer { member_id: owner.whoami().await.unwrap().member_id };
    let now = Clock::System.now();
    let invited = owner.invite(&whom, None, &address, now).await.unwrap().unwrap().invitation;
    let computer = Computer { name: "Recepção".into(), platform: "linux".into(), app_version: "1".into() };
    let password = new_password();
    let join = async |finder: &Finder| accept(invited.clone(), &password, &computer, "test", finder).await;

    let at = |front: &Front| (Ipv4Addr::LOCALHOST, front.port()).into();
    let (nobody, asked) = network(vec![at(&impostor)]);
    let (left, answer) = join(&nobody).await;
    assert!(matches!(answer, Err(Error::Unreachable { .. })), "nobody else can take it: {answer:?}");
    assert_eq!((left.address, asked.load(Ordering::SeqCst)), (invited.address.clone(), 1));
    let (finder, asked) = network(vec![at(&impostor), at(&front)]);
    let (come, answer) = join(&finder).await;
    assert_eq!(answer, Ok(Ok(())));
    assert_eq!(
        come.address,
        Address { port: front.port(), ..invited.address.clone() },
        "all but the place is as it was"
    );
    let tenant = Tenant::connect(&come.address, &password, "test").await.unwrap();
    assert_eq!(tenant.whoami().await.unwrap().clinic_id, database.clinic_id());
    // Somebody with a copy of it hears the clinic's own word, and an address that answers is not looked for.
    let (_, answer) = accept(invited.clone(), &new_password(), &computer, "test", &finder).await;
    assert_eq!(answer, Err(Error::WrongPassword));
    let before = asked.load(Ordering::SeqCst);
    let there = Invitation { address: come.address, ..invited.clone() };
    assert_eq!(accept(there, &password, &computer, "test", &finder).await.1, Ok(Ok(())));
    assert_eq!(asked.load(Ordering::SeqCst), before);
}
