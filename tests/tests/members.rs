//! Inviting, coming, other roles and sending away, with the desks' own logins on real servers.

use std::time::Duration;

use anyhow::{Context as _, Result};
use balcao_domain::clock::Clock;
use balcao_tenant::members::{
    Computer, Invitation, Invite, Member, NewComer, Team, TeamChange, TeamRefusal, new_password,
};
use balcao_tenant::provision::Connection;
use balcao_tenant::{Address, Error, Role, Tenant};
use balcao_testkit::database::{TestDatabase, log_in, servers};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

const WORKING: [Role; 3] = [Role::Attendant, Role::Professional, Role::Viewer];

fn computer(name: &str) -> Computer {
    Computer { name: name.to_owned(), platform: "linux".to_owned(), app_version: "1.2.3".to_owned() }
}

fn person(name: &str, role: Role) -> Invite {
    Invite::Person(NewComer { name: name.to_owned(), email: None, role, agenda: None })
}

async fn invited(by: &Tenant, whom: &Invite) -> Result<Invitation> {
    let made = by.invite(whom, None, by.address(), Clock::System.now()).await?;
    Ok(made.map_err(|refusal| anyhow::anyhow!("{refusal}"))?.invitation)
}

/// Accepts and connects.
async fn come(invitation: &Invitation, name: &str) -> Result<Tenant> {
    let password = new_password();
    let answer = invitation.accept(&password, &computer(name), "balcao-test").await?;
    assert_eq!(answer, Ok(()));
    Ok(Tenant::connect(&invitation.address, &password, "balcao-test").await?)
}

fn member<'t>(team: &'t Team, name: &str) -> &'t Member {
    team.members.iter().find(|member| member.name == name).unwrap_or_else(|| panic!("{name} is not in {team:?}"))
}

/// A connection for statements that the program would never send.
async fn raw(address: &Address, password: &str) -> Result<PgConnection> {
    Ok(PgConnection::connect(&address.to_url().replacen('@', &format!(":{password}@"), 1)).await?)
}

async fn raw_of(connection: &Connection) -> Result<PgConnection> {
    raw(&connection.address, connection.password.as_deref().unwrap_or_default()).await
}

async fn sqlstate(connection: &mut PgConnection, sql: &str) -> Option<String> {
    let error = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.err()?;
    Some(error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned()).unwrap_or_default())
}

