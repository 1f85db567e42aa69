//! The audit as a table that spreadsheets open in Brazil: semicolons, UTF-8 that says so, one line for each field that changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use balcao_tenant::Tenant;
use balcao_tenant::audit::AuditFilter;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde_json::json;

use super::{AuditEntry, AuditShape, AuditValue, ExportAudit, ExportedAudit, LONGEST_PAGE, filter, shown};
use crate::copy::{export_folder, save_new};
use crate::desk::Desk;
use crate::error::ApiError;
use crate::members::line;

/// Entries at the most: with several lines each, about what a spreadsheet takes.
const MOST_ENTRIES: usize = 100_000;

/// Words at the most that a screen lends, and bytes of each.
const MOST_WORDS: usize = 2_000;
const LONGEST_WORD: usize = 300;

const COLUMNS: [&str; 10] =
    ["at", "who", "computer", "what", "about", "field", "before", "after", "program", "address"];

type Words = BTreeMap<String, String>;

/// Reads, saves, and has the database write down that it was taken out; without that the file goes again.
pub(crate) async fn export_audit(desk: &Arc<Desk>, request: ExportAudit) -> Result<ExportedAudit, ApiError> {
    let filter = filter(&request.wish)?;
    let words = request.words;
    if words.len() > MOST_WORDS || words.values().any(|word| word.len() > LONGEST_WORD) {
        return Err(ApiError::new("invalid_request", "these are more words than there are").about("words"));
    }
    let folder = export_folder(desk)?;
    let time_zone = desk.clinic().await?.time_zone().await?;
    let tenant = line(desk).await?;
    let read = read(&tenant, &filter).await;
    let (entries, left_out) = match read {
        Ok(read) => read,
        Err(problem) => {
            tenant.close().await;
            return Err(problem);
        }
    };
    let text = table(&entries, &words, time_zone);
    let stamp = desk.clock.now().with_timezone(&time_zone).format("%Y-%m-%d-%H%M");
    let path = match save_new(folder, format!("balcao-auditoria-{stamp}"), "csv", text).await {
        Ok(path) => path,
        Err(problem) => {
            tenant.close().await;
            return Err(problem);
        }
    };
    let details =
        json!({ "entries": entries.len(), "from": filter.from, "until": filter.until, "topic": request.wish.topic });
    let recorded = tenant.record_audit_export(&details).await;
    tenant.close().await;
    if let Err(error) = recorded {
        std::fs::remove_file(&path).map_err(ApiError::internal)?;
        return Err(error.into());
    }
    Ok(ExportedAudit {
        path: path.display().to_string(),
        entries: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        left_out,
    })
}

/// Everything that fits the filter, up to what a spreadsheet takes, and whether there was more.
async fn read(tenant: &Tenant, filter: &AuditFilter) -> Result<(Vec<AuditEntry>, bool), ApiError> {
    let mut entries = Vec::new();
    let mut before = None;
    loop {
        let page = tenant.audit(filter, before, LONGEST_PAGE * 5).await?;
        before = page.next;
        entries.extend(shown(&page).entries);
        if before.is_none() || entries.len() >= MOST_ENTRIES {
            return Ok((entries, before.is_some()));
        }
    }
}

fn table(entries: &[AuditEntry], words: &Words, time_zone: Tz) -> String {
    // Spreadsheets take a text without this mark for one in another encoding.
    let mut text = String::from("\u{feff}");
    row(&mut text, COLUMNS.iter().map(|name| word(words, "column", name)));
    for entry in entries {
        let what = match &entry.kind {
            Some(kind) if matches!(entry.action.as_str(), "insert" | "update" | "delete") => {
                format!("{} {}", word(words, "action", &entry.action), word(words, "kind", kind))
            }
            _ => word(words, "action", &entry.action),
        };
        let about = [entry.person.as_ref().and_then(|person| person.name.clone()), entry.subject.clone()];
        let mut about: Vec<String> = about.into_iter().flatten().collect();
        about.dedup();
        let of_change = |field: String, before: String, after: String| {
            [
                entry.at.with_timezone(&time_zone).format("%Y-%m-%d %H:%M:%S").to_string(),
                entry.who.clone().unwrap_or_else(|| word(words, "column", "server")),
                entry.computer.clone().unwrap_or_default(),
                what.clone(),
                about.join(" · "),
                field,
                before,
                after,
                entry.program.clone().unwrap_or_default(),
                entry.address.clone().unwrap_or_default(),
            ]
        };
        if entry.changes.is_empty() {
            row(&mut text, of_change(String::new(), String::new(), String::new()).into_iter());
        }
        for change in &entry.changes {
            let told = |value: &Option<AuditValue>| {
                value.as_ref().map(|value| told(value, words, time_zone)).unwrap_or_default()
            };
            let field = word(words, "field", &change.field);
            row(&mut text, of_change(field, told(&change.before), told(&change.after)).into_iter());
        }
    }
    text
}

