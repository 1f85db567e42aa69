-- A copy of what is known about a person says also how they liked it.
do $$
declare
    source constant text := pg_get_functiondef('app.export_person(uuid, text)'::regprocedure);
    stands constant text := $q$where v.clinic_id = clinic and v.conversation_id = t.id))$q$;
    becomes constant text := $q$where v.clinic_id = clinic and v.conversation_id = t.id),
                'surveys', (select coalesce(jsonb_agg(jsonb_build_object(
                               'asked_at', u.asked_at, 'answered_at', u.answered_at, 'score', u.score) order by u.asked_at, u.id), '[]')
                            from app.satisfaction_surveys u where u.clinic_id = clinic and u.conversation_id = t.id))$q$;
begin
    if length(source) - length(replace(source, stands, '')) <> length(stands) then
        raise exception 'app.export_person is otherwise than this migration knows';
    end if;
    execute replace(source, stands, becomes);
end $$;
