//! A person's record as a page that anybody can read: one file that needs nothing else, and prints well.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::export::PersonRecord;
use super::words;

const STYLE: &str = "
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid #8886;padding-bottom:.25rem}
p.soft,td.soft,.soft{color:#777}table{border-collapse:collapse;width:100%}
td{white-space:pre-line}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8883}
dl{display:grid;grid-template-columns:12rem 1fr;gap:.2rem 1rem;margin:0}dt{color:#777}dd{margin:0;overflow-wrap:anywhere}
.m{margin:.5rem 0;padding:.4rem .7rem;border-radius:.5rem;border:1px solid #8884;max-width:38rem;overflow-wrap:anywhere;
white-space:pre-wrap;break-inside:avoid}.m.out{margin-left:auto}.m .soft{display:block;font-size:.8rem;white-space:normal}
tr{break-inside:avoid}
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}}
";

impl PersonRecord {
    /// The page.
    pub fn page(&self, now: DateTime<Utc>) -> String {
        let mut page = Page { text: String::new(), record: self };
        page.begin(now);
        page.person();
        page.patients();
        page.visits();
        page.waiting_list();
        page.leads();
        page.messages();
        page.audit();
        page.text.push_str("</body></html>\n");
        page.text
    }
}

struct Page<'a> {
    text: String,
    record: &'a PersonRecord,
}

/// A text of a document; empty when it is not there.
fn said<'a>(document: &'a Value, key: &str) -> &'a str {
    document.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A text that is only a text, whatever is in it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// A value of a document as people read it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "sim" } else { "não" }.to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect::<Vec<_>>().join("; ")
        }
        Value::Number(number) => number.to_string(),
    }
}

