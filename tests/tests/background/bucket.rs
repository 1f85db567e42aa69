//! Files in a bucket that fails in every known way: moved, brought back, deleted, and never lost, whatever dies when.

use std::io::Read as _;
use std::time::Duration;

use anyhow::Result;
use balcao_agent::background::Background;
use balcao_domain::clock::Clock;
use balcao_tenant::privacy::{ExportError, Reason};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Error, Fence, MediaPlace, Role, Tenant, Tenure};
use balcao_testkit::bucket::{BUCKET, BucketFault, FakeBucket, KEY_ID, REGION, SECRET};
use balcao_testkit::gateway::{Incoming, What};
use chrono::TimeDelta;
use uuid::Uuid;

use super::files::write;
use super::scene::{PHONE, Scene, bid, eventually};

/// Of more than two pieces.
fn jpeg() -> Vec<u8> {
    let noise = (0..600_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8);
    b"\xff\xd8\xff\xe0".iter().copied().chain(noise).collect()
}

fn wanted() -> Option<MediaPlace> {
    Some(MediaPlace::Wanted)
}

fn stuck(code: &str) -> Option<MediaPlace> {
    Some(MediaPlace::Stuck(code.to_owned()))
}

/// A clinic with a bucket, and a computer that looks after both.
struct Deposit {
    scene: Scene,
    bucket: FakeBucket,
    /// The folder of the computer and its login.
    place: (usize, Connection),
    /// At a desk.
    desk: Tenant,
}

impl Deposit {
    async fn open() -> Result<Self> {
        let mut scene = Scene::open().await?;
        let bucket = FakeBucket::start().await?;
        let place = scene.place().await?;
        let desk = scene.desk(Role::Attendant).await?;
        let deposit = Self { scene, bucket, place, desk };
        deposit.give_key().await?;
        Ok(deposit)
    }

    async fn give_key(&self) -> Result<()> {
        self.scene.give_bucket_key(self.place.0, &format!("{KEY_ID}\n{SECRET}")).await
    }

    /// Files go there at once.
    async fn used(&self) -> Result<Uuid> {
        Ok(self.scene.tenant.use_bucket(&self.bucket.endpoint(), BUCKET, REGION, 0).await?)
    }

    fn computer(&self) -> Result<Background> {
        self.scene.computer_in("Recepção 1", self.place.0, &self.place.1)
    }

    /// A picture comes, with these words.
    async fn receive(&self, caption: &str) -> Result<Uuid> {
        let what = What::Image { caption: caption.to_owned(), bytes: jpeg() };
        self.scene.gateway.receive("recepcao", &Incoming { what, ..Incoming::text(PHONE, "") });
        let sql =
            format!("select id::text from app.messages where body = '{caption}' and attachment ->> 'file' = 'stored'");
        eventually("the picture is here", async || Ok(self.scene.text(&sql).await?.is_some())).await?;
        Ok(self.scene.text(&sql).await?.unwrap().parse()?)
    }

    async fn pieces(&self) -> Result<i64> {
        self.scene.count("app.media_chunks").await
    }

    async fn away(&self) -> Result<()> {
        eventually("it is in the bucket only", async || Ok(self.pieces().await? == 0 && self.bucket.count() > 0)).await
    }

    async fn problem(&self) -> Result<Option<String>> {
        Ok(self.scene.tenant.bucket().await?.and_then(|bucket| bucket.problem))
    }

    async fn until_problem(&self, code: Option<&str>) -> Result<()> {
        eventually("the clinic knows what stands in the way", async || Ok(self.problem().await?.as_deref() == code))
            .await
    }

    async fn brought(&self, message: Uuid) -> Result<()> {
        eventually("it is here again", async || Ok(self.desk.media_place(message).await? == Some(MediaPlace::Here)))
            .await?;
        assert_eq!(self.desk.media(message).await?.unwrap().bytes, jpeg());
        Ok(())
    }

