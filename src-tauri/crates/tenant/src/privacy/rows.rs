//! What stands on the page for each row.

use std::io::{Result, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::page::{Page, events, joined, listed, plain, shown};
use super::person::said;
use super::words;

/// What stays as it is in the address of a file.
const PLACE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_');

impl<W: Write> Page<W> {
    pub(super) fn patient(&mut self, patient: &Value) -> Result<()> {
        let birth = said(patient, "birth_date").split('-').rev().collect::<Vec<_>>().join("/");
        let cells = [
            said(patient, "name").to_owned(),
            words::relation(said(patient, "relation")).to_owned(),
            birth,
            joined([said(patient, "species"), said(patient, "breed")], " "),
            said(patient, "medical_notes").to_owned(),
        ];
        self.cells("Pacientes", &["Nome", "Relação", "Nascimento", "Espécie e raça", "Observações"], &cells)
    }

    pub(super) fn visit(&mut self, visit: &Value) -> Result<()> {
        let texts = ["notes", "squeeze_reason", "cancel_reason"].map(|key| said(visit, key));
        let history = events(visit).iter().map(|event| {
            let kind = said(event, "kind");
            let from = event.get("details").and_then(|details| details.get("from")).unwrap_or(&Value::Null);
            let before = match (kind, self.time(from, "starts_at")) {
                ("moved", before) if !before.is_empty() => format!("era {before}"),
                _ => String::new(),
            };
            let what = joined([words::visit_event(kind), said(event, "member"), &before], ", ");
            format!("{} {what}", self.time(event, "at"))
        });
        let cells = [
            self.time(visit, "starts_at"),
            said(visit, "patient").to_owned(),
            joined([said(visit, "service"), said(visit, "professional")], " · "),
            words::visit(said(visit, "status")).to_owned(),
            joined(texts, "\n"),
            history.collect::<Vec<_>>().join("\n"),
        ];
        let columns = ["Quando", "Paciente", "O quê e com quem", "Situação", "Notas", "O que houve"];
        self.cells("Consultas", &columns, &cells)
    }

    pub(super) fn waiting(&mut self, entry: &Value) -> Result<()> {
        let preferences = shown(entry.get("preferences").unwrap_or(&Value::Null));
        let cells = [self.time(entry, "created_at"), said(entry, "status").to_owned(), preferences];
        self.cells("Lista de espera", &["Desde", "Situação", "Preferências"], &cells)
    }

    pub(super) fn lead(&mut self, lead: &Value) -> Result<()> {
        let answers = shown(lead.get("answers").unwrap_or(&Value::Null));
        let texts = [said(lead, "next_action"), said(lead, "loss_reason"), said(lead, "loss_note"), &answers];
        let cells = [
            self.time(lead, "created_at"),
            said(lead, "title").to_owned(),
            [said(lead, "pipeline"), said(lead, "stage")].join(" · "),
            joined(texts, "\n"),
        ];
        self.cells("Leads", &["Desde", "Interesse", "Etapa", "Mais"], &cells)
    }

    pub(super) fn talk_begins(&mut self, talk: &Value) -> Result<()> {
        write!(self.out, "<h2>Conversa ({})</h2>", plain(said(talk, "channel")))?;
        let happened = events(talk).iter().map(|event| {
            let took = event.get("seconds").and_then(Value::as_i64).map(words::duration);
            let took = took.map(|took| format!("em {took}")).unwrap_or_default();
            let what = joined([words::talk_event(said(event, "kind")), said(event, "member"), &took], ", ");
            format!("{} {what}", self.time(event, "at"))
        });
        let asked = listed(talk, "surveys").iter().map(|survey| {
            let score = survey.get("score").and_then(Value::as_i64);
            let score = score.map(|score| format!("nota {score} em {}", self.time(survey, "answered_at")));
            let what = joined(["perguntamos como foi", &score.unwrap_or_default()], ", ");
            format!("{} {what}", self.time(survey, "asked_at"))
        });
        let happened = happened.chain(asked).collect::<Vec<_>>().join("\n");
        if happened.is_empty() { Ok(()) } else { write!(self.out, "<p class=\"soft lines\">{}</p>", plain(&happened)) }
    }

    pub(super) fn message(&mut self, letter: &Value) -> Result<()> {
        let talk = said(letter, "conversation_id");
        if self.talk != talk {
            talk.clone_into(&mut self.talk);
            if let Some(at) = self.talks.iter().position(|each| said(each, "id") == talk) {
                let begins = self.talks.remove(at);
                self.talk_begins(&begins)?;
            }
        }
        let from_person = said(letter, "direction") == "inbound";
        let who = match said(letter, "sender_kind") {
            "contact" => &*self.name,
            "bot" => "Assistente automático",
            _ if said(letter, "sender").is_empty() => "Clínica",
            _ => said(letter, "sender"),
        };
        let named = letter.get("mentioned").and_then(Value::as_array).into_iter().flatten().map(|mention| {
            let seen = self.time(mention, "seen_at");
            let seen = if seen.is_empty() { seen } else { format!(" (visto em {seen})") };
            format!("{}{seen}", said(mention, "member"))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let named = if named.is_empty() { named } else { format!("para {named}") };
        let above = joined([who, &self.time(letter, "sent_at"), &named], " · ");
        let attachment = letter.get("attachment").unwrap_or(&Value::Null);
        let file = match said(letter, "saved_as") {
            "" => plain(&joined([said(attachment, "file_name"), said(attachment, "title")], " ")),
            place => format!("<a href=\"{}\">{}</a>", utf8_percent_encode(place, PLACE), plain(place)),
        };
        let kind = words::message(said(letter, "kind")).map(|kind| format!("[{kind}] {file}").trim_end().to_owned());
        let body = joined([kind.as_deref().unwrap_or_default(), &plain(said(letter, "body"))], "\n");
        let side = if from_person { "m" } else { "m out" };
        writeln!(self.out, "<div class=\"{side}\"><span class=\"soft\">{}</span>{body}</div>", plain(&above))
    }

    pub(super) fn merge(&mut self, merge: &Value) -> Result<()> {
        let cells = [
            self.time(merge, "merged_at"),
            said(merge, "absorbed").to_owned(),
            said(merge, "kept").to_owned(),
            said(merge, "member").to_owned(),
            self.time(merge, "undone_at"),
        ];
        let columns = ["Quando", "Este cadastro", "Foi unido a", "Por quem", "Desfeito em"];
        self.cells("Cadastros unidos", &columns, &cells)
    }

    pub(super) fn audit(&mut self, entry: &Value) -> Result<()> {
        let what = format!("{} ({})", words::action(said(entry, "action")), words::table(said(entry, "table")));
        let cells = [self.time(entry, "at"), what.trim_end_matches(" ()").to_owned()];
        self.cells("O que foi feito com estes dados", &["Quando", "O quê"], &cells)
    }
}