impl Page<'_> {
    fn begin(&mut self, now: DateTime<Utc>) {
        let (name, clinic) = (plain(self.record.name()), plain(&self.record.clinic));
        let made = now.with_timezone(&self.record.time_zone).format("%d/%m/%Y às %H:%M");
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            self.text,
            "<!doctype html><html lang=\"pt-BR\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Dados de {name}</title>\
             <style>{STYLE}</style></head><body><h1>Dados de {name}</h1>\
             <p class=\"soft\">O que {clinic} tem registrado, em {made}. Você recebe esta cópia por direito \
             (Lei Geral de Proteção de Dados, art. 18). O mesmo conteúdo, para programas, está no arquivo dados.json.</p>"
        );
    }

    /// A day and a time of the clinic; empty for what is no instant.
    fn time(&self, document: &Value, key: &str) -> String {
        DateTime::parse_from_rfc3339(said(document, key)).map_or_else(
            |_| String::new(),
            |at| at.with_timezone(&self.record.time_zone).format("%d/%m/%Y %H:%M").to_string(),
        )
    }

    fn heading(&mut self, title: &str) {
        let _ = write!(self.text, "<h2>{title}</h2>");
    }

    fn line(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            let _ = write!(self.text, "<dt>{name}</dt><dd>{}</dd>", plain(value));
        }
    }

    fn table(&mut self, title: &str, columns: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        self.heading(title);
        let head: String = columns.iter().map(|column| format!("<th>{column}</th>")).collect();
        let _ = write!(self.text, "<table><thead><tr>{head}</tr></thead><tbody>");
        for row in rows {
            let cells: String = row.iter().map(|cell| format!("<td>{}</td>", plain(cell))).collect();
            let _ = write!(self.text, "<tr>{cells}</tr>");
        }
        self.text.push_str("</tbody></table>");
    }

    fn person(&mut self) {
        let Some(person) = self.record.part("person").first() else { return };
        self.heading("Cadastro");
        self.text.push_str("<dl>");
        self.line("Nome", said(person, "name"));
        self.line("Nome no WhatsApp", said(person, "profile_name"));
        for known in self.record.part("addresses") {
            self.line(words::address(said(known, "kind")), said(known, "value"));
        }
        if self.record.part("addresses").is_empty() {
            self.line("Telefone", said(person, "phone"));
        }
        self.line("E-mail", said(person, "email"));
        self.line("Origem", said(person, "source"));
        for (name, key) in [("Etiquetas", "tags"), ("Outros campos", "custom_fields"), ("Notas", "notes")] {
            self.line(name, &shown(person.get(key).unwrap_or(&Value::Null)));
        }
        for (name, key) in [
            ("Aceitou receber mensagens", "opted_in_at"),
            ("Pediu para não receber", "opted_out_at"),
            ("Registrado em", "created_at"),
        ] {
            self.line(name, &self.time(person, key));
        }
        self.text.push_str("</dl>");
    }

    fn patients(&mut self) {
        let rows = self.record.part("patients").iter().map(|patient| {
            let birth = said(patient, "birth_date").split('-').rev().collect::<Vec<_>>().join("/");
            let animal = [said(patient, "species"), said(patient, "breed")].join(" ").trim().to_owned();
            vec![
                said(patient, "name").to_owned(),
                words::relation(said(patient, "relation")).to_owned(),
                birth,
                animal,
                said(patient, "medical_notes").to_owned(),
            ]
        });
        let rows = rows.collect();
        self.table("Pacientes", &["Nome", "Relação", "Nascimento", "Espécie e raça", "Observações"], rows);
    }

    fn visits(&mut self) {
        let rows = self.record.part("visits").iter().map(|visit| {
            let texts = ["notes", "squeeze_reason", "cancel_reason"].map(|key| said(visit, key));
            vec![
                self.time(visit, "starts_at"),
                said(visit, "patient").to_owned(),
                [said(visit, "service"), said(visit, "professional")].join(" · ").trim_matches([' ', '·']).to_owned(),
                words::visit(said(visit, "status")).to_owned(),
                texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"),
            ]
        });
        let rows = rows.collect();
        self.table("Consultas", &["Quando", "Paciente", "O quê e com quem", "Situação", "Notas"], rows);
    }

    fn waiting_list(&mut self) {
        let rows = self.record.part("waiting_list").iter().map(|entry| {
            let preferences = shown(entry.get("preferences").unwrap_or(&Value::Null));
            vec![self.time(entry, "created_at"), said(entry, "status").to_owned(), preferences]
        });
        let rows = rows.collect();
        self.table("Lista de espera", &["Desde", "Situação", "Preferências"], rows);
    }

    fn leads(&mut self) {
        let rows = self.record.part("leads").iter().map(|lead| {
            let texts = [said(lead, "next_action"), said(lead, "loss_reason"), said(lead, "loss_note")];
            let answers = shown(lead.get("answers").unwrap_or(&Value::Null));
            let texts = texts.into_iter().chain([answers.as_str()]).filter(|text| !text.is_empty());
            vec![
                self.time(lead, "created_at"),
                said(lead, "title").to_owned(),
                [said(lead, "pipeline"), said(lead, "stage")].join(" · "),
                texts.collect::<Vec<_>>().join("\n"),
            ]
        });
        let rows = rows.collect();
        self.table("Leads", &["Desde", "Interesse", "Etapa", "Mais"], rows);
    }

    fn messages(&mut self) {
        for talk in self.record.part("conversations") {
            let mut letters = self.record.part("messages").iter();
            let mut letters = letters.by_ref().filter(|m| said(m, "conversation_id") == said(talk, "id")).peekable();
            if letters.peek().is_none() {
                continue;
            }
            self.heading(&format!("Conversa ({})", plain(said(talk, "channel"))));
            for letter in letters {
                let from_person = said(letter, "direction") == "inbound";
                let who = match said(letter, "sender_kind") {
                    "contact" => self.record.name(),
                    "bot" => "Assistente automático",
                    _ if said(letter, "sender").is_empty() => "Clínica",
                    _ => said(letter, "sender"),
                };
                let file =
                    letter.get("attachment").map(|file| [said(file, "file_name"), said(file, "title")].join(" "));
                let file = match (said(letter, "saved_as"), file) {
                    ("", file) => file,
                    (name, _) => Some(name.to_owned()),
                };
                let kind = words::message(said(letter, "kind"))
                    .map(|kind| format!("[{kind}] {}", file.unwrap_or_default().trim()).trim_end().to_owned());
                let body = match (kind, said(letter, "body")) {
                    (Some(kind), "") => kind,
                    (Some(kind), body) => format!("{kind}\n{body}"),
                    (None, body) => body.to_owned(),
                };
                let side = if from_person { "m" } else { "m out" };
                let when = self.time(letter, "sent_at");
                let _ = write!(
                    self.text,
                    "<div class=\"{side}\"><span class=\"soft\">{} · {when}</span>{}</div>",
                    plain(who),
                    plain(&body)
                );
            }
        }
    }

    fn audit(&mut self) {
        let rows = self.record.part("audit").iter().map(|entry| {
            let what = format!("{} ({})", words::action(said(entry, "action")), words::table(said(entry, "table")));
            vec![self.time(entry, "at"), what.trim_end_matches(" ()").to_owned()]
        });
        let rows = rows.collect();
        self.table("O que foi feito com estes dados", &["Quando", "O quê"], rows);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn record(parts: &[(&'static str, Value)]) -> PersonRecord {
        let parts: BTreeMap<_, _> =
            parts.iter().map(|(name, rows)| (*name, rows.as_array().cloned().unwrap_or_default())).collect();
        PersonRecord {
            clinic: "Clínica Ipê".to_owned(),
            time_zone: chrono_tz::America::Sao_Paulo,
            parts,
            files: Vec::new(),
        }
    }

    fn page(parts: &[(&'static str, Value)]) -> String {
        let now = DateTime::from_timestamp(1_795_000_000, 0).expect("it is a time");
        record(parts).page(now)
    }

    #[test]
    fn what_people_wrote_is_text_and_nothing_else() {
        let odd = "</style><script>alert('1')</script> \"&\"";
        let page = page(&[
            ("person", json!([{"name": odd, "notes": odd, "tags": [odd], "custom_fields": {odd: odd}}])),
            ("patients", json!([{"name": odd, "relation": odd}])),
            ("conversations", json!([{"id": "c", "channel": odd}])),
            (
                "messages",
                json!([{"conversation_id": "c", "body": odd, "kind": "document", "attachment": {"file_name": odd}}]),
            ),
            ("audit", json!([{"action": odd, "table": odd}])),
        ]);
        assert!(!page.contains("<script") && page.matches("</style>").count() == 1, "{page}");
        assert!(page.matches("&lt;script&gt;alert(&#39;1&#39;)").count() >= 10);
    }

    #[test]
    fn times_are_the_clinics_and_words_are_plain() {
        let page = page(&[
            ("person", json!([{"name": "", "profile_name": "Zu", "phone": "+5511987650123"}])),
            ("visits", json!([{"starts_at": "2026-11-18T11:30:00+00:00", "status": "no_show", "service": "Limpeza"}])),
            ("conversations", json!([{"id": "a", "channel": "Recepção"}, {"id": "b", "channel": "Vazia"}])),
            (
                "messages",
                json!([
                    {"conversation_id": "a", "direction": "inbound", "sender_kind": "contact", "kind": "audio",
                     "body": "", "sent_at": "2026-11-18T02:59:00+00:00"},
                    {"conversation_id": "a", "direction": "outbound", "sender_kind": "member", "sender": "Ana",
                     "kind": "text", "body": "bom dia"},
                ]),
            ),
        ]);
        for text in [
            "Dados de Zu",
            "18/11/2026 às 08:06",
            "<td>18/11/2026 08:30</td>",
            "<td>faltou</td>",
            "<td>Limpeza</td>",
            "Zu · 17/11/2026 23:59</span>[Áudio]",
            "<div class=\"m out\"><span class=\"soft\">Ana · </span>bom dia",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(!page.contains("Vazia") && !page.contains("Leads"), "what is empty is not there");
    }
}