    /// What the object of a file is called.
    async fn object(&self, message: Uuid) -> Result<String> {
        let sql = format!(
            "select concat(b.id, '/', o.object_id) from app.media_objects o join app.buckets b on b.clinic_id = o.clinic_id
             join app.media f on f.id = o.media_id where f.message_id = '{message}'"
        );
        Ok(self.scene.text(&sql).await?.unwrap())
    }

    /// The background work in the hands of the owner's connection.
    async fn fence(&self) -> Result<Fence> {
        match self.scene.tenant.take_lease(&bid("Sala 2")).await? {
            Tenure::Held { fence, .. } => Ok(fence),
            other => panic!("{other:?}"),
        }
    }

    /// So many files of which the clinic has the rows only; so many of them in the bucket, where nobody looks for them.
    async fn invent(&self, files: u32, there: u32) -> Result<()> {
        let sql = format!(
            "set session_replication_role = replica;
             with letters as (
                 insert into app.messages (clinic_id, conversation_id, channel_id, direction, sender_kind, kind, gateway_id)
                 select c.clinic_id, c.id, c.channel_id, 'inbound', 'contact', 'image', 'OLD' || n
                 from app.conversations c, generate_series(1, {files}) n returning clinic_id, id
             ), files as (
                 insert into app.media (clinic_id, message_id, mime_type, size_bytes, storage, state)
                 select clinic_id, id, 'image/jpeg', 1, 'database', 'stored' from letters returning clinic_id, id
             ) insert into app.media_objects (clinic_id, media_id, key, moved_at, next_try_at)
               select clinic_id, id, decode(repeat('00', 32), 'hex'), now(), 'infinity' from files limit {there};
             set session_replication_role = origin"
        );
        self.scene.run(&sql).await
    }

    fn asked(&self, method: &str) -> usize {
        self.bucket.books(|books| books.asked.iter().filter(|(of, _)| of == method).count())
    }

    fn fails(&self, method: &'static str, fault: BucketFault) {
        self.bucket.books(|books| books.next.push_back((method, fault)));
    }

