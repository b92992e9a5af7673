"""Projections: views that are folded from events, in workers or by the server itself."""
