//! A person's record as a page that anybody can read: one file that needs nothing but the files beside it, and prints well.

use std::io::{Result, Write};

use chrono::DateTime;
use serde_json::Value;

use super::person::{About, name_of, said};
use super::words;

const STYLE: &str = "
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid #8886;padding-bottom:.25rem}
p.soft,td.soft,.soft{color:#777}table{border-collapse:collapse;width:100%}
td{white-space:pre-line}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8883}
dl{display:grid;grid-template-columns:12rem 1fr;gap:.2rem 1rem;margin:0}dt{color:#777}dd{margin:0;overflow-wrap:anywhere}
.m{margin:.5rem 0;padding:.4rem .7rem;border-radius:.5rem;border:1px solid #8884;max-width:38rem;overflow-wrap:anywhere;
white-space:pre-wrap;break-inside:avoid}.m.out{margin-left:auto}.m .soft{display:block;font-size:.8rem;white-space:normal}.lines{white-space:pre-line}
tr{break-inside:avoid}
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}}
";

/// Written down as the rows come; only those that are few are kept until the others are there.
pub(super) struct Page<W> {
    pub(super) out: W,
    about: About,
    person: Option<Value>,
    pub(super) name: String,
    addresses: Vec<Value>,
    pub(super) talks: Vec<Value>,
    /// The talk whose messages are under way.
    pub(super) talk: String,
    is_table: bool,
}

