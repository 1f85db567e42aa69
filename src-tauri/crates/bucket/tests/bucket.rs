//! A bucket over HTTP, with everything that real ones do instead of answering.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use balcao_bucket::{Bucket, BucketKey, Found, Place, Timing, Trouble};
use balcao_testkit::bucket::{BUCKET, BucketFault, FakeBucket, KEY_ID, REGION, SECRET};
use chrono::TimeDelta;
use uuid::Uuid;

fn quick() -> Timing {
    Timing { connect: Duration::from_secs(2), answer: Duration::from_millis(600), ..Timing::default() }
}

fn open(endpoint: &str, bucket: &str, region: &str, key_id: &str) -> Bucket {
    let place = Place::parse(endpoint, bucket, region).unwrap();
    Bucket::open(&place, &BucketKey::new(key_id, SECRET).unwrap(), quick()).unwrap()
}

fn ours(fake: &FakeBucket) -> Bucket {
    open(&fake.endpoint(), BUCKET, REGION, KEY_ID)
}

#[tokio::test]
async fn an_object_is_put_read_and_deleted_and_no_key_goes_into_an_address() {
    let fake = FakeBucket::start().await.unwrap();
    let bucket = ours(&fake);
    for size in [1, 300_000, 5_000_000] {
        let object: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
        bucket.put("a/1", object.clone()).await.unwrap();
        assert_eq!(bucket.get("a/1", object.len()).await.unwrap(), object);
    }
    assert_eq!(fake.books(|books| books.objects.keys().cloned().collect::<Vec<_>>()), ["a/1"]);
    bucket.delete("a/1").await.unwrap();
    bucket.delete("a/1").await.unwrap();
    assert_eq!(bucket.get("a/1", 0).await, Err(Trouble::NoObject));
    assert_eq!(fake.count(), 0);
    assert!(!format!("{bucket:?}").contains(KEY_ID), "{bucket:?}");
}

#[tokio::test]
async fn every_trouble_is_told_apart_and_nothing_is_asked_twice() {
    let fake = FakeBucket::start().await.unwrap();
    let bucket = ours(&fake);
    for (fault, trouble) in [
        (BucketFault::Answers(403, "SignatureDoesNotMatch"), Trouble::KeyRefused),
        (BucketFault::Answers(403, "AccessDenied"), Trouble::NotAllowed),
        (BucketFault::Answers(503, "SlowDown"), Trouble::Busy),
        (BucketFault::Answers(500, "InternalError"), Trouble::Fails),
        (BucketFault::Answers(507, "XMinioStorageFull"), Trouble::Full),
        (BucketFault::Answers(301, "PermanentRedirect"), Trouble::WrongRegion),
        (BucketFault::Answers(418, "Teapot"), Trouble::NotAStorage),
        (BucketFault::Hangs(Duration::from_secs(5)), Trouble::TooSlow),
        (BucketFault::Breaks, Trouble::Unreachable),
    ] {
        fake.books(|books| books.next.push_back(("PUT", fault.clone())));
        assert_eq!(bucket.put("a/2", vec![7; 10]).await, Err(trouble), "{fault:?}");
    }
    assert_eq!(fake.books(|books| books.asked.len()), 1, "only the one whose line broke was heard");

    for ahead in [16, -16] {
        fake.books(|books| books.ahead = TimeDelta::minutes(ahead));
        assert_eq!(bucket.get("a/2", 0).await, Err(Trouble::ClockWrong));
    }
    fake.books(|books| books.ahead = TimeDelta::minutes(14));
    assert!(bucket.get("a/2", 10).await.is_ok());
    fake.books(|books| books.ahead = TimeDelta::minutes(0));

    assert_eq!(open(&fake.endpoint(), "outro", REGION, KEY_ID).get("a", 0).await, Err(Trouble::NoBucket));
    assert_eq!(open(&fake.endpoint(), BUCKET, "auto", KEY_ID).get("a", 0).await, Err(Trouble::WrongRegion));
    assert_eq!(open(&fake.endpoint(), BUCKET, REGION, "OTHER").get("a", 0).await, Err(Trouble::KeyUnknown));
    fake.stop();
    assert_eq!(bucket.get("a/2", 0).await, Err(Trouble::Unreachable));
    fake.start_again().await.unwrap();
    assert!(bucket.get("a/2", 10).await.is_ok());
}