/// What something is called; without a word for it, by its own name.
fn word(words: &Words, group: &str, name: &str) -> String {
    words.get(&format!("{group}.{name}")).cloned().unwrap_or_else(|| name.to_owned())
}

fn told(value: &AuditValue, words: &Words, time_zone: Tz) -> String {
    let text = value.text.as_str();
    match value.shape {
        AuditShape::Flag => word(words, "flag", text),
        AuditShape::Code => word(words, "code", text),
        AuditShape::Time => DateTime::parse_from_rfc3339(text)
            .map_or_else(|_| text.to_owned(), |at| at.with_timezone(&time_zone).format("%Y-%m-%d %H:%M").to_string()),
        AuditShape::Date => {
            text.parse::<NaiveDate>().map_or_else(|_| text.to_owned(), |day| day.format("%Y-%m-%d").to_string())
        }
        AuditShape::Money => text
            .parse::<i64>()
            .map_or_else(|_| text.to_owned(), |cents| format!("{},{:02}", cents / 100, (cents % 100).abs())),
        AuditShape::Clock => text
            .parse::<u32>()
            .map_or_else(|_| text.to_owned(), |minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60)),
        AuditShape::Gone => word(words, "flag", "gone"),
        AuditShape::Text | AuditShape::Number => text.to_owned(),
    }
}

fn row(text: &mut String, fields: impl Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            text.push(';');
        }
        text.push_str(&cell(&field));
    }
    text.push_str("\r\n");
}

/// A field as a cell. What a spreadsheet would compute is kept a text: a person's name must not be a formula.
fn cell(field: &str) -> String {
    let computed = field.trim_start().starts_with(['=', '+', '-', '@']) || field.starts_with(['\t', '\r', '\n']);
    let guard = if computed { "'" } else { "" };
    if computed || field.contains([';', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_and_breaks_no_line() {
        for (field, expected) in [
            ("Ana", "Ana"),
            ("Ana; Bia", "\"Ana; Bia\""),
            ("diz \"oi\"", "\"diz \"\"oi\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+5511988887777", "\"'+5511988887777\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1", "\"'  =1\""),
            ("\t=1", "\"'\t=1\""),
            ("um\ndois", "\"um\ndois\""),
        ] {
            assert_eq!(cell(field), expected, "{field:?}");
        }
    }

    #[test]
    fn the_table_has_the_persons_words_and_the_clinics_times() {
        let words = Words::from(
            [
                ("column.at", "Quando"),
                ("action.update", "Mudou"),
                ("kind.appointments", "a consulta"),
                ("field.starts_at", "Começo"),
                ("field.price_cents", "Preço"),
            ]
            .map(|(name, word)| (name.to_owned(), word.to_owned())),
        );
        let value = |shape, text: &str| Some(AuditValue { shape, text: text.to_owned() });
        let entry = AuditEntry {
            id: uuid::Uuid::nil(),
            at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
            action: "update".to_owned(),
            kind: Some("appointments".to_owned()),
            who: Some("Ana".to_owned()),
            computer: Some("Recepção".to_owned()),
            program: None,
            address: None,
            person: None,
            subject: Some("=cmd".to_owned()),
            changes: vec![
                super::super::AuditChange {
                    field: "starts_at".to_owned(),
                    before: value(AuditShape::Time, "2026-11-24T17:30:00+00:00"),
                    after: None,
                },
                super::super::AuditChange {
                    field: "price_cents".to_owned(),
                    before: None,
                    after: value(AuditShape::Money, "18005"),
                },
            ],
        };
        let text = table(&[entry], &words, chrono_tz::America::Sao_Paulo);
        assert!(text.starts_with("\u{feff}Quando;who;"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "2026-11-18 08:06:40;Ana;Recepção;Mudou a consulta;\"'=cmd\";Começo;2026-11-24 14:30;;;");
        assert!(lines[2].ends_with(";Preço;;180,05;;"), "{}", lines[2]);
        assert_eq!(lines.len(), 3);
    }
}
