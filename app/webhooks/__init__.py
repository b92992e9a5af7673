"""Webhooks: who may deliver what, how it is verified, and the events that come of it."""
