//! Conversations as the lists of the inbox show them.

use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::search::PeopleMatching;
use crate::{Cache, Result, RowState, row_state};

/// People that a search narrows a list to, at the most.
const MOST_PEOPLE: u32 = 1_000;

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the screen names them")]
pub enum InboxView {
    NeedsReply,
    Mine,
    Mentioned,
    Unassigned,
    Bot,
    Snoozed,
    Closed,
    Blocked,
    All,
}

/// What a view is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadFilter {
    /// People whose name or phone contains this.
    pub person: Option<String>,
    /// Threads with this label.
    pub label: Option<String>,
    /// Threads of this member.
    pub assignee: Option<Uuid>,
    /// Threads of this connection.
    pub channel: Option<Uuid>,
    /// Threads that wait since then, or longer.
    pub waiting_before: Option<i64>,
}

/// Who asks, and when: what was put aside comes back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Onlooker {
    /// The member.
    pub me: Uuid,
    /// Microseconds since 1970, the server's time.
    pub now: i64,
}

/// How many conversations each view holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the views")]
pub struct Counts {
    pub needs_reply: u32,
    pub mine: u32,
    pub mentioned: u32,
    pub unassigned: u32,
    pub bot: u32,
    pub snoozed: u32,
    pub closed: u32,
    pub blocked: u32,
    pub all: u32,
}

/// One conversation. Instants are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "columns of the tables")]
pub struct ConversationRow {
    pub id: Uuid,
    pub contact_id: Uuid,
    pub channel_id: Uuid,
    pub name: String,
    pub profile_name: Option<String>,
    pub phone: Option<String>,
    pub preview: String,
    pub last_kind: Option<String>,
    pub last_direction: Option<String>,
    pub last_message_at: Option<i64>,
    pub waiting_since: Option<i64>,
    pub unread_count: u32,
    pub handler: String,
    pub status: String,
    pub assignee_id: Option<Uuid>,
    pub assignee: Option<String>,
    pub priority: String,
    /// JSON array of texts.
    pub labels: String,
    pub snoozed_until: Option<i64>,
    pub marked_unread: bool,
    pub opened_at: Option<i64>,
    pub responded_at: Option<i64>,
    pub closed_at: Option<i64>,
    pub is_blocked: bool,
    /// A note in it that names whoever asks has not been seen.
    pub is_mentioned: bool,
    pub state: RowState,
}

/// A piece of a view: a condition, and by what its conversations are ordered. Each piece has an index of its own, so that a
/// page is found without reading the whole view.
type Piece = (&'static str, &'static str);

const COLUMNS: &str = concat!(
    "select c.id, c.contact_id, c.channel_id, p.name, p.profile_name, p.phone, c.last_message_preview, c.last_message_kind,
         c.last_message_direction, c.last_message_at, c.waiting_since, c.unread_count, c.handler, c.status,
         c.assignee_id, m.name as assignee, c.priority, c.labels, c.snoozed_until, c.marked_unread, c.opened_at,
         c.responded_at, c.closed_at, coalesce(p.status = 'blocked', 0) as is_blocked,
         exists (select 1 from mentions n where n.conversation_id = c.id and n.seen_at is null
             and n.member_id = (select unhex(value, '-') from sync_state where key = 'member_id')) as is_mentioned, ",
    row_state!("c.id"),
    " as state "
);
const NAMES: &str = " left join contacts p on p.id = c.contact_id left join members m on m.id = c.assignee_id ";

/// Whoever is blocked is nobody's work. Where nobody is, which is usual, no row is read for it.
pub(crate) const NOT_BLOCKED: &str = " and (not exists (select 1 from contacts where status = 'blocked')
    or c.contact_id not in (select id from contacts where status = 'blocked'))";

impl InboxView {
    const ALL_VIEWS: [Self; 9] = [
        Self::NeedsReply,
        Self::Mine,
        Self::Mentioned,
        Self::Unassigned,
        Self::Bot,
        Self::Snoozed,
        Self::Closed,
        Self::Blocked,
        Self::All,
    ];

