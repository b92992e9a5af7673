"""What all of our NATS subjects begin with; app/bus/subjects.py says what follows. Loaded before anything else is."""

ROOT = "ironflow"
ALL = f"{ROOT}.>"
OUTWARD = tuple(f"{ROOT}.*.{about}.>" for about in ("events", "topics", "entities", "system"))
INGEST = f"{ROOT}.*.*.events.ingest.>"
