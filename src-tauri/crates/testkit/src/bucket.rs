//! S3-compatible storage that is none, over HTTP on any port: objects in memory, and faults as real ones have them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Extension, Router};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::gateway::listener::{Breaker, Listener};

/// Name of the bucket.
pub const BUCKET: &str = "clinica-aurora";
/// Its region.
pub const REGION: &str = "sa-east-1";
/// Id of the key that opens it.
pub const KEY_ID: &str = "AKIDAURORA";
/// The secret of that key. Signatures are looked at and not computed: a wrong one is a fault that is set.
pub const SECRET: &str = "segredo-do-deposito-que-ninguem-ve";

/// Clocks may differ by so much.
const MOST_SKEW: TimeDelta = TimeDelta::minutes(15);
const MAX_BODY_BYTES: usize = 160 * 1024 * 1024;

/// How a question fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketFault {
    /// It is answered with this status and this code.
    Answers(u16, &'static str),
    /// It is done, and the connection breaks before the answer.
    Breaks,
    /// It is not answered for so long.
    Hangs(Duration),
    /// What is read has another last byte.
    Changes,
}

/// The storage. Dropping it stops it.
pub struct FakeBucket {
    shared: Arc<Shared>,
    router: Router,
    listener: Listener,
}

#[derive(Default)]
struct Shared(Mutex<Books>);

/// What it has and how it fails.
#[derive(Debug, Default)]
pub struct Books {
    /// Objects by their names.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Names of those that are kept where nobody reads them.
    pub archived: BTreeSet<String>,
    /// Questions that were let in: method and name.
    pub asked: Vec<(String, String)>,
    /// Faults of the next questions of a method.
    pub next: VecDeque<(&'static str, BucketFault)>,
    /// The fault of every question, while it is set.
    pub always: Option<BucketFault>,
    /// How far its clock is ahead.
    pub ahead: TimeDelta,
}

impl FakeBucket {
    /// Starts it on any free port of this computer.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/{bucket}/{*name}", any(answer))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(shared.clone());
        let listener = Listener::start(SocketAddr::from(([127, 0, 0, 1], 0)), &router, None).await?;
        Ok(Self { shared, router, listener })
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// Looks into its books, or changes them.
    pub fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.shared.books())
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.books(|books| books.objects.len())
    }

    /// Stops it: connections break, new ones are refused.
    pub fn stop(&self) {
        self.listener.stop();
    }

    /// Starts it again with what it had.
    ///
    /// # Errors
    /// When its port was taken meanwhile.
    pub async fn start_again(&self) -> io::Result<()> {
        self.listener.start_again(&self.router).await
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(status: u16, code: &str) -> Response {
    // A real one quotes what it was asked with.
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>No.</Message>\
         <AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId></Error>"
    );
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), text).into_response()
}

/// Lets nobody past who has not signed with the key, for this region and at about this time.
fn check(headers: &HeaderMap, ahead: TimeDelta) -> Result<(), (u16, &'static str)> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = said("authorization").strip_prefix("AWS4-HMAC-SHA256 ").unwrap_or_default();
    let part = |name: &str| {
        signed.split([',', ' ']).find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let (credential, signature) = (part("Credential"), part("Signature"));
    let is_signed = signature.len() == 64 && signature.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_signed || !part("SignedHeaders").split(';').any(|name| name == "x-amz-date") {
        return Err((403, "AccessDenied"));
    }
    let at = NaiveDateTime::parse_from_str(said("x-amz-date"), "%Y%m%dT%H%M%SZ").unwrap_or_default().and_utc();
    if (now() + ahead - at).abs() > MOST_SKEW {
        return Err((403, "RequestTimeTooSkewed"));
    }
    let mut scope = credential.split('/');
    if scope.next() != Some(KEY_ID) {
        return Err((403, "InvalidAccessKeyId"));
    }
    if scope.nth(1) != Some(REGION) {
        return Err((400, "AuthorizationHeaderMalformed"));
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "a server has a clock of its own")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Extension(breaker): Extension<Breaker>,
    Path((bucket, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (fault, ahead) = {
        let mut books = shared.books();
        let next = books.next.iter().position(|(of, _)| *of == method.as_str());
        let next = next.and_then(|at| books.next.remove(at)).map(|(_, fault)| fault);
        (next.or_else(|| books.always.clone()), books.ahead)
    };
    match &fault {
        Some(BucketFault::Answers(status, code)) => return refusal(*status, code),
        Some(BucketFault::Hangs(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    if let Err((status, code)) = check(&headers, ahead) {
        return refusal(status, code);
    }
    if bucket != BUCKET {
        return refusal(404, "NoSuchBucket");
    }
    let mut done = shared.books().does(&method, name, body);
    match fault {
        Some(BucketFault::Breaks) => {
            breaker.0.cancel();
            std::future::pending::<()>().await;
        }
        Some(BucketFault::Changes) => {
            if let Ok(last) = done.as_mut().map(|bytes| bytes.last_mut())
                && let Some(last) = last
            {
                *last ^= 1;
            }
        }
        _ => {}
    }
    match done {
        Ok(bytes) if method == Method::DELETE => (StatusCode::NO_CONTENT, bytes).into_response(),
        Ok(bytes) => {
            let told = [("etag", "\"0\""), ("last-modified", "Mon, 02 Mar 2026 12:00:00 GMT")];
            (told, bytes).into_response()
        }
        Err((status, code)) => refusal(status, code),
    }
}

impl Books {
    fn does(&mut self, method: &Method, name: String, body: Bytes) -> Result<Vec<u8>, (u16, &'static str)> {
        self.asked.push((method.to_string(), name.clone()));
        match method.as_str() {
            "PUT" => {
                self.objects.insert(name, body.to_vec());
                Ok(Vec::new())
            }
            "GET" if self.archived.contains(&name) => Err((403, "InvalidObjectState")),
            "GET" => self.objects.get(&name).cloned().ok_or((404, "NoSuchKey")),
            "DELETE" => {
                self.objects.remove(&name);
                Ok(Vec::new())
            }
            _ => Err((405, "MethodNotAllowed")),
        }
    }
}
