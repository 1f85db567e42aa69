//! Search in the copy.

mod types;

use std::sync::Arc;

use balcao_cache::{MessageScope, Reach, Timeline};
use balcao_domain::text::fold;
use balcao_tenant::Scope;
use chrono::{DateTime, Utc};

pub use types::*;

use crate::desk::Desk;
use crate::error::ApiError;
use crate::inbox::{at, phone, shown_name};
use crate::members::line_when_online;

/// Results of each kind at the most.
const MOST_ROWS: u32 = 50;
/// Characters of a message around what was found.
const SNIPPET: usize = 120;

pub(crate) async fn search_everything(desk: &Arc<Desk>, request: SearchEverything) -> Result<SearchResults, ApiError> {
    let clinic = desk.clinic().await?;
    let text = request.text.trim();
    let limit = request.limit.min(MOST_ROWS);
    let micros = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
    let SearchScope { conversation_id, from, until } = request.scope;
    let scope = MessageScope { conversation: conversation_id, from: micros(from), until: micros(until) };
    let (people, messages) =
        tokio::try_join!(clinic.cache.search_people(text, limit), clinic.cache.search_messages(text, scope, limit))?;
    Ok(SearchResults {
        people: people
            .into_iter()
            .map(|row| {
                let phone = phone(row.phone.as_deref());
                FoundPerson {
                    contact_id: row.contact_id,
                    name: shown_name(&row.name, row.profile_name.as_deref(), phone.as_deref()),
                    phone,
                    conversation_id: row.conversation_id,
                }
            })
            .collect(),
        messages: messages
            .into_iter()
            .map(|row| FoundMessage {
                id: row.id,
                conversation_id: row.conversation_id,
                name: row.name,
                snippet: snippet(&row.body, text),
                sent_at: at(row.sent_at),
            })
            .collect(),
    })
}

pub(crate) async fn search_older(desk: &Arc<Desk>, request: SearchOlder) -> Result<FoundOlder, ApiError> {
    let text = request.text.trim();
    let before = match request.before {
        Some(before) => before,
        None => {
            let clinic = desk.clinic().await?;
            match clinic.cache.window_reach(Timeline::Messages).await? {
                Reach::From((from, _)) => at(from),
                Reach::Coming => clinic.cache.server_now().await?,
                Reach::Whole => return Ok(FoundOlder { messages: Vec::new(), more: false }),
            }
        }
    };
    let SearchScope { conversation_id, from, until } = request.scope;
    let scope = Scope { before: until.map_or(before, |until| until.min(before)), from, conversation: conversation_id };
    let tenant = line_when_online(desk).await?;
    let found = tenant.search_messages(text, scope, MOST_ROWS + 1).await;
    tenant.close().await;
    let mut found = found?;
    let more = found.len() > MOST_ROWS as usize;
    found.truncate(MOST_ROWS as usize);
    let clinic = desk.clinic().await?;
    let mut messages = Vec::with_capacity(found.len());
    for row in found {
        // A conversation that is not here yet cannot be opened.
        let Ok(talk) = clinic.cache.conversation(row.conversation_id).await else { continue };
        let phone = phone(talk.phone.as_deref());
        messages.push(FoundMessage {
            id: row.id,
            conversation_id: row.conversation_id,
            name: shown_name(&talk.name, talk.profile_name.as_deref(), phone.as_deref()),
            snippet: snippet(&row.body, text),
            sent_at: row.sent_at,
        });
    }
    Ok(FoundOlder { messages, more })
}

/// The piece of a text around the first found word, with every found word marked.
fn snippet(body: &str, query: &str) -> Vec<SnippetPiece> {
    let wanted: Vec<String> =
        fold(query).split(|c: char| !c.is_alphanumeric()).map(str::to_owned).filter(|w| !w.is_empty()).collect();
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut pieces: Vec<SnippetPiece> = Vec::new();
    for word in line.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let letters = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let found = !letters.is_empty() && wanted.iter().any(|w| fold(letters).starts_with(w.as_str()));
        let (marked, rest) = if found { word.split_at(letters.len()) } else { ("", word) };
        if !marked.is_empty() {
            pieces.push(SnippetPiece { text: marked.to_owned(), found: true });
        }
        match pieces.last_mut() {
            _ if rest.is_empty() => {}
            Some(last) if !last.found => last.text.push_str(rest),
            _ => pieces.push(SnippetPiece { text: rest.to_owned(), found: false }),
        }
    }
    shorten(pieces)
}

/// Cuts what stands far before the first found word, and what goes beyond the length of a snippet.
fn shorten(mut pieces: Vec<SnippetPiece>) -> Vec<SnippetPiece> {
    if pieces.len() > 1 && !pieces[0].found {
        let length = pieces[0].text.chars().count();
        if length > SNIPPET / 3 {
            let tail: String = pieces[0].text.chars().skip(length - SNIPPET / 3).collect();
            pieces[0].text = format!("…{tail}");
        }
    }
    let mut left = SNIPPET;
    for index in 0..pieces.len() {
        let length = pieces[index].text.chars().count();
        if length > left {
            let cut: String = pieces[index].text.chars().take(left).collect();
            pieces[index].text = format!("{cut}…");
            pieces.truncate(index + 1);
            break;
        }
        left -= length;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[SnippetPiece]) -> String {
        pieces.iter().map(|p| if p.found { format!("[{}]", p.text) } else { p.text.clone() }).collect()
    }

    #[test]
    fn found_words_are_marked_whatever_their_accents() {
        assert_eq!(
            shown(&snippet("Amanhã às 10, pode ser?\nAmanhã mesmo", "amanha")),
            "[Amanhã] às 10, pode ser? [Amanhã] mesmo"
        );
    }

    #[test]
    fn a_long_text_is_cut_around_what_was_found() {
        let pieces = snippet(&format!("{} exame {}", "palavra ".repeat(40), "depois ".repeat(40)), "exame");
        let text = shown(&pieces);
        assert!(text.starts_with('…') && text.contains("[exame]") && text.ends_with('…'), "{text}");
        assert!(text.chars().count() < SNIPPET + 10);
    }

    #[test]
    fn an_empty_text_has_no_pieces() {
        assert!(snippet("", "x").is_empty());
    }
}
