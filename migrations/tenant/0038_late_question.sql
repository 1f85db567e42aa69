-- Nobody is asked how they liked a talk that was closed long ago: where no computer could send, the question waited, and a day
-- later it comes out of the blue. Takes it back when it is about to leave and its time is over, or the person has not written
-- for a day, as when it was decided on.
create function app.drop_late_question(letter uuid) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := app.current_clinic();
begin
    if app.current_member_role() not in ('owner', 'agent') or not exists (
        select from app.satisfaction_surveys s
        join app.conversations c on c.clinic_id = s.clinic_id and c.id = s.conversation_id
        where s.clinic_id = clinic and s.message_id = letter
          and least(s.asked_at, coalesce(c.last_inbound_at, '-infinity')) < clock_timestamp() - interval '1 day')
    then
        return false;
    end if;
    delete from app.jobs j
    where j.clinic_id = clinic and j.kind = 'send_message' and j.dedupe_key = letter::text and j.status = 'queued';
    if found then
        delete from app.messages m where m.clinic_id = clinic and m.id = letter and m.status = 'queued';
    end if;
    return found;
end $$;

do $$
begin
    grant create on schema app to balcao_definer;
    revoke all on function app.drop_late_question(uuid) from public;
    alter function app.drop_late_question(uuid) owner to balcao_definer;
    revoke create on schema app from balcao_definer;
end $$;
grant execute on function app.drop_late_question(uuid) to balcao_owner, balcao_agent;
