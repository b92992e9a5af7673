-- Pages of an environment's events, newest or oldest first, and the newest ones whose names are counted: along positions,
-- without sorting all that the environment has or passing what others have. `events_by_name` is for one name only.
create index if not exists events_by_environment on events (environment, position);
