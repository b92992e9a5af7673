"""gRPC, set up for this process: it reads its environment while it is imported, so it is imported from here."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# What waits for a message is what reads the socket: gRPC's event engine is two more threads to be woken by each.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")

import grpc

__all__ = ["grpc"]
