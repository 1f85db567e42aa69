//! What people write to a clinic and what it answers: talks as text files, read once.
//!
//! `== name | use | topic | focus` begins a talk; the focus may be left out. A line is who speaks (`P` the person, `A` the
//! attendant, `B` the bot, `F` the clinic's phone, `N` a private note) and what: `[one|other]` is a choice, in which
//! `[1:one|other]` goes with every other choice of that number, `{name}` a value of the scene, `<audio 12>` and its like an
//! attachment. `P?` may be where the person still waits, `P =` is the answer that confirms a visit, `^` quotes the other
//! side's last message, `~ 2h` is a pause, `@menu 3` the bot's menu and the number chosen.

/// When a talk takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A visit is booked.
    Booking,
    /// A visit is moved.
    Moved,
    /// A reminder that is answered.
    Confirm,
    /// A reminder that is not.
    Reminder,
    /// A visit is cancelled.
    Cancel,
    /// On the way to a visit.
    Today,
    /// After a visit that was missed.
    NoShow,
    /// After a visit.
    After,
    /// Somebody asks for the first time.
    Lead,
    /// The same, and only the bot answers.
    LeadBot,
    /// At any time.
    Any,
    /// One message from the clinic.
    Filler,
}

/// What a talk is about, where it does not fit everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    Skin,
    Bones,
    General,
    CheckUp,
    Return,
    Child,
    ShortNotice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    Person,
    Attendant,
    Bot,
    Phone,
    Note,
}

#[derive(Debug, Clone)]
pub(crate) enum Line {
    Says {
        speaker: Speaker,
        may_wait: bool,
        confirms: bool,
        text: &'static str,
    },
    /// Minutes in which nobody writes.
    Pause(i64),
}

#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// What the tests call it.
    #[cfg_attr(not(test), expect(dead_code))]
    pub(crate) name: &'static str,
    pub(crate) usage: Use,
    pub(crate) topic: &'static str,
    /// What it needs beside its use.
    pub(crate) focus: Option<Focus>,
    pub(crate) lines: Vec<Line>,
}

const TEXTS: &[&str] = &[
    include_str!("scripts/booking.txt"),
    include_str!("scripts/visits.txt"),
    include_str!("scripts/questions.txt"),
    include_str!("scripts/exams.txt"),
    include_str!("scripts/leads.txt"),
    include_str!("scripts/odds.txt"),
];

const MENU: &str = "[Olá{,nome}! 👋 Aqui é o atendimento da Clínica Boa Vista. Como posso ajudar?|{Oi}{,nome}! Você está falando com a Clínica Boa Vista. Escolha uma opção:|Oi{,nome}! Sou o atendimento automático da Clínica Boa Vista 🤖 Me diga o que precisa:]\\n\\n1 – Marcar consulta\\n2 – Remarcar ou cancelar\\n3 – Resultado de exame\\n4 – Valores e convênios\\n5 – Falar com a recepção";

const MENU_ANSWERS: [&str; 6] = [
    "0",
    "[1|1|1 por favor|opção 1]",
    "[2|2|Opção 2]",
    "[3|3|3️⃣|resultado]",
    "[4|4|4 por favor|valores]",
    "[5|5|falar com alguém]",
];

/// All talks. A line that cannot be read is a mistake in a text file: it is left out, and a test counts them.
pub(crate) fn scripts() -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    for line in TEXTS.iter().flat_map(|text| text.lines()) {
        if let Some(head) = line.strip_prefix("== ") {
            let mut parts = head.split(" | ");
            let (Some(name), Some(usage), Some(topic), focus) =
                (parts.next(), parts.next().and_then(usage), parts.next(), parts.next().and_then(focus))
            else {
                continue;
            };
            scripts.push(Script { name, usage, topic, focus, lines: Vec::new() });
        } else if let Some(script) = scripts.last_mut() {
            script.lines.extend(read_line(line).into_iter().flatten());
        }
    }
    scripts
}

