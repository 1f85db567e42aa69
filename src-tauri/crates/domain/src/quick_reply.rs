//! Texts that are sent often, under a short name, with places for what differs from one person to the next.

use crate::{Refusal, text};

/// Longest short name, in characters.
pub const LONGEST_SHORTCUT: usize = 40;
/// Longest title, in characters.
pub const LONGEST_TITLE: usize = 80;
/// Longest name of a place, in characters: what is longer between braces was meant as it stands.
const LONGEST_VARIABLE: usize = 40;

/// What the program can fill in by itself, by the name that people write. Any other name is asked for.
pub const KNOWN_VARIABLES: [&str; 9] =
    ["nome", "primeiro_nome", "clinica", "atendente", "data", "hora", "consulta", "profissional", "servico"];

/// A quick reply as it may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickReply {
    /// What is typed after the slash: lower case, without accents.
    pub shortcut: String,
    /// What it is called in lists.
    pub title: String,
    /// What it says.
    pub body: String,
}

impl QuickReply {
    /// Trims what a person typed. A short name is made one where it can be: "/Endereço novo" becomes "endereco-novo".
    ///
    /// # Errors
    /// [`Refusal::ShortcutInvalid`], [`Refusal::TextEmpty`], [`Refusal::TextTooLong`].
    pub fn validate(shortcut: &str, title: &str, body: &str) -> Result<Self, Refusal> {
        let shortcut = text::fold(shortcut.trim().trim_start_matches('/')).replace(' ', "-");
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter);
        if shortcut.is_empty() || shortcut.len() > LONGEST_SHORTCUT || !shortcut.chars().all(plain) {
            return Err(Refusal::ShortcutInvalid);
        }
        let title = title.trim();
        if title.is_empty() {
            return Err(Refusal::TextEmpty);
        }
        if title.chars().count() > LONGEST_TITLE {
            return Err(Refusal::TextTooLong);
        }
        let body = crate::reply::validate_text(body)?;
        Ok(Self { shortcut, title: title.to_owned(), body: body.to_owned() })
    }
}

/// A text with its places filled in as far as values are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text; a place without a value stands as it was written.
    pub text: String,
    /// Names of the places without a value, each once, in the order in which they stand.
    pub missing: Vec<String>,
}

/// Puts values in the places of a text: `{{nome}}`. Accents, capitals and spaces in a name do not matter. What a value says is
/// not read again.
pub fn fill(written: &str, value: impl Fn(&str) -> Option<String>) -> Filled {
    let mut filled = Filled { text: String::with_capacity(written.len()), missing: Vec::new() };
    let mut rest = written;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        filled.text.push_str(before);
        let Some((name, length)) = variable(from) else {
            filled.text.push('{');
            rest = &from[1..];
            continue;
        };
        match value(&name).filter(|value| !value.trim().is_empty()) {
            Some(value) => filled.text.push_str(&value),
            None => {
                filled.text.push_str(&from[..length]);
                if !filled.missing.contains(&name) {
                    filled.missing.push(name);
                }
            }
        }
        rest = &from[length..];
    }
    filled.text.push_str(rest);
    filled
}

/// Names of the places that nobody has filled in.
pub fn missing(written: &str) -> Vec<String> {
    fill(written, |_| None).missing
}

/// The name of a place as values are known by it: "Primeiro nome" is "primeiro_nome".
pub fn variable_name(written: &str) -> String {
    text::fold(written).replace(' ', "_")
}

/// The place that a text begins with, and its length in bytes with the braces.
fn variable(text: &str) -> Option<(String, usize)> {
    let inside = text.strip_prefix("{{")?;
    let end = inside.find("}}")?;
    let name = &inside[..end];
    // An accent may stand as a mark of its own.
    let of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-' | '\u{300}'..='\u{36f}');
    let is_name = name.chars().all(of_name);
    let name = variable_name(name);
    (is_name && (1..=LONGEST_VARIABLE).contains(&name.chars().count())).then_some((name, end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Filled {
        fill(text, |name| match name {
            "nome" => Some("Ana {{hora}}".to_owned()),
            "clinica" => Some("Acácia".to_owned()),
            "vazio" => Some(" ".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn places_are_found_however_they_are_written() {
        assert_eq!(filled("Oi, {{ Nome }}, aqui é a {{CLÍNICA}}.").text, "Oi, Ana {{hora}}, aqui é a Acácia.");
        assert_eq!(filled("{{nome}}{{clinica}}").text, "Ana {{hora}}Acácia");
        assert_eq!(missing("{{Primeiro nome}}"), ["primeiro_nome"]);
    }

    #[test]
    fn what_has_no_value_stays_and_is_named_once() {
        let text = "{{valor}} e {{ valor }} e {{vazio}}";
        assert_eq!(filled(text), Filled { text: text.to_owned(), missing: vec!["valor".into(), "vazio".into()] });
    }

    #[test]
    fn braces_that_are_no_place_are_left_alone() {
        for text in ["{{}}", "{{ }}", "{{nome", "{nome}", "{{a\nb}}", "{{a.b}}", "{{{{", "}}{{", "{{\u{301}}}"] {
            assert_eq!(filled(text), Filled { text: text.to_owned(), missing: Vec::new() }, "{text}");
        }
        assert_eq!(filled("{{{nome}}}").text, "{Ana {{hora}}}");
        let long = format!("{{{{{}}}}}", "a".repeat(LONGEST_VARIABLE + 1));
        assert_eq!(missing(&long), Vec::<String>::new());
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_not_filled_again() {
        assert_eq!(filled("{{nome}}").missing, Vec::<String>::new());
    }

    #[test]
    fn a_short_name_is_made_one_where_it_can_be() {
        let named = |shortcut: &str| QuickReply::validate(shortcut, "Título", "Texto").map(|reply| reply.shortcut);
        assert_eq!(named(" /Endereço Novo ").unwrap(), "endereco-novo");
        for wrong in ["", "/", "ola.", "😀", "ção!", &"a".repeat(LONGEST_SHORTCUT + 1)] {
            assert_eq!(named(wrong), Err(Refusal::ShortcutInvalid), "{wrong}");
        }
    }

    #[test]
    fn a_quick_reply_has_a_title_and_a_text_that_can_be_sent() {
        assert_eq!(QuickReply::validate("a", " ", "Texto"), Err(Refusal::TextEmpty));
        assert_eq!(QuickReply::validate("a", &"t".repeat(LONGEST_TITLE + 1), "Texto"), Err(Refusal::TextTooLong));
        assert_eq!(QuickReply::validate("a", "Título", "\n"), Err(Refusal::TextEmpty));
        let kept = QuickReply::validate("a", " Título ", " Texto ").unwrap();
        assert_eq!((&*kept.title, &*kept.body), ("Título", "Texto"));
    }
}
