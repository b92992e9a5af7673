"""What tests stand on: throw-away Postgres clusters, real server processes, and nothing left behind by either."""
