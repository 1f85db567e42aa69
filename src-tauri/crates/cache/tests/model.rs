//! The queue and the shadows against a simple model: what a row shows is what the database has and what waits for it, in
//! order; and when nothing waits, it is what the database has.

use std::collections::BTreeMap;

use balcao_cache::{Cache, Error, FewRows, OperationState, Settlement, WriteKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, json};
use sqlx::Row as _;
use uuid::Uuid;

use crate::fixture::*;

const ROWS: u128 = 3;

/// Name, notes.
type Person = (String, String);

#[derive(Debug, Clone)]
enum Step {
    /// The person at this desk.
    Write {
        row: u128,
        want: Want,
        after_earlier: bool,
    },
    Retry(usize),
    Discard(usize),
    /// The line: what is sent, what is answered, in whatever order, and what is never answered.
    Send,
    Answer {
        which: usize,
        refused: Option<&'static str>,
    },
    /// The clinic: someone else writes, and the feed brings it, or an older row once more.
    Others {
        row: u128,
        want: Want,
    },
    Pull,
    PullOld {
        row: u128,
    },
    Restart,
}

#[derive(Debug, Clone)]
enum Want {
    Make(String),
    Name(String),
    Notes(String),
    Note(String),
    Both(String, String),
    Delete,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("")].prop_map(str::to_owned)
}

fn want_strategy() -> impl Strategy<Value = Want> {
    prop_oneof![
        2 => text().prop_map(Want::Make),
        4 => text().prop_map(Want::Name),
        2 => text().prop_map(Want::Notes),
        3 => text().prop_map(Want::Note),
        2 => (text(), text()).prop_map(|(name, note)| Want::Both(name, note)),
        1 => Just(Want::Delete),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let refused = prop_oneof![
        4 => Just(None),
        1 => Just(Some("conflict")),
        1 => Just(Some("not_permitted")),
        1 => Just(Some("gone")),
    ];
    prop_oneof![
        8 => (0..ROWS, want_strategy(), any::<bool>())
            .prop_map(|(row, want, after_earlier)| Step::Write { row, want, after_earlier }),
        2 => any::<usize>().prop_map(Step::Retry),
        2 => any::<usize>().prop_map(Step::Discard),
        4 => Just(Step::Send),
        5 => (any::<usize>(), refused).prop_map(|(which, refused)| Step::Answer { which, refused }),
        2 => (0..ROWS, want_strategy()).prop_map(|(row, want)| Step::Others { row, want }),
        2 => Just(Step::Pull),
        1 => (0..ROWS).prop_map(|row| Step::PullOld { row }),
        1 => Just(Step::Restart),
    ]
}

/// The clinic's database, in short.
#[derive(Debug, Default)]
struct Database {
    rows: BTreeMap<u128, (i64, Person)>,
    /// Versions go on over deletions, so that no row of before looks like one of now.
    versions: i64,
    deleted: Vec<u128>,
    applied: BTreeMap<Uuid, u128>,
    /// A row as it once was, for each.
    old: BTreeMap<u128, (i64, Person)>,
}

impl Database {
    fn write(&mut self, row: u128, person: Option<Person>) -> Option<i64> {
        if let Some(before) = self.rows.remove(&row) {
            self.old.insert(row, before);
        }
        self.versions += 1;
        match person {
            Some(person) => {
                self.rows.insert(row, (self.versions, person));
                Some(self.versions)
            }
            None => {
                self.deleted.push(row);
                None
            }
        }
    }

    fn version(&self, row: u128) -> Option<i64> {
        self.rows.get(&row).map(|(version, _)| *version)
    }
}

/// What a write makes of a row: `None` where there is none.
fn applied(want: &Want, person: Option<Person>) -> Option<Person> {
    let noted = |old: String, note: &str| if old.is_empty() { note.to_owned() } else { format!("{old}\n{note}") };
    match (want, person) {
        (Want::Make(name), None) => Some((name.clone(), String::new())),
        (Want::Delete, _) | (_, None) => None,
        (Want::Make(_), person) => person,
        (Want::Name(name), Some((_, notes))) => Some((name.clone(), notes)),
        (Want::Notes(notes), Some((name, _))) => Some((name, notes.clone())),
        (Want::Note(note), Some((name, notes))) => Some((name, noted(notes, note))),
        (Want::Both(name, note), Some((_, notes))) => Some((name.clone(), noted(notes, note))),
    }
}

fn fields(want: &Want) -> (WriteKind, serde_json::Value) {
    match want {
        Want::Make(name) => (WriteKind::Insert, json!({ "name": name, "notes": "", "status": "active", "tags": [] })),
        Want::Name(name) => (WriteKind::Patch, json!({ "name": name })),
        Want::Notes(notes) => (WriteKind::Patch, json!({ "notes": notes })),
        Want::Note(note) => (WriteKind::Patch, json!({ "notes": { "append": note } })),
        Want::Both(name, note) => (WriteKind::Patch, json!({ "name": name, "notes": { "append": note } })),
        Want::Delete => (WriteKind::Delete, json!({})),
    }
}

/// The wish that a queued operation stands for, read back from the queue: folding may have changed it.
fn wish(operation: &balcao_cache::QueuedOperation) -> Vec<Want> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match operation.kind.as_str() {
        "insert" => vec![Want::Make(text(&operation.fields["name"]))],
        "delete" => vec![Want::Delete],
        _ => operation
            .fields
            .iter()
            .map(|(column, value)| match (column.as_str(), value.get("append")) {
                ("name", _) => Want::Name(text(value)),
                (_, Some(note)) => Want::Note(text(note)),
                (_, None) => Want::Notes(text(value)),
            })
            .collect(),
    }
}

