//! Which step of the way to a clinic's database fails: name, port, encryption, login, version, clock.
//!
//! The steps are those of [`crate::Tenant::connect`], taken one by one and each within its time, so that a person who does
//! not know what a port is can be told what to do. Nothing is written, and no password is sent before the certificate has
//! convinced.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use balcao_domain::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::pinned::{Pin, of_handshake};
use super::probe::{self, Answer};
use super::{OLDEST_SERVER, PATIENCE, Way, answered, fits, of_log_in, options};
use crate::migrations::SCHEMA_VERSION;
use crate::{Address, Error, TlsMode};

/// A clock that is off by less does no harm.
const TOLERANCE: TimeDelta = TimeDelta::seconds(90);

/// What is looked at, in this order; each step needs those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoctorStep {
    /// The name of the server leads to an address.
    Name,
    /// Somebody who speaks PostgreSQL answers there.
    Port,
    /// The way is encrypted, and the certificate convinces.
    Tls,
    /// The server lets this login in, and it is one of a clinic.
    Login,
    /// Server and schema are such that this program can work with them.
    Version,
    /// This computer's clock is right, compared with the server's.
    Clock,
}

impl DoctorStep {
    /// Every step, in order.
    pub const ALL: [Self; 6] = [Self::Name, Self::Port, Self::Tls, Self::Login, Self::Version, Self::Clock];

    /// The name that screens and command lines know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Port => "port",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Version => "version",
            Self::Clock => "clock",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoctorState {
    /// It is being looked at.
    Running,
    /// All is well.
    Ok,
    /// This is what is wrong.
    Failed,
    /// Something before it is wrong.
    NotReached,
}

impl DoctorState {
    /// The name that screens and command lines know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotReached => "not_reached",
        }
    }
}

/// What one step has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The step.
    pub step: DoctorStep,
    /// How far it is.
    pub state: DoctorState,
    /// What is wrong: the code of an [`Error`], or `port_closed` (the computer is there, the program is not),
    /// `certificate_expired`, `certificate_not_yet_valid`, `certificate_other_name`, `certificate_unknown_issuer`,
    /// `invitation_used`, `invitation_cancelled`, `invitation_expired`, `clock_ahead`, `clock_behind`, or what kept the
    /// password from being read.
    pub code: Option<String>,
    /// What was seen, by name: `host`, `port`, `addresses`, `protection` (loopback, system, given, pinned), `server`, `schema`,
    /// `known_schema`, `seconds`. No secret and nothing of a person is in it.
    pub facts: BTreeMap<&'static str, String>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Takes the way to a database step by step; `told` hears of each step as it begins and as it ends. `password` is what logs in, or
/// the code of what kept it from being read: then the steps before the login still say what they see.
pub async fn diagnose(
    address: &Address,
    password: Result<&str, &str>,
    application: &str,
    clock: &Clock,
    told: impl FnMut(&Finding) + Send,
) -> Vec<Finding> {
    let mut visit = Visit { found: Vec::new(), begun: Instant::now(), told };
    // What ends it has been told.
    let _ = visit.examine(address, password, application, clock).await;
    for step in DoctorStep::ALL.into_iter().skip(visit.found.len()) {
        visit.settle(Finding { step, state: DoctorState::NotReached, code: None, facts: BTreeMap::new(), millis: 0 });
    }
    visit.found
}

/// A step has failed, and was told.
struct Ended;

