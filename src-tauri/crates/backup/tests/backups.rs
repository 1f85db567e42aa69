//! Backups of real databases: made, tried, lost and brought back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clinic;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use balcao_backup::{Archive, BackupError, Step, Watch, Words, list, make, restore, verify};
use balcao_keychain::Secret;
use balcao_tenant::Tenant;
use balcao_testkit::database::{EmptyDatabase, TestDatabase, log_in, server, servers};
use clinic::{NAMES, RIGHTS, binaries, look, now, open_folder, rows, sample_clinic, tables};

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_comes_back_whole_on_a_new_computer_and_its_old_logins_do_not() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (folder, words) = (tempfile::tempdir()?, Words::draw()?);
    let admin = Secret::new(clinic.admin_url());
    let made = make(&binaries(), &admin, folder.path(), &words, now(), &Watch::silent()).await?;
    assert_eq!(list(folder.path())?, std::slice::from_ref(&made));
    let before = tables(clinic.admin_url()).await?;
    assert!(made.manifest.rows > 5_000, "the sample is in it: {}", made.manifest.rows);
    let rights = rows(clinic.admin_url(), RIGHTS).await?;
    assert!(rights.len() > 300, "{}", rights.len());
    let old_epoch = look(clinic.admin_url(), "select epoch::text from internal.feed").await?;
    let old_owner = clinic.owner().clone();

    let archive = Archive::open(&made.path, &words)?;
    let scratch = open_folder();
    verify(&binaries(), &archive, scratch.path(), &Watch::silent()).await?;
    assert_eq!(fs::read_dir(scratch.path())?.count(), 0, "the trial leaves nothing");

    // The computer is lost; on another one there is a server with no role of the old one.
    drop(clinic);
    let elsewhere = clinic::NewComputer::start().await?;
    let admin = elsewhere.database().await?;
    let restored = restore(&binaries(), &archive, &admin, &Watch::silent()).await?;
    let after = tables(admin.expose()).await?;
    let names = |tables: &[(String, i64, String)]| tables.iter().map(|table| table.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    for (before, after) in before.iter().zip(&after) {
        match before.0.as_str() {
            // One new login; the old ones are there and worth nothing.
            "internal.logins" => assert_eq!(after.1, before.1 + 1),
            "internal.feed" => assert_ne!(after.2, before.2),
            // Every desk copies anew.
            "internal.feed_marks" => {}
            // That the logins ended and one was made is written down.
            "app.audit_logs" => assert!(after.1 > before.1),
            _ => assert_eq!(after, before),
        }
    }
    assert_eq!(
        rows(admin.expose(), RIGHTS).await?,
        rights,
        "everybody may do what they might, and nobody anything else"
    );
    assert_ne!(look(admin.expose(), "select epoch::text from internal.feed").await?, old_epoch);
    let alive = "select string_agg(login, ',') from internal.logins where revoked_at is null";
    assert_eq!(look(admin.expose(), alive).await?, restored.clinics[0].owner.login);
    let ahead = "select count(*)::text from app.messages where change_xid >= pg_snapshot_xmin(pg_current_snapshot())";
    assert_eq!(look(admin.expose(), ahead).await?, "0", "nothing is sent again with every pull");

    let owner = log_in(&restored.clinics[0].owner).await?;
    assert_eq!(owner.whoami().await?.clinic_name, restored.clinics[0].clinic_name);
    let mut address = restored.clinics[0].owner.address.clone();
    address.user = old_owner.login;
    let refused = Tenant::connect(&address, old_owner.password.as_deref().unwrap(), "test").await;
    assert!(refused.is_err(), "the old owner's login is of the old server");
    owner.close().await;
    elsewhere.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_moves_to_a_managed_database_whose_administrator_is_no_superuser() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (folder, words) = (tempfile::tempdir()?, Words::draw()?);
    let watch = Watch::silent();
    let made = make(&binaries(), &Secret::new(clinic.admin_url()), folder.path(), &words, now(), &watch).await?;
    let managed = clinic::Managed::make().await?;
    let archive = Archive::open(&made.path, &words)?;
    let restored = restore(&binaries(), &archive, &managed.admin_url, &watch).await?;
    for (before, after) in tables(clinic.admin_url()).await?.iter().zip(&tables(managed.superuser_url()).await?) {
        // The owner's new login is written down.
        if !before.0.starts_with("internal.") && before.0 != "app.audit_logs" {
            assert_eq!(after, before);
        }
    }
    let owner = log_in(&restored.clinics[0].owner).await?;
    assert_eq!(owner.whoami().await?.clinic_id, clinic.clinic_id());
    let powers = "select string_agg(distinct pg_get_userbyid(proowner), ',' order by pg_get_userbyid(proowner))
                  from pg_proc where pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and prosecdef";
    let theirs = look(managed.superuser_url(), powers).await?;
    let ours = look(clinic.admin_url(), powers).await?;
    assert_eq!(theirs.replace(&managed.admin, "balcao_superuser"), ours, "functions keep the rights they run with");
    let creating = "select count(*)::text from pg_namespace n, unnest(array['balcao_definer', 'balcao_gatekeeper']) r
                    where nspname in ('app', 'internal') and has_schema_privilege(r, n.oid, 'create')";
    assert_eq!(look(managed.superuser_url(), creating).await?, "0", "what was lent for the move is taken back");

    // What stands there already is not touched.
    let again = restore(&binaries(), &archive, &managed.admin_url, &watch).await.unwrap_err();
    assert_eq!(again.code(), "invalid_request");
    owner.close().await;
    drop(owner);
    managed.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_moves_between_every_two_versions_of_servers() -> Result<()> {
    let (folder, words, watch) = (tempfile::tempdir()?, Words::draw()?, Watch::silent());
    for from in servers().await? {
        let clinic = TestDatabase::fresh_on(&from).await?;
        let admin = Secret::new(clinic.admin_url());
        let made = make(&binaries(), &admin, folder.path(), &words, now(), &watch).await?;
        let before = tables(clinic.admin_url()).await?;
        for into in servers().await? {
            let empty = EmptyDatabase::on(&into).await?;
            let archive = Archive::open(&made.path, &words)?;
            let restored = restore(&binaries(), &archive, &Secret::new(empty.admin_url()), &watch).await?;
            for (before, after) in before.iter().zip(&tables(empty.admin_url()).await?) {
                // The owner's new login is written down.
                if !before.0.starts_with("internal.") && before.0 != "app.audit_logs" {
                    assert_eq!(after, before);
                }
            }
            let owner = log_in(&restored.clinics[0].owner).await?;
            assert_eq!(owner.whoami().await?.clinic_id, clinic.clinic_id());
            owner.close().await;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_clinic_is_plain_on_the_disk_of_its_backup() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (folder, words) = (tempfile::tempdir()?, Words::draw()?);
    make(&binaries(), &Secret::new(clinic.admin_url()), folder.path(), &words, now(), &Watch::silent()).await?;
    let names = rows(clinic.admin_url(), NAMES).await?;
    assert!(names.len() > 100);
    let mut secrets: Vec<&str> = names.iter().map(String::as_str).collect();
    secrets.extend(["COPY app", "PGDMP", words.secret().expose()]);
    let mut read = 0;
    for entry in fs::read_dir(folder.path())? {
        let bytes = fs::read(entry?.path())?;
        read += bytes.len();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is there to be read");
        }
    }
    assert!(read > 100_000, "{read} bytes were looked at");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_altered_cut_off_or_opened_with_other_words_says_so_and_changes_nothing() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (folder, words) = (tempfile::tempdir()?, Words::draw()?);
    let watch = Watch::silent();
    let made = make(&binaries(), &Secret::new(clinic.admin_url()), folder.path(), &words, now(), &watch).await?;
    assert!(matches!(Archive::open(&made.path, &Words::draw()?), Err(BackupError::WrongWords)));
    let stranger = folder.path().join("foto.balcao-backup");
    fs::write(&stranger, b"\xff\xd8\xff\xe0 a picture")?;
    assert!(matches!(Archive::open(&stranger, &words), Err(BackupError::NotABackup { .. })));

    let whole = fs::read(&made.path)?;
    let empty = EmptyDatabase::on(server().await?).await?;
    let admin = Secret::new(empty.admin_url());
    for (what, bytes) in [
        ("a bit in the middle", flipped(&whole, whole.len() / 2)),
        ("a bit near the end", flipped(&whole, whole.len() - 40)),
        ("cut off", whole[..whole.len() * 2 / 3].to_vec()),
        ("a whole piece missing at the end", whole[..whole.len() - whole.len() % 65_552].to_vec()),
    ] {
        // Without the manifest beside it, which would tell at once.
        let altered = folder.path().join("altered.balcao-backup");
        fs::write(&altered, bytes)?;
        let outcome = match Archive::open(&altered, &words) {
            Ok(archive) => restore(&binaries(), &archive, &admin, &watch).await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(matches!(outcome, Err(BackupError::Damaged { .. })), "{what}: {outcome:?}");
        assert_eq!(tables(empty.admin_url()).await?, [], "{what}");
    }
    fs::write(&made.path, flipped(&whole, whole.len() / 2))?;
    let archive = Archive::open(&made.path, &words)?;
    let scratch = open_folder();
    let outcome = verify(&binaries(), &archive, scratch.path(), &watch).await;
    assert!(matches!(outcome, Err(BackupError::Damaged { .. })), "{outcome:?}");
    Ok(())
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_gone_or_full_is_told_and_leaves_nothing_half_written() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (words, admin) = (Words::draw()?, Secret::new(clinic.admin_url()));
    let folder = tempfile::tempdir()?;
    let gone = folder.path().join("pendrive");
    let outcome = make(&binaries(), &admin, &gone, &words, now(), &Watch::silent()).await;
    assert!(matches!(outcome, Err(BackupError::FolderMissing { .. })), "{outcome:?}");

    #[cfg(target_os = "linux")]
    if let Some(small) = clinic::SmallDisk::mount() {
        let outcome = make(&binaries(), &admin, small.path(), &words, now(), &Watch::silent()).await;
        assert!(matches!(outcome, Err(BackupError::FolderFull { .. })), "{outcome:?}");
        assert_eq!(files(small.path()), Vec::<PathBuf>::new());
    }

    let (sender, cancel) = tokio::sync::watch::channel(false);
    let begun = Arc::new(AtomicBool::new(false));
    let seen = begun.clone();
    let told = move |progress: balcao_backup::Progress| {
        if progress.step == Step::Copy {
            seen.store(true, Ordering::SeqCst);
            sender.send_replace(true);
        }
    };
    let outcome = make(&binaries(), &admin, folder.path(), &words, now(), &Watch::new(told, cancel)).await;
    assert!(matches!(outcome, Err(BackupError::Cancelled)), "{outcome:?}");
    assert!(begun.load(Ordering::SeqCst));
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    Ok(())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_restore_can_be_done_again() -> Result<()> {
    let clinic = sample_clinic().await?;
    let (folder, words) = (tempfile::tempdir()?, Words::draw()?);
    let admin = Secret::new(clinic.admin_url());
    let made = make(&binaries(), &admin, folder.path(), &words, now(), &Watch::silent()).await?;
    let archive = Archive::open(&made.path, &words)?;
    let empty = EmptyDatabase::on(server().await?).await?;
    let into = Secret::new(empty.admin_url());
    let (sender, cancel) = tokio::sync::watch::channel(false);
    let told = move |progress: balcao_backup::Progress| {
        if progress.step == Step::Rows && progress.done > 500 {
            sender.send_replace(true);
        }
    };
    let outcome = restore(&binaries(), &archive, &into, &Watch::new(told, cancel)).await;
    assert!(matches!(outcome, Err(BackupError::Cancelled)), "{outcome:?}");
    assert_eq!(tables(empty.admin_url()).await?, []);
    let restored = restore(&binaries(), &archive, &into, &Watch::silent()).await?;
    assert_eq!(restored.clinics[0].clinic_id, clinic.clinic_id());
    Ok(())
}
