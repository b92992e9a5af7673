-- Of which event another one was emitted anew, and the way back: which were emitted anew of one.
alter table events add column reemitted_from text not null default '';

create index events_reemitted on events (reemitted_from, position) where reemitted_from <> '';
