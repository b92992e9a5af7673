"""Entities: streams of events that belong to one thing, appended under an expected version."""