/// What the copy is known to have of the database: changes with what arrives and with what is confirmed.
#[derive(Debug, Default)]
struct Known(BTreeMap<u128, (i64, Person)>);

struct World {
    fixture: Fixture,
    database: Database,
    known: Known,
    /// Sent and not answered yet.
    on_the_way: Vec<Uuid>,
    next: u128,
}

impl World {
    fn cache(&self) -> &Cache {
        &self.fixture.cache
    }

    async fn queue(&self) -> Vec<(balcao_cache::QueuedOperation, bool)> {
        let mut all = Vec::new();
        for (state, parked) in [(OperationState::Waiting, false), (OperationState::Parked, true)] {
            all.extend(self.cache().operations(state).await.unwrap().into_iter().map(|operation| (operation, parked)));
        }
        all.sort_by_key(|(operation, _)| operation.seq);
        all
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write { row, want, after_earlier } => self.write(row, want, after_earlier).await,
            Step::Retry(which) => {
                if let Some(id) = self.pick(which, true).await {
                    self.cache().retry(id, &Map::new()).await.unwrap();
                }
            }
            Step::Discard(which) => {
                if let Some(id) = self.pick(which, false).await {
                    self.cache().discard(id).await.unwrap();
                }
            }
            Step::Send => {
                let due = self.cache().take_due(10).await.unwrap();
                self.on_the_way.extend(due.iter().map(|operation| operation.operation_id));
            }
            Step::Answer { which, refused } => self.answer(which, refused).await,
            Step::Others { row, want } => {
                let person = self.database.rows.get(&row).map(|(_, person)| person.clone());
                if person.is_some() || matches!(want, Want::Make(_)) {
                    self.database.write(row, applied(&want, person));
                }
            }
            Step::Pull => self.pull().await,
            Step::PullOld { row } => {
                // Only what is older than what the copy has heard of, and of a row that it still has.
                if let (Some((version, (name, notes))), Some((known, _))) =
                    (self.database.old.get(&row).cloned(), self.known.0.get(&row))
                    && version < *known
                {
                    take_person(self.cache(), id(1_000 + row), version, &name, &notes).await;
                }
            }
            Step::Restart => {
                self.cache().close().await;
                self.fixture.cache = reopen(&self.fixture.path()).await.cache;
                self.on_the_way.clear();
            }
        }
    }

    async fn write(&mut self, row: u128, wanted: Want, after_earlier: bool) {
        self.next += 1;
        let (kind, values) = fields(&wanted);
        let there = shown(self.cache(), id(1_000 + row)).await;
        if kind == WriteKind::Insert
            && (there.is_some() || self.database.rows.contains_key(&row) || !self.queue_of(row).await)
        {
            return;
        }
        let mut operation = want(self.next, kind, id(1_000 + row), values);
        let queue = self.queue().await;
        if let Some((earlier, _)) = queue.last().filter(|_| after_earlier) {
            operation.depends_on = Some(earlier.operation_id);
        }
        match self.cache().enqueue(operation).await {
            Err(Error::NotFound) => assert!(there.is_none()),
            Err(error) => panic!("{error}"),
            Ok(_) => {
                assert!(there.is_some() || kind == WriteKind::Insert);
                let now = shown(self.cache(), id(1_000 + row)).await;
                assert_eq!(now, applied(&wanted, there), "{wanted:?} is shown at once");
            }
        }
    }

    /// Whether nothing is queued for a row.
    async fn queue_of(&self, row: u128) -> bool {
        self.queue().await.iter().all(|(operation, _)| operation.entity_id != id(1_000 + row))
    }

    async fn pick(&self, which: usize, only_parked: bool) -> Option<Uuid> {
        let queue = self.queue().await;
        let some: Vec<_> = queue.iter().filter(|(_, parked)| *parked || !only_parked).collect();
        (!some.is_empty()).then(|| some[which % some.len()].0.operation_id)
    }

    /// The database decides about something that was sent: does it, has done it, or says no.
    async fn answer(&mut self, which: usize, refused: Option<&'static str>) {
        if self.on_the_way.is_empty() {
            return;
        }
        let operation_id = self.on_the_way.swap_remove(which % self.on_the_way.len());
        let queue = self.queue().await;
        let Some((operation, _)) = queue.iter().find(|(operation, _)| operation.operation_id == operation_id) else {
            return;
        };
        let row = operation.entity_id.as_u128() - 1_000;
        let there = self.database.rows.get(&row).map(|(_, person)| person.clone());
        let done = self.database.applied.contains_key(&operation_id);
        let gone = there.is_none() && operation.kind == "patch";
        let settlement = match refused {
            _ if done => Settlement::Confirmed { version: self.database.version(row) },
            Some("gone") | None if gone => {
                self.known.0.remove(&row);
                parked("gone", json!({}))
            }
            Some(reason) if reason != "gone" => parked(reason, json!({})),
            _ => {
                let made = wish(operation).iter().fold(there, |person, want| applied(want, person));
                let version = self.database.write(row, made);
                self.database.applied.insert(operation_id, row);
                Settlement::Confirmed { version }
            }
        };
        if let Settlement::Confirmed { version } = settlement {
            self.confirmed(row, operation, version);
        }
        self.cache().settle(&[(operation_id, settlement)]).await.unwrap();
    }

    /// What the copy knows after a confirmation: its own effect, unless it has heard of that version already.
    fn confirmed(&mut self, row: u128, operation: &balcao_cache::QueuedOperation, version: Option<i64>) {
        let known = self.known.0.get(&row).cloned();
        match (operation.kind.as_str(), version) {
            ("delete", version) => {
                if version.is_none_or(|version| known.as_ref().is_some_and(|(known, _)| version <= *known)) {
                    self.known.0.remove(&row);
                }
            }
            (_, None) => {
                if let Some((version, person)) = known
                    && operation.kind == "patch"
                {
                    let person = wish(operation).iter().try_fold(person, |person, want| applied(want, Some(person)));
                    self.known.0.insert(row, (version, person.unwrap()));
                }
            }
            (kind, Some(version)) => {
                if known.as_ref().is_some_and(|(known, _)| version <= *known) {
                    return;
                }
                let person = known.map(|(_, person)| person);
                let person = match (kind, person) {
                    ("insert", _) => applied(&wish(operation)[0], None),
                    // A row that is unknown here is made of what was written: the next pull brings the rest.
                    (_, None) => return,
                    (_, person) => wish(operation).iter().fold(person, |person, want| applied(want, person)),
                };
                self.known.0.insert(row, (version, person.unwrap()));
            }
        }
    }

    async fn pull(&mut self) {
        let deleted: Vec<_> =
            self.database.deleted.drain(..).filter(|row| !self.database.rows.contains_key(row)).collect();
        for row in &deleted {
            self.known.0.remove(row);
        }
        let deleted: Vec<_> = deleted.iter().map(|row| (contacts(), id(1_000 + row))).collect();
        for (row, (version, person)) in &self.database.rows {
            self.known.0.insert(*row, (*version, person.clone()));
        }
        let rows: Vec<_> = self
            .database
            .rows
            .iter()
            .map(|(row, (version, (name, notes)))| person(id(1_000 + row), *version, name, notes))
            .collect();
        // As the copying does: little goes one way, unless something is queued.
        if deleted.is_empty()
            && let Some(mut few) = FewRows::of(rows.len() as u64)
        {
            rows.iter().for_each(|row| few.push(contacts(), row.clone()).unwrap());
            if self.cache().take_few(few, &[]).await.unwrap() {
                return;
            }
        }
        let mut taking = self.cache().take().await.unwrap();
        taking.deletions(&deleted).await.unwrap();
        taking.rows(contacts(), rows.into_iter()).await.unwrap();
        taking.commit(&[]).await.unwrap();
    }

    async fn check(&self) {
        let queue = self.queue().await;
        for row in 0..ROWS {
            let mut person = self.known.0.get(&row).map(|(_, person)| person.clone());
            for (operation, parked) in queue.iter().filter(|(each, _)| each.entity_id == id(1_000 + row)) {
                if operation.kind == "delete" && *parked {
                    continue;
                }
                person = wish(operation).iter().fold(person, |person, want| applied(want, person));
            }
            assert_eq!(shown(self.cache(), id(1_000 + row)).await, person, "row {row}, {queue:?}");
        }
        let mut file = raw(&self.fixture.path()).await;
        let orphans = "select count(*) from shadows s
             where not exists (select 1 from effects e where e.entity = s.entity and e.entity_id = s.entity_id)";
        let orphans: i64 = sqlx::query(orphans).fetch_one(&mut file).await.unwrap().get(0);
        assert_eq!(orphans, 0, "a shadow without a write");
        if queue.is_empty() {
            assert_eq!(shadows(&mut file).await, 0);
        }
    }

    /// The line is good again and everything is answered: the copy is the database.
    async fn settle_down(&mut self) {
        for (operation, parked) in self.queue().await {
            if parked {
                // Some went with an earlier one.
                let _ = self.cache().discard(operation.operation_id).await;
            }
        }
        for _round in 0..200 {
            self.on_the_way.clear();
            self.step(Step::Send).await;
            while !self.on_the_way.is_empty() {
                self.step(Step::Answer { which: 0, refused: None }).await;
            }
            for (operation, parked) in self.queue().await {
                if parked {
                    let _ = self.cache().discard(operation.operation_id).await;
                }
            }
            if self.queue().await.is_empty() {
                break;
            }
        }
        assert!(self.queue().await.is_empty(), "something waits for ever: {:?}", self.queue().await);
        self.step(Step::Pull).await;
        self.check().await;
        for row in 0..ROWS {
            let person = self.database.rows.get(&row).map(|(_, person)| person.clone());
            assert_eq!(shown(self.cache(), id(1_000 + row)).await, person);
        }
    }
}

async fn run(steps: Vec<Step>) {
    let fixture = fixture().await;
    let mut world =
        World { fixture, database: Database::default(), known: Known::default(), on_the_way: Vec::new(), next: 0 };
    for row in 0..ROWS - 1 {
        world.database.write(row, Some(("a".to_owned(), String::new())));
    }
    world.step(Step::Pull).await;
    for step in steps {
        world.step(step).await;
        world.check().await;
    }
    world.settle_down().await;
}

#[test]
fn what_a_row_shows_is_what_the_database_has_and_what_waits_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 64, max_shrink_iters: 400, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        let told = format!("{steps:?}");
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(run(steps))));
        done.map_err(|_| TestCaseError::fail(told))
    });
    outcome.unwrap();
}