#[tokio::test]
async fn who_is_invited_comes_once_and_what_was_handed_over_is_worth_nothing_afterwards() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let invitation = invited(&owner, &person("Ana", Role::Attendant)).await?;
        assert_eq!((invitation.member_name.as_str(), invitation.clinic_name.as_str()), ("Ana", "Clínica Teste"));
        let waiting = owner.team().await?;
        assert_eq!(waiting.invitations.len(), 1);
        assert!(!waiting.members.iter().any(|member| member.name == "Ana"), "who has not come is no member yet");

        // Whoever has the invitation and does not accept it has nothing.
        let early = Tenant::connect(&invitation.address, &invitation.password, "balcao-test").await.err();
        assert_eq!(early, Some(Error::NotPermitted));
        let mut thief = raw(&invitation.address, &invitation.password).await?;
        for sql in [
            "select from app.clinics",
            "select from app.contacts",
            "select app.list_team()",
            "select app.current_clinic()",
        ] {
            assert_eq!(sqlstate(&mut thief, sql).await.as_deref(), Some("42501"), "{sql}");
        }

        let ana = come(&invitation, "Recepção 2").await?;
        let me = ana.whoami().await?;
        assert_eq!((me.member_name.as_str(), me.role), ("Ana", Role::Attendant));
        let again = invitation.accept(&new_password(), &computer("Cópia"), "balcao-test").await;
        assert_eq!(again, Err(Error::WrongPassword), "its password is dead");
        let left = sqlx::query_scalar::<_, String>(
            "select app.accept_invitation('SCRAM-SHA-256$4096:QkJCQkJCQkJCQkJCQkJCQg==$QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=', 'x', 'x', 'x')",
        )
        .fetch_one(&mut thief)
        .await;
        assert!(left.is_err(), "a session that was open before has no right to it any more: {left:?}");

        let team = owner.team().await?;
        assert!(team.invitations.is_empty());
        let computers = &member(&team, "Ana").computers;
        assert_eq!(computers.len(), 1);
        assert_eq!(computers[0].name.as_deref(), Some("Recepção 2"));
        assert!(
            computers[0].last_seen_at.is_some_and(|at| (Clock::System.now() - at).num_minutes() < 5),
            "{computers:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_was_lost_does_not_lose_the_invitation() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let invitation = invited(&owner, &person("Ana", Role::Attendant)).await?;
        let password = new_password();
        for _same in 0..2 {
            let answer = invitation.accept(&password, &computer("Recepção"), "balcao-test").await?;
            assert_eq!(answer, Ok(()), "the same call with the same password tells that it was accepted");
        }
        assert_eq!(member(&owner.team().await?, "Ana").computers.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_invitation_that_expired_or_was_taken_back_lets_nobody_in() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;

        let expired = invited(&owner, &person("Ana", Role::Attendant)).await?;
        let mut inside = raw(&expired.address, &expired.password).await?;
        let sql = format!(
            "alter role \"{login}\" valid until 'yesterday';
             update internal.invitations set expires_at = now() - interval '1 minute' where login = '{login}'",
            login = expired.address.user
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut administrator).await?;
        let refused = expired.accept(&new_password(), &computer("x"), "balcao-test").await;
        assert_eq!(refused, Err(Error::WrongPassword), "the server itself does not admit it");
        let why: String = sqlx::query_scalar("select app.invitation_refusal()").fetch_one(&mut inside).await?;
        assert_eq!(why, "expired", "also for a session that began in time");

        let cancelled =
            owner.invite(&person("Rui", Role::Viewer), None, owner.address(), Clock::System.now()).await?.unwrap();
        owner.change_team(TeamChange::CancelInvitation(cancelled.id)).await?.unwrap();
        let refused = cancelled.invitation.accept(&new_password(), &computer("x"), "balcao-test").await;
        assert_eq!(refused, Err(Error::WrongPassword));
        let again = owner.change_team(TeamChange::CancelInvitation(cancelled.id)).await?;
        assert_eq!(again, Err(TeamRefusal::Gone));

        // What nobody came with is swept away by the next one.
        invited(&owner, &person("Bia", Role::Viewer)).await?;
        let left: i64 = sqlx::query_scalar("select count(*) from pg_roles where rolname = $1")
            .bind(&expired.address.user)
            .fetch_one(&mut administrator)
            .await?;
        assert_eq!(left, 0, "roles do not pile up on the server");
        assert_eq!(owner.team().await?.invitations.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_member_gets_a_further_computer_and_loses_only_that_one() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let first = come(&invited(&owner, &person("Ana", Role::Attendant)).await?, "Recepção").await?;
        let id = member(&owner.team().await?, "Ana").id;
        let invitation = invited(&owner, &Invite::Computer { member_id: id }).await?;
        assert_eq!(invitation.member_name, "Ana");
        let second = come(&invitation, "Notebook").await?;
        assert_eq!(second.whoami().await?.member_id, first.whoami().await?.member_id);

        let mut listening = raw(&invitation.address, "x").await.err();
        assert!(listening.take().is_some(), "nobody comes with another password");
        let team = owner.team().await?;
        let notebook = member(&team, "Ana").computers.iter().find(|c| c.name.as_deref() == Some("Notebook")).unwrap();
        owner.change_team(TeamChange::RevokeDevice(notebook.id.unwrap())).await?.unwrap();
        let lost =
            tokio::time::timeout(Duration::from_secs(5), second.whoami()).await.context("a session that hangs")?;
        assert!(lost.is_err(), "its session has ended");
        assert_eq!(
            Tenant::connect(second.address(), "wrong", "balcao-test").await.err(),
            Some(Error::WrongPassword),
            "what it hears with a wrong password is not that it was sent away"
        );
        assert_eq!(first.whoami().await?.member_name, "Ana", "the other computer works on");
        let again = owner.change_team(TeamChange::RevokeDevice(notebook.id.unwrap())).await?;
        assert_eq!(again, Err(TeamRefusal::Gone));
        assert_eq!(member(&owner.team().await?, "Ana").computers.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn who_is_sent_away_is_told_so_on_every_computer_at_once() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let invitation = invited(&owner, &person("Ana", Role::Attendant)).await?;
        let password = new_password();
        invitation.accept(&password, &computer("Recepção"), "balcao-test").await?.unwrap();
        let mut session = raw(&invitation.address, &password).await?;
        let id = member(&owner.team().await?, "Ana").id;
        owner.change_team(TeamChange::RevokeMember(id)).await?.unwrap();
        assert!(sqlx::query("select 1").execute(&mut session).await.is_err(), "the session has ended");
        let told = Tenant::connect(&invitation.address, &password, "balcao-test").await.err();
        assert_eq!(told, Some(Error::LoginRevoked), "only then does a desk destroy its copy");
        assert!(!owner.team().await?.members.iter().any(|member| member.id == id));
        let further =
            owner.invite(&Invite::Computer { member_id: id }, None, owner.address(), Clock::System.now()).await?;
        assert_eq!(further, Err(TeamRefusal::MemberGone));
    }
    Ok(())
}

#[tokio::test]
async fn a_role_changes_on_all_computers_and_a_clinic_is_never_without_an_owner() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let me = owner.whoami().await?.member_id;
        let ana = come(&invited(&owner, &person("Ana", Role::Viewer)).await?, "Recepção").await?;
        let id = member(&owner.team().await?, "Ana").id;
        let change = |member_id, role| TeamChange::ChangeRole { member_id, role, agenda: None };

        assert_eq!(owner.change_team(change(me, Role::Admin)).await?, Err(TeamRefusal::LastOwner));
        assert_eq!(owner.change_team(TeamChange::RevokeMember(me)).await?, Err(TeamRefusal::OwnMember));
        let mine = owner.team().await?.members[0].computers[0].id.unwrap();
        assert_eq!(owner.change_team(TeamChange::RevokeDevice(mine)).await?, Err(TeamRefusal::OwnDevice));

        assert_eq!(ana.team().await, Err(Error::NotPermitted));
        owner.change_team(change(id, Role::Admin)).await?.unwrap();
        assert_eq!(ana.team().await?.role, Role::Admin, "in the session that is open");
        assert_eq!(ana.whoami().await?.role, Role::Admin);
        owner.change_team(change(id, Role::Owner)).await?.unwrap();
        owner.change_team(change(me, Role::Attendant)).await?.unwrap();
        assert_eq!(owner.team().await, Err(Error::NotPermitted), "an owner may step down where there is another");
        assert_eq!(ana.change_team(change(id, Role::Admin)).await?, Err(TeamRefusal::LastOwner));

        let wrong: i64 = {
            let mut administrator = PgConnection::connect(database.admin_url()).await?;
            sqlx::query_scalar(
                "select count(*) from internal.logins l join pg_roles r on r.rolname = l.login
                 where 'balcao_' || l.role <> (select string_agg(g.rolname, ',') from pg_auth_members m
                                               join pg_roles g on g.oid = m.roleid where m.member = r.oid)",
            )
            .fetch_one(&mut administrator)
            .await?
        };
        assert_eq!(wrong, 0, "each login is in the group of its role and in no other");
    }
    Ok(())
}

