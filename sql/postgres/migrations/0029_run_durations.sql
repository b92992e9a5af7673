-- How long the runs of a function took, for lists of the slowest and the fastest: a row more for each run that has ended.
create index runs_by_duration on runs (environment, function_id, (ended_at - coalesce(started_at, ended_at)), id)
 where ended_at is not null;
