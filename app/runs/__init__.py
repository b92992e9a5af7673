"""Functions and runs: registration, triggers, and the life of a run as a pure state machine."""
