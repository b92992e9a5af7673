"""Every kind of entry that history can hold, and the shape of its data: one module a noun, the only place for kinds.

A fact is what happened, in the past tense, with what is needed to derive state from it and nothing else. Fields are
only ever added, with a default, so that old entries keep decoding. Instants are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import Any

import msgspec

from app.history.kinds import config, event, function, kv, run, secret
from app.history.kinds.base import EMPTY, NULL, Fact
from app.history.kinds.config import ConfigDeleted, ConfigUpdated
from app.history.kinds.event import EventEmitted
from app.history.kinds.function import FunctionRegistered, RetryPolicy, Trigger
from app.history.kinds.kv import BucketCreated, BucketDeleted, KvDeleted, KvExpired, KvPurged, KvPut
from app.history.kinds.run import (
    Failure,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunPaused,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepSleeping,
)
from app.history.kinds.secret import SecretCreated, SecretDeleted, SecretUpdated

__all__ = [
    "EMPTY",
    "KINDS",
    "NULL",
    "BucketCreated",
    "BucketDeleted",
    "ConfigDeleted",
    "ConfigUpdated",
    "EventEmitted",
    "Fact",
    "Failure",
    "FunctionRegistered",
    "KvDeleted",
    "KvExpired",
    "KvPurged",
    "KvPut",
    "RetryPolicy",
    "RunCancelled",
    "RunCompleted",
    "RunCreated",
    "RunFailed",
    "RunPaused",
    "RunReleased",
    "RunResumed",
    "RunRetrying",
    "RunStarted",
    "SecretCreated",
    "SecretDeleted",
    "SecretUpdated",
    "StepCompleted",
    "StepFailed",
    "StepSleeping",
    "Trigger",
    "decode",
    "encode",
]

_NOUNS = (event, function, run, kv, config, secret)
KINDS: dict[str, type[Fact]] = {fact.kind: fact for noun in _NOUNS for fact in noun.FACTS}

_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(fact) for kind, fact in KINDS.items()}
_encode = msgspec.json.Encoder().encode


def encode(fact: Fact) -> bytes:
    """The fact as JSON, users' payloads byte for byte as they came."""
    return _encode(fact)


def decode(kind: str, data: bytes | str) -> Fact:
    """The fact of an entry. Raises KeyError for a kind that this release does not know."""
    fact: Fact = _DECODERS[kind].decode(data)
    return fact
