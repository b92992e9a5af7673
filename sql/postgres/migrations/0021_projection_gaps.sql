-- Between two events of a partition there may be many of others. What is known of such gaps, so that its past is found
-- without looking through them: a snapshot holds `through` a position, and before `since` a partition had no event.
alter table projection_snapshots add column through bigint not null default 0;
alter table projection_states add column since bigint not null default 0;
