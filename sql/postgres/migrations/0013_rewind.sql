-- The run that a run was forked from, and up to which position they share its history; '' and 0: it was not.
alter table runs add column forked_from_run_id text not null default '';
alter table runs add column forked_from_position bigint not null default 0;
create index runs_by_origin on runs (forked_from_run_id, id) where forked_from_run_id <> '';