#[tokio::test]
async fn two_owners_cannot_send_one_another_away_at_once() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let one = log_in(database.owner()).await?;
        let other = come(&invited(&one, &person("Sócia", Role::Owner)).await?, "Casa").await?;
        let (first, second) = (one.whoami().await?.member_id, other.whoami().await?.member_id);
        let (left, right) = tokio::join!(
            one.change_team(TeamChange::RevokeMember(second)),
            other.change_team(TeamChange::RevokeMember(first))
        );
        let done = [&left, &right].iter().filter(|answer| matches!(answer, Ok(Ok(())))).count();
        assert_eq!(done, 1, "{left:?} {right:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_admin_decides_about_those_who_work_and_nobody_else() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let admin = come(&invited(&owner, &person("Ada", Role::Admin)).await?, "Gerência").await?;
        let peer = come(&invited(&owner, &person("Bia", Role::Admin)).await?, "Gerência 2").await?;
        for role in [Role::Owner, Role::Admin, Role::Attendant, Role::Professional, Role::Viewer] {
            let made = invited(&admin, &person("Alguém", role)).await;
            assert_eq!(made.is_ok(), WORKING.contains(&role), "{role:?}: {made:?}");
        }
        let (boss, equal) = (owner.whoami().await?.member_id, peer.whoami().await?.member_id);
        let team = owner.team().await?;
        for id in [boss, equal] {
            let computer = team.members.iter().find(|member| member.id == id).unwrap().computers[0].id.unwrap();
            for change in [
                TeamChange::RevokeMember(id),
                TeamChange::RevokeDevice(computer),
                TeamChange::ChangeRole { member_id: id, role: Role::Viewer, agenda: None },
            ] {
                assert_eq!(admin.change_team(change).await, Err(Error::NotPermitted), "{change:?}");
            }
            let whom = Invite::Computer { member_id: id };
            let made = admin.invite(&whom, None, admin.address(), Clock::System.now()).await;
            assert_eq!(made, Err(Error::NotPermitted), "a further computer of another is a way to be the other");
        }
        let ana =
            come(&invited(&admin, &person("Ana", Role::Viewer)).await?, "Recepção").await?.whoami().await?.member_id;
        for role in [Role::Owner, Role::Admin] {
            let up = TeamChange::ChangeRole { member_id: ana, role, agenda: None };
            assert_eq!(admin.change_team(up).await, Err(Error::NotPermitted));
        }
        let own =
            TeamChange::ChangeRole { member_id: admin.whoami().await?.member_id, role: Role::Owner, agenda: None };
        assert_eq!(admin.change_team(own).await, Err(Error::NotPermitted));
        admin.change_team(TeamChange::RevokeMember(ana)).await?.unwrap();
    }
    Ok(())
}