    /// In all conditions `?3` is the member who asks and `?6` the time it is.
    const fn pieces(self) -> &'static [Piece] {
        const LAST: &str = "c.last_message_at";
        match self {
            Self::NeedsReply => &[
                ("c.waiting_since is not null and c.handler = 'person' and c.status = 'open'", "c.waiting_since"),
                ("c.status = 'snoozed' and c.snoozed_until <= ?6", "c.snoozed_until"),
                (
                    "c.marked_unread = 1 and c.status = 'open' and (c.waiting_since is null or c.handler <> 'person')",
                    LAST,
                ),
            ],
            Self::Mine => &[
                ("c.assignee_id = ?3 and c.status = 'open'", LAST),
                ("c.assignee_id = ?3 and c.status = 'snoozed' and c.snoozed_until <= ?6", LAST),
            ],
            Self::Mentioned => &[(
                "c.id in (select n.conversation_id from mentions n where n.member_id = ?3 and n.seen_at is null)",
                LAST,
            )],
            Self::Unassigned => &[
                ("c.assignee_id is null and c.status = 'open'", LAST),
                ("c.assignee_id is null and c.status = 'snoozed' and c.snoozed_until <= ?6", LAST),
            ],
            Self::Bot => &[
                ("c.handler = 'bot' and c.status = 'open'", LAST),
                ("c.handler = 'bot' and c.status = 'snoozed' and c.snoozed_until <= ?6", LAST),
            ],
            Self::Snoozed => &[("c.status = 'snoozed' and c.snoozed_until > ?6", "c.snoozed_until")],
            // What went into another thread holds nothing any more.
            Self::Closed => &[("c.status = 'closed' and c.last_message_at is not null", LAST)],
            Self::Blocked => &[("c.contact_id in (select id from contacts where status = 'blocked')", LAST)],
            Self::All => &[("(c.status <> 'closed' or c.last_message_at is not null)", LAST)],
        }
    }

    /// Whether the longest ago comes first.
    const fn is_ascending(self) -> bool {
        matches!(self, Self::NeedsReply | Self::Snoozed)
    }

    const fn guard(self) -> &'static str {
        match self {
            Self::Blocked | Self::All | Self::Closed | Self::Mentioned => "",
            _ => NOT_BLOCKED,
        }
    }

    /// Row number and instant of the view's conversations.
    fn rows(self, narrowed: &str) -> String {
        let guard = self.guard();
        let pieces = self.pieces().iter().map(|(condition, since)| {
            format!("select c.rowid as place, {since} as since from conversations c where {condition}{guard}{narrowed}")
        });
        pieces.collect::<Vec<_>>().join(" union all ")
    }
}

/// A filter as SQL, with what is bound to it.
struct Narrowed<'a> {
    filter: &'a ThreadFilter,
    people: Option<PeopleMatching>,
    sql: String,
}

impl<'a> Narrowed<'a> {
    /// `None` when nothing can be found.
    fn by(filter: &'a ThreadFilter) -> Option<Self> {
        let people = match filter.person.as_deref().map(PeopleMatching::of) {
            None => None,
            Some(Some(people)) => Some(people),
            Some(None) => return None,
        };
        let mut sql = String::new();
        if let Some(people) = &people {
            sql = format!(" and c.contact_id in (select id from ({}))", people.rows);
        }
        for (given, condition) in [
            (filter.label.is_some(), " and exists (select 1 from json_each(c.labels) l where l.value = ?7)"),
            (filter.assignee.is_some(), " and c.assignee_id = ?8"),
            (filter.channel.is_some(), " and c.channel_id = ?9"),
            (filter.waiting_before.is_some(), " and c.waiting_since <= ?10"),
        ] {
            if given {
                sql.push_str(condition);
            }
        }
        Some(Self { filter, people, sql })
    }

    fn bind<'q>(
        self,
        statement: String,
        by: Onlooker,
        (limit, offset): (u32, u32),
    ) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(AssertSqlSafe(statement))
            .bind(self.people.map(|people| people.needle))
            .bind(MOST_PEOPLE)
            .bind(by.me)
            .bind(limit)
            .bind(offset)
            .bind(by.now)
            .bind(self.filter.label.clone())
            .bind(self.filter.assignee)
            .bind(self.filter.channel)
            .bind(self.filter.waiting_before)
    }
}

