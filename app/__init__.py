"""The Ironflow server: one process that records one continuous history and derives everything else from it."""
