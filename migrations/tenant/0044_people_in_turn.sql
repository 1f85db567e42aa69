-- Who comes into the sight of a professional and who leaves it is decided by one transaction at a time for a person. Of two that
-- each take a visit out of another agenda of the same professional, neither saw that none is left; and of one that brings a
-- person while another takes them away, the second told of somebody gone who is there.
create or replace function internal.count_people() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
declare
    clinic constant uuid := case when tg_op = 'DELETE' then old.clinic_id else new.clinic_id end;
begin
    -- In the order of their ids, so that two visits that change places do not wait for one another.
    perform from app.contacts c
    where c.clinic_id = clinic
      and c.id in (case when tg_op <> 'DELETE' then new.contact_id end, case when tg_op <> 'INSERT' then old.contact_id end)
    order by c.id for no key update;
    perform from app.patients p
    where p.clinic_id = clinic
      and p.id in (case when tg_op <> 'DELETE' then new.patient_id end, case when tg_op <> 'INSERT' then old.patient_id end)
    order by p.id for no key update;
    -- What comes goes first: who is there before and after is never away in between.
    if tg_op <> 'DELETE' then
        perform internal.person_comes(new.clinic_id, new.professional_id, 'contacts', new.contact_id);
        perform internal.person_comes(new.clinic_id, new.professional_id, 'patients', new.patient_id);
    end if;
    if tg_op <> 'INSERT' then
        perform internal.person_goes(old.clinic_id, old.professional_id, 'contacts', old.contact_id);
        perform internal.person_goes(old.clinic_id, old.professional_id, 'patients', old.patient_id);
    end if;
    return null;
end $$;