/// A text that is only a text, whatever is in it.
pub(super) fn plain(text: &str) -> String {
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
pub(super) fn shown(value: &Value) -> String {
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

/// What happened, each with its document.
pub(super) fn events(document: &Value) -> &[Value] {
    listed(document, "events")
}

/// What a document lists under a name.
pub(super) fn listed<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Texts that are there, with this between them.
pub(super) fn joined<'a>(texts: impl IntoIterator<Item = &'a str>, between: &str) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

impl<W: Write> Page<W> {
    pub(super) fn new(out: W, about: About) -> Self {
        let name = String::new();
        Self {
            out,
            about,
            person: None,
            name,
            addresses: Vec::new(),
            talks: Vec::new(),
            talk: String::new(),
            is_table: false,
        }
    }

    /// A document of a part; parts come in the order of [`super::PARTS`].
    pub(super) fn row(&mut self, part: &str, row: Value) -> Result<()> {
        match part {
            "person" if self.person.is_none() => {
                name_of(&row).clone_into(&mut self.name);
                self.person = Some(row);
                Ok(())
            }
            "addresses" => {
                self.addresses.push(row);
                Ok(())
            }
            "conversations" => {
                self.talks.push(row);
                Ok(())
            }
            "patients" => self.patient(&row),
            "visits" => self.visit(&row),
            "waiting_list" => self.waiting(&row),
            "leads" => self.lead(&row),
            "messages" => self.message(&row),
            "merges" => self.merge(&row),
            "audit" => self.audit(&row),
            _ => Ok(()),
        }
    }

    /// That was the part.
    pub(super) fn part_ends(&mut self, part: &str) -> Result<()> {
        if std::mem::take(&mut self.is_table) {
            self.out.write_all(b"</tbody></table>")?;
        }
        match part {
            "addresses" => self.begin(),
            // Those of which nothing was said, and something happened.
            "messages" => {
                for talk in std::mem::take(&mut self.talks).iter().filter(|talk| !events(talk).is_empty()) {
                    self.talk_begins(talk)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// That was all but some files.
    pub(super) fn end(mut self, missing: &[String]) -> Result<W> {
        if !missing.is_empty() {
            self.out.write_all(
                "<h2>Arquivos que faltam</h2><p>Estão registrados nas conversas e não puderam ser lidos, \
                 por isso não estão na pasta arquivos:</p><ul>"
                    .as_bytes(),
            )?;
            for name in missing {
                write!(self.out, "<li>{}</li>", plain(name))?;
            }
            self.out.write_all(b"</ul>")?;
        }
        self.out.write_all(b"</body></html>\n")?;
        Ok(self.out)
    }

    /// A day and a time of the clinic; empty for what is no instant.
    pub(super) fn time(&self, document: &Value, key: &str) -> String {
        DateTime::parse_from_rfc3339(said(document, key)).map_or_else(
            |_| String::new(),
            |at| at.with_timezone(&self.about.time_zone).format("%d/%m/%Y %H:%M").to_string(),
        )
    }

    fn line(&mut self, name: &str, value: &str) -> Result<()> {
        if value.is_empty() { Ok(()) } else { write!(self.out, "<dt>{name}</dt><dd>{}</dd>", plain(value)) }
    }

    /// A line of the table of this part, which begins with the first one.
    pub(super) fn cells(&mut self, title: &str, columns: &[&str], cells: &[String]) -> Result<()> {
        if !std::mem::replace(&mut self.is_table, true) {
            let head: String = columns.iter().map(|column| format!("<th>{column}</th>")).collect();
            write!(self.out, "<h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>")?;
        }
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", plain(cell))).collect();
        writeln!(self.out, "<tr>{cells}</tr>")
    }

    fn begin(&mut self) -> Result<()> {
        let (name, clinic) = (plain(&self.name), plain(&self.about.clinic));
        let made = self.about.now.with_timezone(&self.about.time_zone).format("%d/%m/%Y às %H:%M");
        write!(
            self.out,
            "<!doctype html><html lang=\"pt-BR\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Dados de {name}</title>\
             <style>{STYLE}</style></head><body><h1>Dados de {name}</h1>\
             <p class=\"soft\">O que {clinic} tem registrado, em {made}. Você recebe esta cópia por direito \
             (Lei Geral de Proteção de Dados, art. 18). O mesmo conteúdo, para programas, está no arquivo dados.json; \
             fotos, áudios e documentos das conversas estão na pasta arquivos.</p>"
        )?;
        let Some(person) = self.person.take() else { return Ok(()) };
        self.out.write_all(b"<h2>Cadastro</h2><dl>")?;
        self.line("Nome", said(&person, "name"))?;
        self.line("Nome no WhatsApp", said(&person, "profile_name"))?;
        let addresses = std::mem::take(&mut self.addresses);
        for known in &addresses {
            self.line(words::address(said(known, "kind")), said(known, "value"))?;
        }
        if addresses.is_empty() {
            self.line("Telefone", said(&person, "phone"))?;
        }
        self.line("E-mail", said(&person, "email"))?;
        self.line("Origem", said(&person, "source"))?;
        for (name, key) in [("Etiquetas", "tags"), ("Outros campos", "custom_fields"), ("Notas", "notes")] {
            self.line(name, &shown(person.get(key).unwrap_or(&Value::Null)))?;
        }
        for (name, key) in [
            ("Aceitou receber mensagens", "opted_in_at"),
            ("Pediu para não receber", "opted_out_at"),
            ("Registrado em", "created_at"),
        ] {
            let at = self.time(&person, key);
            self.line(name, &at)?;
        }
        self.out.write_all(b"</dl>")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(parts: &[(&str, Value)]) -> String {
        let about = About {
            clinic: "Clínica Ipê".to_owned(),
            time_zone: chrono_tz::America::Sao_Paulo,
            now: DateTime::from_timestamp(1_795_000_000, 0).expect("it is a time"),
        };
        let mut page = Page::new(Vec::new(), about);
        for part in super::super::PARTS {
            let rows = parts.iter().find(|(name, _)| *name == part).and_then(|(_, rows)| rows.as_array());
            for row in rows.into_iter().flatten() {
                page.row(part, row.clone()).expect("memory takes it");
            }
            page.part_ends(part).expect("memory takes it");
        }
        String::from_utf8(page.end(&[]).expect("memory takes it")).expect("it is text")
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
            ("merges", json!([{"kept": odd, "absorbed": odd}])),
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
            "<div class=\"m out\"><span class=\"soft\">Ana</span>bom dia",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(!page.contains("Vazia") && !page.contains("Leads"), "what is empty is not there");
    }

    #[test]
    fn what_happened_is_said_beside_what_it_happened_to() {
        let page = page(&[
            ("person", json!([{"name": "Zu"}])),
            (
                "visits",
                json!([{"starts_at": "2026-11-18T11:30:00+00:00", "status": "scheduled", "events": [
                    {"at": "2026-11-10T12:00:00+00:00", "kind": "booked", "member": "Ana", "details": {}},
                    {"at": "2026-11-11T12:00:00+00:00", "kind": "moved", "member": "Rui",
                     "details": {"from": {"starts_at": "2026-11-17T11:30:00+00:00"}}},
                ]}]),
            ),
            (
                "conversations",
                json!([
                    {"id": "a", "channel": "Recepção", "events": [
                        {"at": "2026-11-10T12:00:00+00:00", "kind": "first_response", "seconds": 750, "member": "Ana"}],
                     "surveys": [{"asked_at": "2026-11-10T15:00:00+00:00", "score": 5, "answered_at": "2026-11-10T15:05:00+00:00"}]},
                    {"id": "b", "channel": "Muda", "events": [{"at": "2026-11-10T12:00:00+00:00", "kind": "opened"}]},
                ]),
            ),
            (
                "messages",
                json!([
                    {"conversation_id": "a", "direction": "internal", "sender_kind": "member", "sender": "Ana",
                     "kind": "text", "body": "veja", "sent_at": "2026-11-10T12:00:00+00:00",
                     "mentioned": [{"member": "Rui", "seen_at": "2026-11-10T13:00:00+00:00"}, {"member": "Bia"}]},
                    {"conversation_id": "a", "direction": "inbound", "sender_kind": "contact", "kind": "document",
                     "body": "", "saved_as": "arquivos/2026-11-10-x-exame do João.pdf"},
                ]),
            ),
            (
                "merges",
                json!([{"merged_at": "2026-11-10T12:00:00+00:00", "absorbed": "Zuzu", "kept": "Zu", "member": "Ana"}]),
            ),
        ]);
        for text in [
            "10/11/2026 09:00 marcada, Ana\n11/11/2026 09:00 remarcada, Rui, era 17/11/2026 08:30</td>",
            "<h2>Conversa (Recepção)</h2><p class=\"soft lines\">10/11/2026 09:00 primeira resposta, Ana, em 12 min\n10/11/2026 12:00 perguntamos como foi, nota 5 em 10/11/2026 12:05</p>",
            "Ana · 10/11/2026 09:00 · para Rui (visto em 10/11/2026 10:00), Bia</span>veja",
            "<a href=\"arquivos/2026-11-10-x-exame%20do%20Jo%C3%A3o.pdf\">arquivos/2026-11-10-x-exame do João.pdf</a>",
            "<h2>Conversa (Muda)</h2><p class=\"soft lines\">10/11/2026 09:00 aberta</p>",
            "<tr><td>10/11/2026 09:00</td><td>Zuzu</td><td>Zu</td><td>Ana</td><td></td></tr>",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
    }
}