fn usage(name: &str) -> Option<Use> {
    Some(match name {
        "booking" => Use::Booking,
        "moved" => Use::Moved,
        "confirm" => Use::Confirm,
        "reminder" => Use::Reminder,
        "cancel" => Use::Cancel,
        "today" => Use::Today,
        "noshow" => Use::NoShow,
        "after" => Use::After,
        "lead" => Use::Lead,
        "leadbot" => Use::LeadBot,
        "any" => Use::Any,
        "filler" => Use::Filler,
        _ => return None,
    })
}

fn focus(name: &str) -> Option<Focus> {
    Some(match name {
        "derma" => Focus::Skin,
        "orto" => Focus::Bones,
        "geral" => Focus::General,
        "checkup" => Focus::CheckUp,
        "retorno" => Focus::Return,
        "filho" => Focus::Child,
        "encaixe" => Focus::ShortNotice,
        _ => return None,
    })
}

fn read_line(line: &'static str) -> Option<Vec<Line>> {
    let (head, text) = line.trim_end().split_once(' ')?;
    let says = |speaker, text| Line::Says { speaker, may_wait: false, confirms: false, text };
    Some(match head {
        "P" => match text.strip_prefix("= ") {
            Some(text) => vec![Line::Says { speaker: Speaker::Person, may_wait: false, confirms: true, text }],
            None => vec![says(Speaker::Person, text)],
        },
        "P?" => vec![Line::Says { speaker: Speaker::Person, may_wait: true, confirms: false, text }],
        "A" => vec![says(Speaker::Attendant, text)],
        "B" => vec![says(Speaker::Bot, text)],
        "F" => vec![says(Speaker::Phone, text)],
        "N" => vec![says(Speaker::Note, text)],
        "~" => {
            let (number, minutes) = match text.as_bytes().last()? {
                b'm' => (&text[..text.len() - 1], 1),
                b'h' => (&text[..text.len() - 1], 60),
                b'd' => (&text[..text.len() - 1], 1440),
                _ => return None,
            };
            vec![Line::Pause(number.parse::<i64>().ok()? * minutes)]
        }
        "@menu" => {
            let answer = MENU_ANSWERS.get(text.parse::<usize>().ok()?)?;
            vec![says(Speaker::Bot, MENU), says(Speaker::Person, answer)]
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_text_files_can_be_read() {
        let written = TEXTS.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty());
        for line in written {
            let known = match line.strip_prefix("== ") {
                Some(head) => {
                    let parts: Vec<&str> = head.split(" | ").collect();
                    parts.len() >= 3
                        && usage(parts[1]).is_some()
                        && parts.get(3).is_none_or(|name| focus(name).is_some())
                }
                None => read_line(line).is_some(),
            };
            assert!(known, "{line}");
        }
    }

    #[test]
    fn no_finished_talk_leaves_a_person_without_an_answer() {
        for script in scripts() {
            let last = script.lines.iter().rev().find_map(|line| match line {
                Line::Says { speaker, .. } if *speaker != Speaker::Note => Some(*speaker),
                _ => None,
            });
            assert!(last.is_some_and(|speaker| speaker != Speaker::Person), "{}", script.name);
        }
    }

    #[test]
    fn choices_that_go_together_are_equally_many() {
        for script in scripts() {
            let texts = script.lines.iter().filter_map(|line| match line {
                Line::Says { text, .. } => Some(*text),
                Line::Pause(_) => None,
            });
            let choices = texts.flat_map(|text| text.split('[').skip(1)).filter_map(|rest| rest.split(']').next());
            for number in ["1:", "2:"] {
                let bound = choices.clone().filter_map(|choice| choice.strip_prefix(number));
                let counts: Vec<usize> = bound.map(|choice| choice.split('|').count()).collect();
                assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "{} {counts:?}", script.name);
                assert_ne!(counts.len(), 1, "{} binds one choice to nothing", script.name);
            }
        }
    }

    #[test]
    fn there_are_talks_enough_for_a_screen_full() {
        let scripts = scripts();
        assert!(scripts.len() >= 60, "{}", scripts.len());
        let waiting =
            |script: &&Script| script.lines.iter().any(|line| matches!(line, Line::Says { may_wait: true, .. }));
        assert!(scripts.iter().filter(waiting).count() >= 50, "different talks in which somebody waits");
    }
}
