"""NATS: our own server as a child, and history published outward to JetStream."""