#[tokio::test]
async fn whoever_only_works_in_the_clinic_and_whoever_is_of_another_one_changes_nothing() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        owner.whoami().await?;
        let other = database.another_clinic("Outra").await?;
        let stranger = log_in(&other.owner).await?;
        let invitation =
            owner.invite(&person("Ana", Role::Attendant), None, owner.address(), Clock::System.now()).await?.unwrap();
        let theirs = owner.team().await?.members[0].clone();
        stranger.whoami().await?;
        assert_eq!(stranger.team().await?.members.len(), 1, "each clinic sees its own");
        let computer = theirs.computers[0].id.unwrap();
        for (change, refusal) in [
            (TeamChange::RevokeMember(theirs.id), TeamRefusal::MemberGone),
            (TeamChange::RevokeDevice(computer), TeamRefusal::Gone),
            (TeamChange::CancelInvitation(invitation.id), TeamRefusal::Gone),
            (
                TeamChange::ChangeRole { member_id: theirs.id, role: Role::Viewer, agenda: None },
                TeamRefusal::MemberGone,
            ),
        ] {
            assert_eq!(stranger.change_team(change).await?, Err(refusal), "as if it were not there: {change:?}");
        }
        let further = stranger
            .invite(&Invite::Computer { member_id: theirs.id }, None, stranger.address(), Clock::System.now())
            .await?;
        assert_eq!(further, Err(TeamRefusal::MemberGone));

        let verifier = "SCRAM-SHA-256$4096:QkJCQkJCQkJCQkJCQkJCQg==$QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";
        for role in [Role::Attendant, Role::Professional, Role::Viewer, Role::Agent] {
            let mut desk = raw_of(&database.add_member(role).await?).await?;
            for sql in [
                "select app.list_team()".to_owned(),
                format!("select app.invite_member('X', null, 'owner', null, null, null, '{verifier}')"),
                format!("select app.revoke_member('{}')", theirs.id),
                format!("select app.revoke_device('{computer}')"),
                format!("select app.change_role('{}', 'viewer')", theirs.id),
                format!("select app.cancel_invitation('{}')", invitation.id),
                "select app.end_revoked_sessions()".to_owned(),
                format!("select app.accept_invitation('{verifier}', 'x', 'x', 'x')"),
            ] {
                assert_eq!(sqlstate(&mut desk, &sql).await.as_deref(), Some("42501"), "{role:?}: {sql}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_gatekeeper_opens_nothing_but_the_clinics_own_doors() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let verifier = "SCRAM-SHA-256$4096:QkJCQkJCQkJCQkJCQkJCQg==$QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";
        let mut owner = raw_of(database.owner()).await?;
        for sql in [
            "set role balcao_gatekeeper",
            "set role balcao_invited",
            "create role balcao_mine",
            "grant balcao_gatekeeper to current_user",
            "select internal.make_login('balcao_0123456789abcdef', 'x', null, 'balcao_owner')",
            "select internal.set_verifier(session_user, 'x')",
            "select internal.end_sessions(array[session_user])",
            "call internal.entrust_gatekeeper()",
            "select from internal.invitations",
        ] {
            assert_eq!(sqlstate(&mut owner, sql).await.as_deref(), Some("42501"), "{sql}");
        }
        for (sql, refused) in [
            ("select app.invite_member('X', null, 'agent', null, null, null, '{v}')", "22023"),
            ("select app.invite_member('X', null, 'superuser', null, null, null, '{v}')", "22023"),
            ("select app.invite_member('X', null, null, null, null, null, '{v}')", "22023"),
            ("select app.invite_member('X', null, 'viewer', null, null, null, 'plain')", "22023"),
            ("select app.invite_member('X', null, 'viewer', null, null, null, '')", "22023"),
            ("select app.invite_member('X', null, 'viewer', null, null, null, null)", "22023"),
            (
                "select app.invite_member('X', null, 'viewer', null, null, null, '{v}'' superuser password ''x')",
                "22023",
            ),
            ("select app.invite_member('X', null, 'viewer', null, null, null, '{v}', 1000000)", "22023"),
            ("select app.invite_member('', null, 'viewer', null, null, null, '{v}')", "23514"),
            ("select app.change_role(app.current_member(), 'superuser')", "22023"),
        ] {
            let sql = sql.replace("{v}", verifier);
            assert_eq!(sqlstate(&mut owner, &sql).await.as_deref(), Some(refused), "{sql}");
        }
        // Names that are not of a clinic's login are refused by the functions that touch roles, whoever calls them.
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        for sql in [
            "select internal.set_verifier(current_user, '{v}')",
            "select internal.set_verifier('balcao_gatekeeper', '{v}')",
            "select internal.make_login('postgres', '{v}', null, 'balcao_owner')",
            "select internal.make_login('balcao_0123456789abcdef', '{v}', null, 'pg_read_all_data')",
            "select internal.change_group('balcao_definer', null, 'balcao_owner')",
            "select internal.change_group('balcao_0123456789abcdef', null, 'balcao_definer')",
            "select internal.remove_login('balcao_definer')",
        ] {
            let sql = sql.replace("{v}", verifier);
            assert_eq!(sqlstate(&mut administrator, &sql).await.as_deref(), Some("42501"), "{sql}");
        }
        let powers: Vec<String> = sqlx::query_scalar(
            "select rolname::text from pg_roles r where rolname ~ '^balcao_' and (rolsuper or rolbypassrls or rolcreatedb
             or rolreplication or (rolcreaterole and rolname <> 'balcao_gatekeeper') or (rolcanlogin and rolname !~ '^balcao_(superuser|test.*|[0-9a-f]{16})$'))
             and rolname <> current_user",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert_eq!(powers, Vec::<String>::new());
        let members: i64 = sqlx::query_scalar(
            "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member
             where m.roleid = 'balcao_gatekeeper'::regrole and r.rolname ~ '^balcao_'",
        )
        .fetch_one(&mut administrator)
        .await?;
        assert_eq!(members, 0, "nobody of a clinic becomes the gatekeeper");
    }
    Ok(())
}

#[tokio::test]
async fn one_clinic_does_not_fill_the_server_with_invitations() -> Result<()> {
    let database = TestDatabase::fresh().await?;
    let owner = log_in(database.owner()).await?;
    for count in 0..20 {
        invited(&owner, &person(&format!("Pessoa {count}"), Role::Viewer)).await?;
    }
    let more = owner.invite(&person("Mais uma", Role::Viewer), None, owner.address(), Clock::System.now()).await?;
    assert_eq!(more, Err(TeamRefusal::TooMany));
    Ok(())
}

#[tokio::test]
async fn an_agenda_is_one_members_and_an_address_is_one_members() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let owner = log_in(database.owner()).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let agenda: Uuid =
            sqlx::query_scalar("insert into app.professionals (clinic_id, name) values ($1, 'Dra. Lima') returning id")
                .bind(database.clinic_id())
                .fetch_one(&mut administrator)
                .await?;
        let lima = |name: &str, email: &str| {
            Invite::Person(NewComer {
                name: name.to_owned(),
                email: Some(email.to_owned()),
                role: Role::Professional,
                agenda: Some(agenda),
            })
        };
        assert_eq!(owner.team().await?.agendas.len(), 1);
        let first = invited(&owner, &lima("Dra. Lima", "lima@example.org")).await?;
        let taken =
            owner.invite(&lima("Outra", "outra@example.org"), None, owner.address(), Clock::System.now()).await?;
        assert_eq!(taken, Err(TeamRefusal::AgendaTaken));
        // Who was invited and did not come may be invited again.
        invited(&owner, &lima("Dra. Lima", "LIMA@example.org")).await?;
        let tenant = come(&first, "Consultório").await?;
        assert_eq!(tenant.whoami().await?.role, Role::Professional);
        let team = owner.team().await?;
        assert_eq!(member(&team, "Dra. Lima").professional.as_deref(), Some("Dra. Lima"));
        assert!(team.agendas.is_empty());
        let same =
            owner.invite(&lima("Dra. Lima", "lima@example.org"), None, owner.address(), Clock::System.now()).await?;
        assert_eq!(same, Err(TeamRefusal::EmailTaken));
    }
    Ok(())
}

