-- A gateway of the clinic's own may show a certificate of the clinic's own authority, which is no secret.
alter table app.channels drop constraint channels_settings;
alter table app.channels add constraint channels_settings check (
    jsonb_typeof(settings) = 'object'
    and settings - array['daily_cap', 'pace', 'typing', 'read_receipts', 'bot', 'per_instance', 'relay_url', 'ca_pem', 'removed'] = '{}'
    and case when settings ? 'daily_cap' then case when jsonb_typeof(settings -> 'daily_cap') = 'number'
        then (settings ->> 'daily_cap')::numeric between 1 and 100000 else false end else true end
    and coalesce(settings ->> 'pace', 'calm') in ('calm', 'brisk', 'none')
    and coalesce(jsonb_typeof(settings -> 'typing'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'read_receipts'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'bot'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'per_instance'), 'boolean') = 'boolean'
    and coalesce(jsonb_typeof(settings -> 'relay_url'), 'string') = 'string'
    and coalesce(jsonb_typeof(settings -> 'ca_pem'), 'string') = 'string'
    and coalesce(length(settings ->> 'ca_pem'), 1) between 1 and 16384
    and coalesce(jsonb_typeof(settings -> 'removed'), 'boolean') = 'boolean');