impl Cache {
    /// A page of conversations.
    pub async fn conversations(
        &self,
        view: InboxView,
        by: Onlooker,
        filter: &ThreadFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<ConversationRow>> {
        let Some(narrowed) = Narrowed::by(filter) else { return Ok(Vec::new()) };
        let rows = view.rows(&narrowed.sql);
        let direction = if view.is_ascending() { "" } else { " desc" };
        // Ordered to the end by the row's number in place of its id: that is in every index.
        let statement = format!(
            "{COLUMNS} from (select place, since from ({rows}) order by since{direction}, place limit ?4 offset ?5) f
                 join conversations c on c.rowid = f.place {NAMES} order by f.since{direction}, f.place"
        );
        let rows = narrowed.bind(statement, by, (limit, offset)).fetch_all(self.readers()).await?;
        Ok(rows.iter().map(conversation).collect())
    }

    /// How many conversations a view holds that a filter lets through.
    pub async fn conversation_count(&self, view: InboxView, by: Onlooker, filter: &ThreadFilter) -> Result<u32> {
        let Some(narrowed) = Narrowed::by(filter) else { return Ok(0) };
        let statement = format!("select count(*) from ({})", view.rows(&narrowed.sql));
        Ok(narrowed.bind(statement, by, (0, 0)).fetch_one(self.readers()).await?.get(0))
    }

    /// How many conversations each view holds.
    pub async fn conversation_counts(&self, by: Onlooker) -> Result<Counts> {
        let counts = InboxView::ALL_VIEWS.map(|view| {
            let guard = view.guard();
            let pieces = view.pieces().iter();
            let pieces =
                pieces.map(|(condition, _)| format!("(select count(*) from conversations c where {condition}{guard})"));
            pieces.collect::<Vec<_>>().join(" + ")
        });
        let statement = format!("select {}", counts.join(", "));
        let nothing = ThreadFilter::default();
        let Some(unfiltered) = Narrowed::by(&nothing) else { return Ok(Counts::default()) };
        let row = unfiltered.bind(statement, by, (0, 0)).fetch_one(self.readers()).await?;
        Ok(Counts {
            needs_reply: row.get(0),
            mine: row.get(1),
            mentioned: row.get(2),
            unassigned: row.get(3),
            bot: row.get(4),
            snoozed: row.get(5),
            closed: row.get(6),
            blocked: row.get(7),
            all: row.get(8),
        })
    }

    /// When the next conversation comes back that was put aside.
    pub async fn next_return(&self, now: i64) -> Result<Option<i64>> {
        let next = sqlx::query_scalar(
            "select min(snoozed_until) from conversations where status = 'snoozed' and snoozed_until > ?",
        );
        Ok(next.bind(now).fetch_one(self.readers()).await?)
    }

    /// One conversation.
    pub async fn conversation(&self, id: Uuid) -> Result<ConversationRow> {
        let statement = format!("{COLUMNS} from conversations c {NAMES} where c.id = ?");
        let row = sqlx::query(AssertSqlSafe(statement)).bind(id).fetch_one(self.readers()).await?;
        Ok(conversation(&row))
    }

    /// How the person of a conversation liked it, as they said last: 1 to 5, and when.
    pub async fn satisfaction(&self, id: Uuid) -> Result<Option<(u8, i64)>> {
        let answer = sqlx::query_as(
            "select satisfaction_score, satisfaction_at from conversations
             where id = ? and satisfaction_score is not null and satisfaction_at is not null",
        );
        Ok(answer.bind(id).fetch_optional(self.readers()).await?)
    }

    /// Labels in use, the commonest first.
    pub async fn labels(&self, most: u32) -> Result<Vec<String>> {
        let labels = sqlx::query_scalar(
            "select l.value from conversations c, json_each(c.labels) l where c.labels <> '[]'
             group by l.value order by count(*) desc, l.value limit ?",
        );
        Ok(labels.bind(most).fetch_all(self.readers()).await?)
    }
}

fn conversation(row: &SqliteRow) -> ConversationRow {
    ConversationRow {
        id: row.get(0),
        contact_id: row.get(1),
        channel_id: row.get(2),
        name: row.get::<Option<String>, _>(3).unwrap_or_default(),
        profile_name: row.get(4),
        phone: row.get(5),
        preview: row.get(6),
        last_kind: row.get(7),
        last_direction: row.get(8),
        last_message_at: row.get(9),
        waiting_since: row.get(10),
        unread_count: row.get(11),
        handler: row.get(12),
        status: row.get(13),
        assignee_id: row.get(14),
        assignee: row.get(15),
        priority: row.get(16),
        labels: row.get(17),
        snoozed_until: row.get(18),
        marked_unread: row.get(19),
        opened_at: row.get(20),
        responded_at: row.get(21),
        closed_at: row.get(22),
        is_blocked: row.get(23),
        is_mentioned: row.get(24),
        state: RowState::from_rank(row.get(25)),
    }
}
