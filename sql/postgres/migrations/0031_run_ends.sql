-- When runs ended, and how, for figures over time: a row more for each run that has ended.
create index runs_by_end on runs (environment, ended_at, status) where ended_at is not null;