#[tokio::test]
async fn a_page_of_a_proxy_that_finds_nothing_is_no_word_about_an_object() {
    let fake = FakeBucket::start().await.unwrap();
    let bucket = ours(&fake);
    bucket.put("a/3", vec![7; 10]).await.unwrap();
    fake.books(|books| books.always = Some(BucketFault::Answers(404, "")));
    assert_eq!(bucket.get("a/3", 10).await, Err(Trouble::NotAStorage));
    assert_eq!(bucket.delete("a/3").await, Err(Trouble::NotAStorage), "it is still there");
    fake.books(|books| books.always = None);
    assert_eq!(bucket.get("a/3", 10).await.unwrap(), [7; 10]);
}

/// The steps that were taken, and the one that was wrong.
async fn tried(bucket: &Bucket) -> (Vec<&'static str>, Option<(&'static str, Trouble)>) {
    let (mut fine, mut wrong) = (Vec::new(), None);
    let well = bucket
        .try_out(Uuid::new_v4(), |step, found| match found {
            Found::Looking => {}
            Found::Fine(_) => fine.push(step.as_str()),
            Found::Wrong(trouble) => wrong = Some((step.as_str(), trouble)),
        })
        .await;
    assert_eq!(well, wrong.is_none());
    (fine, wrong)
}

#[tokio::test]
async fn a_trial_says_at_which_step_it_ends_and_leaves_nothing_there() {
    let fake = FakeBucket::start().await.unwrap();
    let bucket = ours(&fake);
    let all = ["name", "tls", "key", "write", "read", "delete"];
    assert_eq!(tried(&bucket).await, (all.to_vec(), None));
    assert_eq!(fake.count(), 0);
    // A key that may not list.
    fake.books(|books| books.next.push_back(("GET", BucketFault::Answers(403, "AccessDenied"))));
    assert_eq!(tried(&bucket).await, (all.to_vec(), None));

    for (method, fault, taken, step, trouble) in [
        ("GET", BucketFault::Answers(403, "SignatureDoesNotMatch"), 2, "key", Trouble::KeyRefused),
        ("GET", BucketFault::Answers(404, "NoSuchBucket"), 2, "key", Trouble::NoBucket),
        ("GET", BucketFault::Answers(200, "Hello"), 2, "key", Trouble::NotAStorage),
        ("PUT", BucketFault::Answers(403, "AccessDenied"), 3, "write", Trouble::NotAllowed),
        ("DELETE", BucketFault::Answers(403, "AccessDenied"), 5, "delete", Trouble::NotAllowed),
    ] {
        fake.books(|books| books.next.push_back((method, fault.clone())));
        assert_eq!(tried(&bucket).await, (all[..taken].to_vec(), Some((step, trouble))), "{fault:?}");
    }
    fake.books(|books| books.objects.clear());
    fake.books(|books| {
        books.next.extend([("GET", BucketFault::Answers(404, "NoSuchKey")), ("GET", BucketFault::Changes)]);
    });
    assert_eq!(tried(&bucket).await, (all[..4].to_vec(), Some(("read", Trouble::Changed))));
    assert_eq!(fake.count(), 0);

    fake.stop();
    assert_eq!(tried(&bucket).await, (vec!["name"], Some(("tls", Trouble::Unreachable))));
    let nowhere = open("https://deposito.invalid", BUCKET, REGION, KEY_ID);
    assert_eq!(tried(&nowhere).await, (vec![], Some(("name", Trouble::NoSuchName))));
    let in_the_clear = FakeBucket::start().await.unwrap();
    let encrypted = in_the_clear.endpoint().replacen("http://", "https://", 1);
    let (fine, wrong) = tried(&open(&encrypted, BUCKET, REGION, KEY_ID)).await;
    assert_eq!((fine, wrong.unwrap().0), (vec!["name"], "tls"));
}
