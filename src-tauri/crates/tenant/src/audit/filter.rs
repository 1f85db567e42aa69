//! What of the audit is asked for, as conditions. Values are bound, never written into the statement: `$3` and `$4` the place,
//! `$5` who, `$6` about whom, `$7` and `$8` the time, `$9` the tables, `$10` the actions, `$11` the pattern, `$12` the people
//! whose name it fits.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What is a change of a row; everything else is an event, and those have an index of their own.
const CHANGES: [&str; 3] = ["insert", "update", "delete"];

/// What of the audit is asked for; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it.
    pub member_id: Option<Uuid>,
    /// The person it is about.
    pub person_id: Option<Uuid>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// Done to a row of one of these tables. With `actions`, either is enough.
    pub tables: Vec<String>,
    /// One of these was done.
    pub actions: Vec<String>,
    /// What is in the values, or the name of the person; in any case, with or without accents.
    pub text: Option<String>,
}

impl AuditFilter {
    /// What an index answers.
    pub(super) fn found_by_index(&self, goes_on: bool) -> String {
        // A condition stands there only when it says something, so that the plan is made for it.
        let mut conditions = vec![if goes_on {
            "a.at <= $3 and (a.at, a.id) < ($3, $4)"
        } else {
            "$3::timestamptz is null and $4::uuid is null"
        }];
        conditions.push(if self.member_id.is_some() { "a.member_id = $5" } else { "$5::uuid is null" });
        conditions.push(if self.person_id.is_some() { "a.person_id = $6" } else { "$6::uuid is null" });
        conditions.push(if self.from.is_some() { "a.at >= $7" } else { "$7::timestamptz is null" });
        conditions.push(if self.until.is_some() { "a.at < $8" } else { "$8::timestamptz is null" });
        if self.only_events() {
            conditions.push("a.action not in ('insert', 'update', 'delete')");
        }
        conditions.join(" and ")
    }

    /// What is looked for in each row of a piece.
    pub(super) fn looked_for(&self) -> String {
        let kind = match (self.tables.is_empty(), self.actions.is_empty()) {
            (true, true) => "($9::text[] is not null and $10::text[] is not null)",
            _ => "(p.table_name = any ($9::text[]) or p.action = any ($10::text[]))",
        };
        let text = match self.pattern() {
            None => "($11::text is null and $12::uuid[] is not null)",
            // The whole first, because it is quick; then the values alone, because nobody asks for the names of columns.
            Some(_) => {
                "(p.person_id = any ($12::uuid[])
                  or (app.fold(concat(p.old_values::text, ' ', p.new_values::text)) like $11::text
                      and exists (select from jsonb_each_text(coalesce(p.old_values, '{}')) o where app.fold(o.value) like $11
                                  union all
                                  select from jsonb_each_text(coalesce(p.new_values, '{}')) n where app.fold(n.value) like $11)))"
            }
        };
        format!("{kind} and {text}")
    }

    /// Whether rows are looked through, or all that an index finds is asked for.
    pub(super) fn looks_through(&self) -> bool {
        !self.tables.is_empty() || !self.actions.is_empty() || self.pattern().is_some()
    }

    /// What the values must be like.
    pub(super) fn pattern(&self) -> Option<String> {
        let text = balcao_domain::text::fold(self.text.as_deref().unwrap_or_default().trim());
        if text.is_empty() {
            return None;
        }
        let mut pattern = String::from("%");
        for letter in text.chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        Some(pattern)
    }

    fn only_events(&self) -> bool {
        self.tables.is_empty()
            && !self.actions.is_empty()
            && !self.actions.iter().any(|action| CHANGES.contains(&action.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_text_and_no_pattern() {
        let typed = |text: &str| AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() }.pattern();
        assert_eq!(typed(" João 100%_\\ ").as_deref(), Some("%joao 100\\%\\_\\\\%"));
        assert_eq!(typed("   "), None);
    }

    #[test]
    fn what_an_index_does_not_find_is_looked_through() {
        let mut filter = AuditFilter { member_id: Some(Uuid::nil()), ..AuditFilter::default() };
        assert!(!filter.looks_through());
        filter.actions = vec!["login".to_owned()];
        assert!(filter.looks_through() && filter.found_by_index(false).contains("not in"));
        filter.actions.push("delete".to_owned());
        assert!(!filter.found_by_index(false).contains("not in"), "a deleted row is a change");
    }
}
