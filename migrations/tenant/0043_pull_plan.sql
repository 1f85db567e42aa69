-- What every desk asks after every commit is planned once: a plan of its own for each cursor is no better and costs more than
-- the answer.
alter function app.changes_since(xid8, integer) set plan_cache_mode = force_generic_plan;
