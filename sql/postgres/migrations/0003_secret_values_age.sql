-- When a secret's value was stored, so that what an interrupted change left behind can be told from one under way.
alter table secret_values add column created_at bigint not null default 0;
