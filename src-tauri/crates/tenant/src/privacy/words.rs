//! Words of the page for what the database says in one word. What has no word here is shown as it stands.

/// State of a visit.
pub(super) fn visit(status: &str) -> &str {
    match status {
        "scheduled" => "marcada",
        "confirmed" => "confirmada",
        "arrived" => "chegou",
        "in_service" => "em atendimento",
        "completed" => "realizada",
        "cancelled" => "cancelada",
        "no_show" => "faltou",
        other => other,
    }
}

/// What happened to a visit.
pub(super) fn visit_event(kind: &str) -> &str {
    match kind {
        "booked" => "marcada",
        "moved" => "remarcada",
        "scheduled" => "voltou a ser marcada",
        status => visit(status),
    }
}

/// What happened to a conversation.
pub(super) fn talk_event(kind: &str) -> &str {
    match kind {
        "opened" => "aberta",
        "first_response" => "primeira resposta",
        "resolved" => "encerrada",
        "reopened" => "reaberta",
        other => other,
    }
}

/// How long something took.
pub(super) fn duration(seconds: i64) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}

/// Kind of a message that is not text.
pub(super) fn message(kind: &str) -> Option<&str> {
    Some(match kind {
        "text" | "template" => return None,
        "image" => "Imagem",
        "audio" => "Áudio",
        "video" => "Vídeo",
        "document" => "Documento",
        "sticker" => "Figurinha",
        "location" => "Localização",
        "contact" => "Contato",
        "button_reply" | "list_reply" => "Opção escolhida",
        "poll" => "Enquete",
        _ => "Mensagem de outro tipo",
    })
}

/// Kind of an address.
pub(super) fn address(kind: &str) -> &str {
    match kind {
        "phone" => "Telefone",
        "email" => "E-mail",
        "lid" => "Conta do WhatsApp",
        "username" => "Nome de usuário",
        other => other,
    }
}

/// Relation of a patient to the person.
pub(super) fn relation(relation: &str) -> &str {
    match relation {
        "self" => "a própria pessoa",
        "dependent" => "dependente",
        "animal" => "animal",
        "other" => "outra",
        other => other,
    }
}

/// What was done, in the audit.
pub(super) fn action(action: &str) -> &str {
    match action {
        "insert" => "Incluído",
        "update" => "Alterado",
        "delete" => "Excluído",
        "squeeze_in" => "Encaixe",
        "export" => "Dados exportados",
        "erasure" => "Dados apagados",
        other => other,
    }
}

/// What it was done to.
pub(super) fn table(table: &str) -> &str {
    match table {
        "contacts" => "cadastro",
        "contact_identifiers" => "telefone ou e-mail",
        "patients" => "paciente",
        "appointments" => "consulta",
        "waitlist_entries" => "lista de espera",
        "conversations" => "conversa",
        "leads" => "lead",
        other => other,
    }
}
