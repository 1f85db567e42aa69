-- Votes in polls lead to their poll. Few messages are one.
create index messages_votes on messages (reply_to_gateway_id)
    where kind = 'unsupported' and reply_to_gateway_id is not null;