    fn always(&self, fault: Option<BucketFault>) {
        self.bucket.books(|books| books.always = fault);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_to_the_bucket_as_noise_and_comes_back_as_it_was_when_somebody_wants_it() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let message = deposit.receive("o raio-x").await?;
    assert_eq!(deposit.desk.want_media(message).await?, Some(MediaPlace::Here));
    assert_eq!(deposit.scene.tenant.bucket_state().await?, None);
    let prefix = deposit.used().await?;
    deposit.away().await?;

    let (name, object) =
        deposit.bucket.books(|books| books.objects.first_key_value().map(|(n, o)| (n.clone(), o.clone()))).unwrap();
    let (first, second) = name.split_once('/').unwrap();
    assert_eq!((first.parse::<Uuid>()?, second.parse::<Uuid>().is_ok()), (prefix, true), "a name says nothing");
    assert_ne!(second, message.to_string());
    let (file, part) = (jpeg(), &jpeg()[1_000..1_064]);
    assert!(object.len() > file.len() && !object.windows(64).any(|window| window == part), "noise");
    let state = deposit.scene.tenant.bucket_state().await?.unwrap();
    assert_eq!((state.files, state.bytes, state.leaving, state.setting.problem), (1, jpeg().len() as u64, 0, None));

    // To everybody the message has its file, as ever.
    let shown = format!("select attachment ->> 'file' from app.messages where id = '{message}'");
    assert_eq!(deposit.scene.text(&shown).await?.as_deref(), Some("stored"));
    assert!(deposit.desk.media(message).await?.is_none());
    let professional = deposit.scene.desk(Role::Professional).await?;
    assert_eq!(professional.want_media(message).await, Err(Error::NotPermitted));
    let viewer = deposit.scene.desk(Role::Viewer).await?;
    assert_eq!(viewer.want_media(message).await?, wanted());
    deposit.brought(message).await?;
    assert_eq!(deposit.bucket.count(), 1, "the object stays");
    assert_eq!(deposit.desk.want_media(Uuid::new_v4()).await?, None);

    // After a day its pieces go again by the way they went first: the storage may have lost the object meanwhile.
    let puts = deposit.asked("PUT");
    deposit.bucket.books(|books| books.objects.clear());
    deposit.scene.run("update app.media_objects set brought_at = now() - interval '25 hours'").await?;
    deposit.away().await?;
    assert_eq!((deposit.asked("PUT"), puts), (2, 1));
    assert_eq!(deposit.bucket.books(|books| books.objects.keys().cloned().collect::<Vec<_>>()), [name]);
    assert_eq!(deposit.desk.want_media(message).await?, wanted());
    deposit.brought(message).await?;
    computer.stop().await;
    deposit.scene.run("update app.media_objects set brought_at = null; delete from app.media_chunks").await?;
    assert_eq!(deposit.desk.want_media(message).await?, stuck("media_nobody"), "nobody would bring it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_and_no_file_leaves_before_it_is_read_back() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let message = deposit.receive("a mordida").await?;
    deposit.always(Some(BucketFault::Answers(403, "SignatureDoesNotMatch")));
    deposit.used().await?;
    for (fault, ahead, code) in [
        (BucketFault::Answers(403, "SignatureDoesNotMatch"), 0, "bucket_key_refused"),
        (BucketFault::Answers(403, "AccessDenied"), 0, "bucket_not_allowed"),
        (BucketFault::Answers(404, "NoSuchBucket"), 0, "bucket_no_bucket"),
        (BucketFault::Answers(500, "InternalError"), 0, "bucket_fails"),
        (BucketFault::Answers(507, "XMinioStorageFull"), 0, "bucket_full"),
        (BucketFault::Breaks, 20, "bucket_clock_wrong"),
    ] {
        deposit.always((ahead == 0).then_some(fault));
        deposit.bucket.books(|books| books.ahead = TimeDelta::minutes(ahead));
        // As when somebody has tried again in the settings.
        deposit.used().await?;
        deposit.until_problem(Some(code)).await?;
        assert_eq!(deposit.pieces().await?, 3, "{code}");
        deposit.brought(message).await?;
    }
    assert_eq!(deposit.asked("PUT"), 0);

    // The line breaks when it is there; what is read back is another file; it is not there after all.
    deposit.fails("PUT", BucketFault::Breaks);
    deposit.fails("GET", BucketFault::Changes);
    deposit.fails("GET", BucketFault::Answers(404, "NoSuchKey"));
    deposit.bucket.books(|books| books.ahead = TimeDelta::zero());
    deposit.used().await?;
    deposit.away().await?;
    assert!(deposit.asked("PUT") >= 3, "each time anew");
    assert_eq!(deposit.bucket.count(), 1, "under the same name");
    deposit.until_problem(None).await?;

    // Not there, and not what it was: said of the file, and tried again when somebody wants it again.
    deposit.fails("GET", BucketFault::Changes);
    deposit.desk.want_media(message).await?;
    eventually("it is said", async || Ok(deposit.desk.media_place(message).await? == stuck("bucket_changed"))).await?;
    assert_eq!(deposit.problem().await?, None, "the bucket is not to blame for one object");
    assert_eq!(deposit.scene.tenant.bucket_state().await?.unwrap().failing, 1);
    assert_eq!(deposit.desk.want_media(message).await?, wanted());
    deposit.brought(message).await?;
    assert_eq!(deposit.scene.tenant.bucket_state().await?.unwrap().failing, 0);
    computer.stop().await;
    Ok(())
}

/// Dies without a word, in the middle of the next question of this kind; another start goes on.
async fn dies_at(
    deposit: &Deposit,
    method: &'static str,
    computer: Background,
    begin: impl AsyncFnOnce() -> Result<()>,
) -> Result<Background> {
    let waiting = || deposit.bucket.books(|books| books.next.len());
    deposit.fails(method, BucketFault::Hangs(Duration::from_secs(600)));
    begin().await?;
    eventually("it is in the middle of it", async || Ok(waiting() == 0)).await?;
    drop(computer);
    deposit.computer()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_dies_at_any_step_loses_nothing_and_leaves_nothing_behind() -> Result<()> {
    let deposit = Deposit::open().await?;
    let mut computer = deposit.computer()?;
    let message = deposit.receive("o machucado").await?;
    // Before it is there, and when it is there and nobody knows it yet.
    computer = dies_at(&deposit, "PUT", computer, async || deposit.used().await.map(drop)).await?;
    assert_eq!(deposit.pieces().await?, 3);
    computer = dies_at(&deposit, "GET", computer, async || Ok(())).await?;
    assert_eq!(deposit.pieces().await?, 3);
    deposit.away().await?;
    assert_eq!(deposit.bucket.count(), 1, "the same object each time");

    let want = async || {
        assert!(deposit.desk.want_media(message).await?.is_some());
        Ok(())
    };
    computer = dies_at(&deposit, "GET", computer, want).await?;
    deposit.brought(message).await?;

    let erase = async || {
        deposit.scene.run("delete from app.messages").await?;
        Ok(())
    };
    computer = dies_at(&deposit, "DELETE", computer, erase).await?;
    eventually("the object is gone, too", async || {
        Ok(deposit.bucket.count() == 0 && deposit.scene.count("app.objects_gone").await? == 0)
    })
    .await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_person_who_is_erased_are_gone_however_long_the_bucket_is_away() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let message = deposit.receive("a ferida").await?;
    deposit.used().await?;
    deposit.away().await?;
    let person = format!(
        "select c.contact_id::text from app.conversations c join app.messages m on m.conversation_id = c.id where m.id = '{message}'"
    );
    let person: Uuid = deposit.scene.text(&person).await?.unwrap().parse()?;

    // A copy of what is known about them brings the file back, or says why it cannot.
    let folder = tempfile::tempdir()?;
    let copy = async || {
        let now = Clock::System.now();
        deposit.scene.tenant.export_person(person, folder.path(), now, |_| {}).await
    };
    let mut archive = copy().await?.unwrap();
    let place = folder.path().join("dados.zip");
    archive.keep_as(&place)?;
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&place)?)?;
    let name = zip.file_names().flatten().find(|name| name.starts_with("arquivos/")).unwrap().into_owned();
    let mut bytes = Vec::new();
    zip.by_name(&name)?.read_to_end(&mut bytes)?;
    assert_eq!(bytes, jpeg());
    deposit.scene.run("update app.media_objects set brought_at = now() - interval '25 hours'").await?;
    eventually("it is away again", async || Ok(deposit.pieces().await? == 0)).await?;
    deposit.bucket.stop();
    match copy().await {
        Err(ExportError::Away(code)) => assert_eq!(code, "bucket_unreachable"),
        other => panic!("{:?}", other.err()),
    }

    assert!(deposit.scene.tenant.erase_person(person, Reason::Request).await?.is_some());
    eventually("it is known that it is to go", async || {
        Ok(deposit.scene.count("app.objects_gone where tries > 1").await? == 1)
    })
    .await?;
    assert_eq!(deposit.scene.count("app.media_objects").await?, 0, "with its key");
    assert_eq!(deposit.bucket.count(), 1);
    deposit.bucket.start_again().await?;
    // As when the wait is over.
    deposit.scene.run("update app.objects_gone set next_try_at = now()").await?;
    deposit.used().await?;
    eventually("it is gone", async || Ok(deposit.bucket.count() == 0)).await?;
    eventually("and nothing is known of it", async || Ok(deposit.scene.count("app.objects_gone").await? == 0)).await?;

    // One whose time is over goes, too.
    deposit.receive("a velha").await?;
    deposit.away().await?;
    deposit.scene.run("update app.media set state = 'removed', removed_at = now(), kept_months = 1").await?;
    eventually("it is gone", async || Ok(deposit.bucket.count() == 0)).await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn turned_off_everything_comes_back_before_the_key_is_forgotten() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let messages = [deposit.receive("um").await?, deposit.receive("dois").await?, deposit.receive("três").await?];
    deposit.used().await?;
    eventually("all are there", async || Ok(deposit.pieces().await? == 0 && deposit.bucket.count() == 3)).await?;
    let other = deposit.scene.tenant.use_bucket(&deposit.bucket.endpoint(), "outro", REGION, 0).await;
    assert_eq!(other.unwrap_err().constraint(), Some("buckets_in_use"));
    // One is here, too.
    deposit.desk.want_media(messages[0]).await?;
    deposit.brought(messages[0]).await?;
    assert_eq!(deposit.desk.clone().empty_bucket().await, Err(Error::NotPermitted));
    assert!(deposit.scene.tenant.empty_bucket().await?);
    eventually("all are back", async || Ok(deposit.scene.count("app.media_objects").await? == 0)).await?;
    for message in messages {
        deposit.brought(message).await?;
    }
    // A backup that was made before points at the objects, and is of no use without them.
    deposit.scene.settled().await?;
    let state = deposit.scene.tenant.bucket_state().await?.unwrap();
    assert_eq!((state.files, state.deleting, deposit.bucket.count()), (0, 3, 3));
    assert!(deposit.scene.has_bucket_key(deposit.place.0).await?);
    let month = "app.objects_gone where next_try_at between now() + interval '29 days' and now() + interval '30 days'";
    assert_eq!(deposit.scene.count(month).await?, 3);
    deposit.scene.run("update app.objects_gone set next_try_at = now()").await?;
    eventually("the bucket is forgotten", async || Ok(deposit.scene.tenant.bucket().await?.is_none())).await?;
    assert_eq!(deposit.bucket.count(), 0);
    eventually("and its key", async || Ok(!deposit.scene.has_bucket_key(deposit.place.0).await?)).await?;
    assert!(!deposit.scene.tenant.empty_bucket().await?, "there is none");

    // A bucket that has lost something is kept until somebody gives it up.
    deposit.give_key().await?;
    deposit.used().await?;
    eventually("all are there", async || Ok(deposit.pieces().await? == 0 && deposit.bucket.count() == 3)).await?;
    deposit.bucket.books(|books| books.objects.pop_first());
    assert!(deposit.scene.tenant.empty_bucket().await?);
    eventually("two are back", async || Ok(deposit.pieces().await? == 6)).await?;
    eventually("one is missed", async || {
        Ok(deposit.scene.tenant.bucket_state().await?.is_some_and(|state| state.failing == 1))
    })
    .await?;
    assert_eq!(deposit.scene.tenant.abandon_bucket().await?, 1);
    assert_eq!(deposit.scene.tenant.bucket().await?, None);
    let expired = "app.messages where attachment ->> 'file' = 'expired'";
    assert_eq!(deposit.scene.count(expired).await?, 1, "the gateway may have it");
    let told = "app.audit_logs where action in ('bucket_used', 'bucket_emptied', 'bucket_abandoned')";
    assert_eq!(deposit.scene.count(told).await?, 5);

    // With everything back nobody has to wait until what is there is deleted.
    let there = deposit.bucket.count();
    deposit.used().await?;
    eventually("both are there", async || Ok(deposit.pieces().await? == 0)).await?;
    assert!(deposit.scene.tenant.empty_bucket().await?);
    eventually("both are back", async || Ok(deposit.scene.count("app.media_objects").await? == 0)).await?;
    assert_eq!(deposit.scene.tenant.abandon_bucket().await?, 0);
    assert_eq!((deposit.scene.tenant.bucket().await?, deposit.bucket.count()), (None, there + 2));
    assert_eq!((deposit.pieces().await?, deposit.scene.count(expired).await?), (6, 1));
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_its_bucket_refuses_keeps_no_other_from_its_turn() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let (archived, other) = (deposit.receive("um").await?, deposit.receive("dois").await?);
    deposit.used().await?;
    eventually("both are there", async || Ok(deposit.pieces().await? == 0 && deposit.bucket.count() == 2)).await?;
    let name = deposit.object(archived).await?;
    deposit.bucket.books(|books| books.archived.insert(name));
    deposit.desk.want_media(archived).await?;
    deposit.until_problem(Some("bucket_not_allowed")).await?;

    // Others are brought, put there and deleted all the same.
    assert_eq!(deposit.desk.want_media(other).await?, wanted(), "it says nothing of the others");
    deposit.brought(other).await?;
    let (third, fourth) = (deposit.receive("três").await?, deposit.receive("quatro").await?);
    eventually("they go there", async || Ok(deposit.bucket.count() == 4)).await?;
    deposit.scene.run("delete from app.messages where body = 'dois'").await?;
    eventually("it is deleted", async || Ok(deposit.bucket.count() == 3)).await?;

    // It is not tried without end, and whoever wants it hears why it does not come.
    let place = async || deposit.desk.media_place(archived).await;
    eventually("it is said", async || Ok(place().await? == stuck("bucket_not_allowed"))).await?;
    let state = deposit.scene.tenant.bucket_state().await?.unwrap();
    assert_eq!((state.wanted, state.failing), (0, 1));
    deposit.bucket.books(|books| books.archived.clear());
    assert_eq!(deposit.desk.want_media(archived).await?, wanted());
    deposit.brought(archived).await?;

    // Neither does it stand in the way of those that leave the bucket.
    let name = deposit.object(third).await?;
    deposit.bucket.books(|books| books.archived.insert(name));
    assert!(deposit.scene.tenant.empty_bucket().await?);
    deposit.brought(fourth).await?;
    eventually("only one is left", async || Ok(deposit.scene.count("app.media_objects").await? == 1)).await?;
    assert_eq!(deposit.scene.tenant.abandon_bucket().await?, 1);
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_or_deleted_keeps_no_file_from_coming_back() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let message = deposit.receive("um").await?;
    deposit.used().await?;
    deposit.away().await?;
    let fails =
        |method: &'static str, fault: BucketFault| (0..1_000).for_each(|_| deposit.fails(method, fault.clone()));
    let works_again = async || {
        deposit.bucket.books(|books| books.next.clear());
        // As when somebody has tried again in the settings.
        deposit.used().await.map(drop)
    };
    fails("PUT", BucketFault::Answers(507, "XMinioStorageFull"));
    deposit.receive("dois").await?;
    deposit.until_problem(Some("bucket_full")).await?;
    assert_eq!(deposit.desk.want_media(message).await?, wanted());
    deposit.brought(message).await?;
    assert_eq!(deposit.problem().await?.as_deref(), Some("bucket_full"), "that it was read says nothing of it");
    works_again().await?;
    eventually("it goes there", async || Ok(deposit.bucket.count() == 2)).await?;
    deposit.until_problem(None).await?;

    fails("DELETE", BucketFault::Answers(403, "AccessDenied"));
    deposit.scene.run("delete from app.messages where body = 'um'").await?;
    deposit.until_problem(Some("bucket_not_allowed")).await?;
    let third = deposit.receive("três").await?;
    eventually("it goes there", async || Ok(deposit.bucket.count() == 3 && deposit.pieces().await? == 0)).await?;
    deposit.desk.want_media(third).await?;
    deposit.brought(third).await?;
    works_again().await?;
    eventually("it is deleted", async || Ok(deposit.scene.count("app.objects_gone").await? == 0)).await?;
    assert_eq!(deposit.bucket.count(), 2);
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_place_is_another_bucket_to_whoever_still_works_with_the_one_of_before() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    deposit.receive("um").await?;
    computer.stop().await;
    let (tenant, fence, keys) = (&deposit.scene.tenant, deposit.fence().await?, [vec![7; 32]]);
    let first = deposit.used().await?;
    assert_eq!(deposit.used().await?, first, "said again, it is the same");
    assert_eq!(tenant.begin_moving(fence, first, &keys).await?, 1);
    let file = tenant.object_to_move().await?.unwrap();

    // Its name was mistyped. Nothing was found there yet, so it is put right.
    let second = tenant.use_bucket(&deposit.bucket.endpoint(), "outro", REGION, 0).await?;
    assert_ne!(first, second);
    let left = (deposit.scene.count("app.media_objects").await?, deposit.scene.count("app.objects_gone").await?);
    assert_eq!(left, (0, 0));
    assert_eq!(tenant.begin_moving(fence, first, &keys).await?, 0);
    assert!(!tenant.object_moved(fence, first, &file).await?);
    assert_eq!(deposit.pieces().await?, 3, "it was put into another one");

    assert_eq!(tenant.begin_moving(fence, second, &keys).await?, 1);
    let file = tenant.object_to_move().await?.unwrap();
    assert!(tenant.object_moved(fence, second, &file).await?);
    assert_eq!(deposit.pieces().await?, 0);
    assert_eq!(deposit.used().await.unwrap_err().downcast::<Error>()?.constraint(), Some("buckets_in_use"));

    // Turned off, nothing goes there behind that.
    assert!(tenant.empty_bucket().await?);
    assert_eq!(tenant.begin_moving(fence, second, &keys).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_way_that_was_not_gone_to_its_end_are_no_file() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    let message = deposit.receive("um").await?;
    deposit.used().await?;
    deposit.away().await?;
    computer.stop().await;
    let (tenant, fence) = (&deposit.scene.tenant, deposit.fence().await?);
    deposit.desk.want_media(message).await?;
    let file = tenant.object_to_bring().await?.unwrap();
    let half = &jpeg()[..300_000];
    assert!(!tenant.object_brought(fence, &file, half).await?, "not all of it is here");
    assert_eq!(deposit.pieces().await?, 2);
    assert_ne!(deposit.desk.media_place(message).await?, Some(MediaPlace::Here));
    assert_eq!(deposit.desk.media(message).await?, None);
    // Whatever they are, they are no part of it when it comes.
    deposit.scene.run("update app.media_chunks set bytes = 'x'").await?;
    assert!(tenant.object_brought(fence, &file, &jpeg()).await?);
    deposit.brought(message).await?;

    // The bucket is given up while it is on its way.
    deposit.scene.run("update app.media_objects set brought_at = null; delete from app.media_chunks").await?;
    assert!(!tenant.object_brought(fence, &file, half).await?);
    assert_eq!(tenant.abandon_bucket().await?, 1);
    assert!(!tenant.object_brought(fence, &file, &jpeg()).await?, "there is no bucket");
    assert_eq!(deposit.pieces().await?, 0);
    // The gateway has it yet.
    assert!(tenant.fetch_media(message).await?);
    let computer = deposit.computer()?;
    deposit.brought(message).await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_be_sent_again_stays_and_comes_back_before_its_message_leaves() -> Result<()> {
    let deposit = Deposit::open().await?;
    let (scene, computer) = (&deposit.scene, deposit.computer()?);
    scene.gateway.receive("recepcao", &Incoming::text(PHONE, "oi"));
    eventually("the person is known", async || Ok(scene.bodies().await?.len() == 1)).await?;
    computer.stop().await;
    let id = write(scene, "image", "segue a guia", r#"{"file": "uploading"}"#).await?;
    // The gateway has taken it, and says later that it did not arrive.
    let becomes = async |what: &str| {
        let sql = format!(
            "set session_replication_role = replica; update app.messages set {what} where id = '{id}';
             set session_replication_role = origin"
        );
        scene.run(&sql).await
    };
    becomes("status = 'failed', gateway_id = '3AGONE'").await?;
    scene.tenant.offer_media(id, "image/jpeg", "guia.jpg", &jpeg()).await?;
    for (place, piece) in (0..).zip(jpeg().chunks(256 * 1024)) {
        scene.tenant.put_media_chunk(id, place, piece).await?;
    }
    assert!(scene.tenant.finish_media(id).await?);
    let computer = deposit.computer()?;
    deposit.used().await?;
    scene.settled().await?;
    assert_eq!((deposit.pieces().await?, deposit.bucket.count()), (3, 0), "somebody may want to send it again");
    becomes("sent_at = now() - interval '8 days'").await?;
    deposit.away().await?;

    assert!(scene.tenant.retry_message(id).await?);
    eventually("it goes out and is delivered", async || {
        Ok(scene.statuses().await?.iter().any(|(_, status)| status == "delivered"))
    })
    .await?;
    let sent = scene.gateway.sent();
    assert_eq!((sent.len(), sent[0].call.as_str(), sent[0].text.as_str()), (1, "sendMedia", "segue a guia"));
    assert_eq!(scene.tenant.media(id).await?.unwrap().bytes, jpeg());
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_the_database_filled_by_wanting_everything() -> Result<()> {
    let deposit = Deposit::open().await?;
    let (scene, computer) = (&deposit.scene, deposit.computer()?);
    let (first, second) = (deposit.receive("um").await?, deposit.receive("dois").await?);
    deposit.used().await?;
    eventually("both are there", async || Ok(deposit.pieces().await? == 0 && deposit.bucket.count() == 2)).await?;
    deposit.invent(500, 500).await?;
    let invented = "select media_id from app.media_objects where next_try_at = 'infinity'";
    let wait = format!("update app.media_objects set wanted_at = now() where media_id in ({invented} limit 50)");
    scene.run(&wait).await?;
    assert_eq!(deposit.desk.want_media(first).await?, Some(MediaPlace::Away), "fifty are waited for");
    assert_eq!(scene.tenant.want_media(first).await?, wanted(), "the owner may have everything brought back");
    deposit.brought(first).await?;
    let one = format!("({invented} and wanted_at is not null limit 1)");
    scene.run(&format!("update app.media_objects set wanted_at = null where media_id = {one}")).await?;
    assert_eq!(deposit.desk.want_media(second).await?, wanted());
    deposit.brought(second).await?;

    let came =
        format!("update app.media_objects set wanted_at = null, brought_at = now() where media_id in ({invented})");
    scene.run(&came).await?;
    scene
        .run(
            "update app.media_objects set brought_at = null where next_try_at < 'infinity';
             delete from app.media_chunks",
        )
        .await?;
    assert_eq!(deposit.desk.want_media(first).await?, Some(MediaPlace::Away), "five hundred came within an hour");
    assert_eq!(scene.tenant.want_media(first).await?, wanted());
    deposit.brought(first).await?;
    computer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_files_are_counted_no_further_than_anybody_reads_and_given_up_step_by_step() -> Result<()> {
    let deposit = Deposit::open().await?;
    let computer = deposit.computer()?;
    deposit.receive("um").await?;
    computer.stop().await;
    deposit.used().await?;
    deposit.invent(12_000, 1_500).await?;
    let state = deposit.scene.tenant.bucket_state().await?.unwrap();
    assert_eq!((state.files, state.leaving), (1_500, 10_001));
    assert_eq!(deposit.scene.tenant.abandon_bucket().await?, 1_500);
    assert_eq!(deposit.scene.tenant.bucket().await?, None);
    assert_eq!(deposit.scene.count("app.media where problem = 'bucket_lost'").await?, 1_500);
    let told = "select string_agg(new_values ->> 'files', ' ' order by at) from app.audit_logs where action = 'bucket_abandoned'";
    assert_eq!(deposit.scene.text(told).await?.as_deref(), Some("1000 500"));
    assert_eq!(deposit.scene.tenant.abandon_bucket().await?, 0, "there is none");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_without_the_key_says_so_until_it_is_given_one() -> Result<()> {
    let mut deposit = Deposit::open().await?;
    let first = deposit.computer()?;
    let message = deposit.receive("a consulta").await?;
    deposit.used().await?;
    deposit.away().await?;
    first.stop().await;
    // Another computer is elected, which was never given the key.
    deposit.place = deposit.scene.place().await?;
    let second = deposit.computer()?;
    deposit.until_problem(Some("bucket_no_key")).await?;
    assert_eq!(deposit.desk.want_media(message).await?, stuck("bucket_no_key"));
    deposit.scene.give_bucket_key(deposit.place.0, "only one line").await?;
    deposit.until_problem(Some("bucket_bad_key")).await?;
    deposit.scene.give_bucket_key(deposit.place.0, &format!("AKIDOTHER\n{SECRET}")).await?;
    deposit.until_problem(Some("bucket_key_unknown")).await?;
    deposit.give_key().await?;
    deposit.until_problem(None).await?;
    deposit.brought(message).await?;
    second.stop().await;
    Ok(())
}
