-- A copy of what is known about a person says also what happened to their visits and talks, who was named in notes about
-- them, and with whom they were joined.
do $$
declare
    source text := pg_get_functiondef('app.export_person(uuid, text)'::regprocedure);
    change record;
begin
    for change in select * from (values
        ($q$'service', s.name, 'room', r.name)$q$,
         $q$'service', s.name, 'room', r.name,
                'events', (select coalesce(jsonb_agg(jsonb_build_object(
                               'at', v.at, 'kind', v.kind, 'details', v.details, 'member', b.name) order by v.at, v.id), '[]')
                           from app.appointment_events v left join app.members b on b.clinic_id = clinic and b.id = v.member_id
                           where v.clinic_id = clinic and v.appointment_id = a.id))$q$),
        ($q$jsonb_build_object('channel', h.name)$q$,
         $q$jsonb_build_object('channel', h.name,
                'events', (select coalesce(jsonb_agg(jsonb_build_object(
                               'at', v.at, 'kind', v.kind, 'seconds', v.seconds, 'member', b.name) order by v.at, v.id), '[]')
                           from app.conversation_events v left join app.members b on b.clinic_id = clinic and b.id = v.member_id
                           where v.clinic_id = clinic and v.conversation_id = t.id))$q$),
        ($q$'sender', b.name,$q$,
         $q$'sender', b.name,
                'mentioned', (select coalesce(jsonb_agg(jsonb_build_object('member', n.name, 'seen_at', w.seen_at) order by n.name, w.id), '[]')
                              from app.mentions w join app.members n on n.clinic_id = clinic and n.id = w.member_id
                              where w.clinic_id = clinic and w.message_id = m.id),$q$),
        -- Talk by talk, so that whoever writes it down need not hold all of it.
        ($q$order by m.sent_at, m.id;$q$,
         $q$order by t.created_at, t.id, m.sent_at, m.id;$q$),
        -- Of a merge that was undone the other one is somebody else.
        ($q$    when 'audit' then$q$,
         $q$    when 'merges' then
        return query select jsonb_build_object('merged_at', g.merged_at, 'undone_at', g.undone_at, 'member', b.name,
                'kept', case when g.kept_id = any (people) then k.name end,
                'absorbed', case when g.absorbed_id = any (people) then d.name end)
            from app.contact_merges g
            left join app.members b on b.clinic_id = clinic and b.id = g.member_id
            left join app.contacts k on k.clinic_id = clinic and k.id = g.kept_id
            left join app.contacts d on d.clinic_id = clinic and d.id = g.absorbed_id
            where g.clinic_id = clinic and (g.kept_id = any (people) or g.absorbed_id = any (people))
            order by g.merged_at, g.id;
    when 'audit' then$q$)) as c (stands, becomes)
    loop
        if length(source) - length(replace(source, change.stands, '')) <> length(change.stands) then
            raise exception 'app.export_person is otherwise than this migration knows';
        end if;
        source := replace(source, change.stands, change.becomes);
    end loop;
    execute source;
end $$;