#[tokio::test]
async fn sessions_that_stand_are_ended_also_where_nobody_could_give_away_the_rights_over_them() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let other = database.another_clinic("Outra clínica").await?;
        let agent = database.add_member(Role::Agent).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let source: String = sqlx::query_scalar("select pg_get_functiondef('app.end_stuck_sessions()'::regprocedure)")
            .fetch_one(&mut administrator)
            .await?;
        let quick = source.replace("10 minutes", "1 second");
        assert_ne!(quick, source);
        // As where the administrator is a superuser, and as where a managed server keeps those rights to itself. What is
        // changed for it ends with the transaction.
        for rights in ["select", "revoke pg_signal_backend, pg_read_all_stats from balcao_steward"] {
            let mut stuck = raw_of(&other.owner).await?;
            let mut busy = raw_of(&other.owner).await?;
            sqlx::raw_sql("set idle_in_transaction_session_timeout = 0; begin; select from app.contacts")
                .execute(&mut stuck)
                .await?;
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            let mut transaction = administrator.begin().await?;
            for sql in [rights, &quick, &format!("set local session authorization \"{}\"", agent.login)] {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await?;
            }
            let ended: i64 = sqlx::query_scalar("select app.end_stuck_sessions()").fetch_one(&mut *transaction).await?;
            transaction.rollback().await?;
            assert_eq!(ended, 1, "{rights}");
            assert!(sqlx::raw_sql("select 1").execute(&mut stuck).await.is_err(), "{rights}");
            sqlx::raw_sql("select 1").execute(&mut busy).await?;
            let lent: i64 = sqlx::query_scalar(
                "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.roleid
                 where m.member = 'balcao_gatekeeper'::regrole and r.rolname ~ '^balcao_[0-9a-f]{16}$'
                   and coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)",
            )
            .fetch_one(&mut administrator)
            .await?;
            assert_eq!(lent, 0, "{rights}: what was lent was given back");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_asks_is_found_by_the_key_of_the_logins_however_many_there_are() -> Result<()> {
    for server in servers().await? {
        let database = TestDatabase::fresh_on(&server).await?;
        let mut administrator = PgConnection::connect(database.admin_url()).await?;
        let sql = format!(
            "insert into internal.logins (login, clinic_id, member_id, role)
             select 'balcao_' || lpad(to_hex(n), 16, '0'), '{}', gen_random_uuid(), 'viewer' from generate_series(1, 2000) n;
             analyze internal.logins",
            database.clinic_id()
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut administrator).await?;
        let asking: Vec<(String, String)> = sqlx::query_as(
            "select p.oid::regprocedure::text, p.prosrc from pg_proc p
             where p.pronamespace in ('app'::regnamespace, 'internal'::regnamespace) and p.prosrc ~ '\\mlogin = session_user'",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert!(asking.len() >= 10, "{}", asking.len());
        for (function, source) in &asking {
            let compared = source.matches("login = session_user").count();
            let by_key = source.matches("login = session_user::text collate \"default\"").count();
            assert_eq!(by_key, compared, "{function} compares in the collation of names and reads all logins");
        }
        let plan: Vec<String> = sqlx::query_scalar(
            "explain select clinic_id from internal.logins where login = session_user::text collate \"default\"",
        )
        .fetch_all(&mut administrator)
        .await?;
        assert!(plan[0].contains("logins_pkey"), "{plan:?}");
    }
    Ok(())
}
