-- What the clinic pays and how its members are reached is not copied to desks any more: most of them may not read it.
alter table clinics drop column plan;
alter table members drop column email;
alter table members drop column phone;
alter table members drop column last_seen_at;
