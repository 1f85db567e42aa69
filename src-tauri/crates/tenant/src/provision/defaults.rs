//! What an empty clinic starts with, in Portuguese: all of it can be changed afterwards.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// Name and kind of the stages, from left to right.
const STAGES: [(&str, &str); 5] =
    [("Novo", "open"), ("Em contato", "open"), ("Agendado", "open"), ("Fechado", "won"), ("Perdido", "lost")];

const LOSS_REASONS: [&str; 6] = ["Preço", "Sem retorno", "Escolheu outra clínica", "Horário", "Fora da área", "Outro"];

/// Shortcut, title, text with places to be filled in.
const QUICK_REPLIES: [(&str, &str, &str); 6] = [
    ("ola", "Saudação", "Olá! Tudo bem? Como podemos ajudar?"),
    ("aguarde", "Um momento", "Um momento, por favor. Vou verificar e já respondo."),
    ("horario", "Preferência de horário", "Você prefere manhã ou tarde? Tem algum dia da semana melhor para você?"),
    (
        "lembrete",
        "Lembrete da consulta",
        "Olá, {{primeiro_nome}}. A sua consulta é {{consulta}}, com {{profissional}}. Podemos confirmar?",
    ),
    ("confirma", "Confirmar presença", "Podemos confirmar a sua presença? Se precisar remarcar, é só avisar por aqui."),
    ("obrigado", "Agradecimento", "Obrigado pelo contato! Qualquer dúvida, estamos à disposição."),
];

pub(super) async fn insert(transaction: &mut PgConnection, clinic_id: Uuid) -> Result<()> {
    let (stages, kinds): (Vec<&str>, Vec<&str>) = STAGES.into_iter().unzip();
    sqlx::query(
        "with pipeline as (
            insert into app.pipelines (clinic_id, name, is_default) values ($1, 'Atendimento', true) returning id
         )
         insert into app.pipeline_stages (clinic_id, pipeline_id, name, kind, position)
         select $1, pipeline.id, stage.name, stage.kind, stage.position - 1
         from pipeline, unnest($2::text[], $3::text[]) with ordinality as stage (name, kind, position)",
    )
    .bind(clinic_id)
    .bind(stages)
    .bind(kinds)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.loss_reasons (clinic_id, name, position)
         select $1, reason.name, reason.position - 1
         from unnest($2::text[]) with ordinality as reason (name, position)",
    )
    .bind(clinic_id)
    .bind(&LOSS_REASONS[..])
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "insert into app.quick_replies (clinic_id, shortcut, title, body)
         select $1, reply.shortcut, reply.title, reply.body
         from unnest($2::text[], $3::text[], $4::text[]) as reply (shortcut, title, body)",
    )
    .bind(clinic_id)
    .bind(QUICK_REPLIES.map(|reply| reply.0).to_vec())
    .bind(QUICK_REPLIES.map(|reply| reply.1).to_vec())
    .bind(QUICK_REPLIES.map(|reply| reply.2).to_vec())
    .execute(transaction)
    .await?;
    Ok(())
}