type Facts<const N: usize> = [(&'static str, String); N];

struct Visit<T> {
    found: Vec<Finding>,
    begun: Instant,
    told: T,
}

impl<T: FnMut(&Finding) + Send> Visit<T> {
    async fn examine(
        &mut self,
        address: &Address,
        password: Result<&str, &str>,
        application: &str,
        clock: &Clock,
    ) -> Result<(), Ended> {
        let (host, port) = (address.host.clone(), address.port);
        self.begin(DoctorStep::Name);
        let targets = match timeout(PATIENCE, probe::look_up(address)).await {
            Ok(Ok(targets)) if !targets.is_empty() => targets,
            _ => return self.failed(DoctorStep::Name, "unknown_host", [("host", host)]),
        };
        let addresses: Vec<_> = targets.iter().map(|target| target.ip().to_string()).collect();
        self.fine(DoctorStep::Name, [("host", host.clone()), ("addresses", addresses.join(", "))]);

        self.begin(DoctorStep::Port);
        let seen = [("host", host), ("port", port.to_string())];
        let asking = async {
            let mut stream = TcpStream::connect(&targets[..]).await?;
            let answer = probe::ask(&mut stream).await?;
            Ok((stream, answer))
        };
        let (stream, answer) = match within(asking).await {
            Ok((_, Answer::Stranger)) => return self.failed(DoctorStep::Port, "not_postgres", seen),
            Ok(answered) => answered,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return self.failed(DoctorStep::Port, "port_closed", seen);
            }
            Err(_) => return self.failed(DoctorStep::Port, "unreachable", seen),
        };
        self.fine(DoctorStep::Port, seen);

        self.begin(DoctorStep::Tls);
        let protection = [("protection", protection(&address.tls).to_owned())];
        if let Err(error) = address.refuse_plain_text() {
            return self.failed(DoctorStep::Tls, error.code(), protection);
        }
        if address.tls == TlsMode::Loopback {
            self.fine(DoctorStep::Tls, protection.clone());
            self.begin(DoctorStep::Login);
        } else if answer == Answer::PlainOnly {
            return self.failed(DoctorStep::Tls, "tls_unavailable", protection);
        }
        if let TlsMode::Pinned { ca_pem, clinic_id } = &address.tls {
            match Pin::new(ca_pem, *clinic_id) {
                Ok(pin) => self.encrypt(address, &pin, stream, answer, protection).await?,
                Err(error) => return self.failed(DoctorStep::Tls, error.code(), protection),
            }
            let way = match Way::to(address, password.unwrap_or_default(), application).await {
                Ok(way) => way,
                Err(error) => return self.failed(DoctorStep::Login, error.code(), []),
            };
            let opened = timeout(PATIENCE + PATIENCE, way.open(address)).await.unwrap_or(Err(Error::TimedOut));
            let mut connection = self.admitted(opened, password)?;
            let outcome = self.converse(&mut connection, clock).await;
            let _ = timeout(PATIENCE, connection.close()).await;
            outcome
        } else {
            drop(stream);
            let mut connection = self.log_in(address, password, application, protection).await?;
            let outcome = self.converse(&mut connection, clock).await;
            let _ = timeout(PATIENCE, connection.close()).await;
            outcome
        }
    }

    /// The way to a clinic on its own network, up to where a login begins.
    async fn encrypt(
        &mut self,
        address: &Address,
        pin: &Pin,
        stream: TcpStream,
        answer: Answer,
        protection: Facts<1>,
    ) -> Result<(), Ended> {
        if answer == Answer::Busy {
            return self.failed(DoctorStep::Tls, Error::TooManyConnections.code(), protection);
        }
        match within(pin.encrypt(stream)).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return self.failed(DoctorStep::Tls, "timed_out", protection);
            }
            Err(error) => {
                let code = certificate(&error).unwrap_or_else(|| tls_code(of_handshake(&error, address)));
                return self.failed(DoctorStep::Tls, code, protection);
            }
        }
        self.fine(DoctorStep::Tls, protection);
        self.begin(DoctorStep::Login);
        Ok(())
    }

    fn admitted(
        &mut self,
        opened: Result<PgConnection, Error>,
        password: Result<&str, &str>,
    ) -> Result<PgConnection, Ended> {
        match (opened, password) {
            (Ok(connection), Ok(_)) => Ok(connection),
            (_, Err(code)) => self.failed(DoctorStep::Login, code, []),
            (Err(error), Ok(_)) => self.failed(DoctorStep::Login, error.code(), []),
        }
    }

    /// Encryption and login are one conversation of the driver: how it ends tells how far it came.
    async fn log_in(
        &mut self,
        address: &Address,
        password: Result<&str, &str>,
        application: &str,
        protection: Facts<1>,
    ) -> Result<PgConnection, Ended> {
        let encrypted = address.tls != TlsMode::Loopback;
        let options = options(address, password.unwrap_or_default(), application);
        let opened = timeout(PATIENCE, options.connect()).await;
        let in_tls = match &opened {
            Ok(Err(sqlx::Error::Io(error))) => Some(certificate(error)),
            Ok(Err(sqlx::Error::Tls(_))) => Some(None),
            Err(_) => Some(Some("timed_out")),
            Ok(_) => None,
        };
        if let (true, Some(code)) = (encrypted, in_tls) {
            let code = match (code, opened) {
                (Some(code), _) => code,
                (None, Ok(Err(error))) => tls_code(of_log_in(error, address)),
                (None, _) => "timed_out",
            };
            return self.failed(DoctorStep::Tls, code, protection);
        }
        if encrypted {
            self.fine(DoctorStep::Tls, protection);
            self.begin(DoctorStep::Login);
        }
        let opened = opened.map_err(|_| Error::TimedOut);
        self.admitted(opened.and_then(|opened| opened.map_err(|error| of_log_in(error, address))), password)
    }

    /// What the server itself says.
    async fn converse(&mut self, connection: &mut PgConnection, clock: &Clock) -> Result<(), Ended> {
        let server = connection.server_version_num().unwrap_or(0) / 10_000;
        let revoked = answered(sqlx::query_scalar("select app.login_revoked()").fetch_one(&mut *connection)).await;
        if revoked == Ok(true) {
            return self.failed(DoctorStep::Login, "login_revoked", []);
        }
        // Its errors are those of the schema, and told there.
        let schema: Result<i64, _> =
            answered(sqlx::query_scalar("select app.schema_version()").fetch_one(&mut *connection)).await;
        let fits = match timeout(PATIENCE, fits(connection)).await {
            Ok(fits) => fits,
            Err(_) => Err(Error::TimedOut),
        };
        let fits = match fits {
            Err(Error::LoginRevoked) => return self.failed(DoctorStep::Login, "login_revoked", []),
            Err(error @ (Error::LoginUnknown | Error::NotPermitted)) => match invited(connection).await {
                Some(None) => Ok(()),
                Some(Some(refusal)) => return self.failed(DoctorStep::Login, &format!("invitation_{refusal}"), []),
                None if error == Error::NotPermitted => {
                    return self.failed(DoctorStep::Login, Error::LoginUnknown.code(), []);
                }
                None => return self.failed(DoctorStep::Login, error.code(), []),
            },
            fits => fits,
        };
        self.fine(DoctorStep::Login, []);

        self.begin(DoctorStep::Version);
        let seen = [
            ("server", server.to_string()),
            ("schema", schema.map(|version| version.to_string()).unwrap_or_default()),
            ("known_schema", SCHEMA_VERSION.to_string()),
        ];
        if server < OLDEST_SERVER {
            return self.failed(DoctorStep::Version, "server_too_old", seen);
        }
        if let Err(error) = fits {
            return self.failed(DoctorStep::Version, error.code(), seen);
        }
        self.fine(DoctorStep::Version, seen);

        self.begin(DoctorStep::Clock);
        let asked = clock.now();
        let told: Result<DateTime<Utc>, Error> =
            answered(sqlx::query_scalar("select clock_timestamp()").fetch_one(connection)).await;
        let ahead = match told {
            // The server looked at its clock some time between question and answer.
            Ok(server) => asked + (clock.now() - asked) / 2 - server,
            Err(error) => return self.failed(DoctorStep::Clock, error.code(), []),
        };
        let seen = [("seconds", ahead.num_seconds().to_string())];
        if ahead.abs() > TOLERANCE {
            let code = if ahead > TimeDelta::zero() { "clock_ahead" } else { "clock_behind" };
            return self.failed(DoctorStep::Clock, code, seen);
        }
        self.fine(DoctorStep::Clock, seen);
        Ok(())
    }

    fn begin(&mut self, step: DoctorStep) {
        self.begun = Instant::now();
        let running = Finding { step, state: DoctorState::Running, code: None, facts: BTreeMap::new(), millis: 0 };
        (self.told)(&running);
    }

    fn fine<const N: usize>(&mut self, step: DoctorStep, facts: Facts<N>) {
        let millis = self.millis();
        self.settle(Finding { step, state: DoctorState::Ok, code: None, facts: facts.into(), millis });
    }

    fn failed<const N: usize, R>(&mut self, step: DoctorStep, code: &str, facts: Facts<N>) -> Result<R, Ended> {
        let (millis, code) = (self.millis(), Some(code.to_owned()));
        self.settle(Finding { step, state: DoctorState::Failed, code, facts: facts.into(), millis });
        Err(Ended)
    }

    fn settle(&mut self, finding: Finding) {
        (self.told)(&finding);
        self.found.push(finding);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whoever hangs up in the middle of the handshake was there when it began.
fn tls_code(error: Error) -> &'static str {
    match error {
        Error::Unreachable { .. } => Error::ConnectionLost.code(),
        error => error.code(),
    }
}

