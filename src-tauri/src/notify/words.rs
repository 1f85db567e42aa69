//! What notifications and the icon say, in the language of the screens.

/// Words of one language.
pub(super) struct Words {
    pub(super) program: &'static str,
    one_message: &'static str,
    messages: &'static str,
    within: &'static str,
    conversations: &'static str,
    one_waits: &'static str,
    wait: &'static str,
    kinds: [(&'static str, &'static str); 10],
    other_kind: &'static str,
}

const PORTUGUESE: Words = Words {
    program: "Balcão",
    one_message: "Mensagem nova",
    messages: "mensagens novas",
    within: "em",
    conversations: "conversas",
    one_waits: "1 conversa espera resposta",
    wait: "conversas esperam resposta",
    kinds: [
        ("image", "Imagem"),
        ("audio", "Áudio"),
        ("video", "Vídeo"),
        ("document", "Documento"),
        ("sticker", "Figurinha"),
        ("location", "Localização"),
        ("contact", "Contato"),
        ("poll", "Enquete"),
        ("button_reply", "Opção escolhida"),
        ("list_reply", "Opção escolhida"),
    ],
    other_kind: "Mensagem nova",
};

const ENGLISH: Words = Words {
    program: "Balcão",
    one_message: "New message",
    messages: "new messages",
    within: "in",
    conversations: "conversations",
    one_waits: "1 conversation waits for an answer",
    wait: "conversations wait for an answer",
    kinds: [
        ("image", "Picture"),
        ("audio", "Audio"),
        ("video", "Video"),
        ("document", "Document"),
        ("sticker", "Sticker"),
        ("location", "Location"),
        ("contact", "Contact"),
        ("poll", "Poll"),
        ("button_reply", "Chosen option"),
        ("list_reply", "Chosen option"),
    ],
    other_kind: "New message",
};

impl Words {
    /// The words of a language; Portuguese where it is another one.
    pub(super) fn of(locale: &str) -> &'static Self {
        if locale == "en" { &ENGLISH } else { &PORTUGUESE }
    }

    /// How many messages are new.
    pub(super) fn messages(&self, count: u32) -> String {
        if count == 1 { self.one_message.to_owned() } else { format!("{count} {}", self.messages) }
    }

    /// What a message says, and how many wait with it.
    pub(super) fn message(&self, kind: &str, text: &str, waiting: u32) -> String {
        let kind = self.kinds.iter().find(|(known, _)| *known == kind).map_or(self.other_kind, |(_, name)| name);
        let said = if text.is_empty() { kind } else { text };
        if waiting > 1 { format!("{said} ({})", self.messages(waiting)) } else { said.to_owned() }
    }

    /// How many messages are new in how many threads.
    pub(super) fn many(&self, messages: u32, threads: u32) -> String {
        format!("{} {} {threads} {}", self.messages(messages), self.within, self.conversations)
    }

    /// How many threads wait.
    pub(super) fn waiting(&self, count: u32) -> String {
        match count {
            0 => self.program.to_owned(),
            1 => format!("{} · {}", self.program, self.one_waits),
            _ => format!("{} · {count} {}", self.program, self.wait),
        }
    }
}
