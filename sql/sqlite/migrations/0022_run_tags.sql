-- Tags of runs: in the row a JSON list ('' for one that never had any), and beside it the index by which runs are found.
alter table runs add column tags text not null default '';

create table run_tags (
    environment text not null,
    tag         text not null,
    run_id      text not null,
    primary key (environment, tag, run_id)
) strict, without rowid;

create index run_tags_by_run on run_tags (run_id);

create view sql_run_tags as
select environment,
       run_id,
       tag
  from run_tags;