async fn within<T>(asking: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let limit: Duration = PATIENCE;
    timeout(limit, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn protection(tls: &TlsMode) -> &'static str {
    match tls {
        TlsMode::Loopback => "loopback",
        TlsMode::VerifyFull => "system",
        TlsMode::VerifyFullWith { .. } => "given",
        TlsMode::Pinned { .. } => "pinned",
    }
}

/// Why a certificate does not convince. The TLS library reports through the socket and its texts; tests hold them to account.
fn certificate(error: &io::Error) -> Option<&'static str> {
    if error.kind() != io::ErrorKind::InvalidData {
        return None;
    }
    let said = error.to_string().to_lowercase().replace(' ', "");
    [
        ("notvalidyet", "certificate_not_yet_valid"),
        ("expired", "certificate_expired"),
        ("notvalidforname", "certificate_other_name"),
        ("unknownissuer", "certificate_unknown_issuer"),
        // Of somebody of the same name, who is not the same.
        ("badsignature", "certificate_unknown_issuer"),
    ]
    .into_iter()
    .find_map(|(text, code)| said.contains(text).then_some(code))
}

/// Whether the login is one that was invited and has not come yet, and what is against its coming. `None` when it is none.
async fn invited(connection: &mut PgConnection) -> Option<Option<String>> {
    let refusal: Result<String, Error> =
        answered(sqlx::query_scalar("select app.invitation_refusal()").fetch_one(connection)).await;
    refusal.ok().map(|refusal| Some(refusal).filter(|refusal| !refusal.is_empty()))
}
