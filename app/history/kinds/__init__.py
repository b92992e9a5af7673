"""Every kind of entry that history can hold, and the shape of its data: one module a noun, the only place for kinds.

A fact is what happened, in the past tense, with what is needed to derive state from it and nothing else. Fields are
only ever added, with a default, so that old entries keep decoding. Instants are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import Any

import msgspec

from app.history.kinds import (
    config,
    entity,
    event,
    function,
    gate,
    group,
    kv,
    projection,
    redaction,
    run,
    schema,
    secret,
    topic,
    webhook,
)
from app.history.kinds.base import ABSENT, EMPTY, NULL, Fact
from app.history.kinds.config import ConfigDeleted, ConfigUpdated
from app.history.kinds.entity import EntityDeleted
from app.history.kinds.event import AppendedPart, EventEmitted, EventKeyed, Outcome
from app.history.kinds.function import (
    Batch,
    CancelOn,
    CircuitBreaker,
    Concurrency,
    Debounce,
    FunctionRegistered,
    FunctionStatusChanged,
    RateLimit,
    RetryPolicy,
    Singleton,
    Throttle,
    Trigger,
)
from app.history.kinds.gate import GateCancelled, GateFired, GateHeld, GatePassed
from app.history.kinds.group import (
    GroupCreated,
    GroupDeadLettered,
    GroupDeleted,
    GroupDiscarded,
    GroupPaused,
    GroupRequeued,
    GroupReset,
    GroupResumed,
    GroupSettings,
    GroupUpdated,
)
from app.history.kinds.kv import BucketCreated, BucketDeleted, KvDeleted, KvExpired, KvPurged, KvPut
from app.history.kinds.projection import (
    ProjectionDefinition,
    ProjectionDeleted,
    ProjectionEventSkipped,
    ProjectionPaused,
    ProjectionRebuildCancelled,
    ProjectionRebuilding,
    ProjectionRebuilt,
    ProjectionRegistered,
    ProjectionResumed,
    ProjectionStopped,
    Rule,
)
from app.history.kinds.redaction import HistoryRedacted, Voucher
from app.history.kinds.run import (
    Asked,
    CancelWhen,
    Dispatch,
    Divergence,
    Failure,
    Origin,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunNoted,
    RunPaused,
    RunPauseRequested,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    RunWoken,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepInvoking,
    StepPatched,
    StepRestored,
    StepSleeping,
    StepWaiting,
)
from app.history.kinds.schema import EnforcementSet, SchemaDeleted, SchemaRegistered
from app.history.kinds.secret import SecretCreated, SecretDeleted, SecretUpdated
from app.history.kinds.topic import TopicPublished
from app.history.kinds.webhook import (
    Check,
    DeliveryAccepted,
    DeliveryFailed,
    DeliveryHeld,
    DeliveryRejected,
    DeliveryReplayed,
    Descriptor,
    Receipt,
    Verification,
    WebhookCreated,
    WebhookDeleted,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretExpired,
    WebhookSecretRotated,
    WebhookTokenRotated,
    WebhookUpdated,
)

__all__ = [
    "ABSENT",
    "EMPTY",
    "KINDS",
    "NULL",
    "AppendedPart",
    "Asked",
    "Batch",
    "BucketCreated",
    "BucketDeleted",
    "CancelOn",
    "CancelWhen",
    "Check",
    "CircuitBreaker",
    "Concurrency",
    "ConfigDeleted",
    "ConfigUpdated",
    "Debounce",
    "DeliveryAccepted",
    "DeliveryFailed",
    "DeliveryHeld",
    "DeliveryRejected",
    "DeliveryReplayed",
    "Descriptor",
    "Dispatch",
    "Divergence",
    "EnforcementSet",
    "EntityDeleted",
    "EventEmitted",
    "EventKeyed",
    "Fact",
    "Failure",
    "FunctionRegistered",
    "FunctionStatusChanged",
    "GateCancelled",
    "GateFired",
    "GateHeld",
    "GatePassed",
    "GroupCreated",
    "GroupDeadLettered",
    "GroupDeleted",
    "GroupDiscarded",
    "GroupPaused",
    "GroupRequeued",
    "GroupReset",
    "GroupResumed",
    "GroupSettings",
    "GroupUpdated",
    "HistoryRedacted",
    "KvDeleted",
    "KvExpired",
    "KvPurged",
    "KvPut",
    "Origin",
    "Outcome",
    "ProjectionDefinition",
    "ProjectionDeleted",
    "ProjectionEventSkipped",
    "ProjectionPaused",
    "ProjectionRebuildCancelled",
    "ProjectionRebuilding",
    "ProjectionRebuilt",
    "ProjectionRegistered",
    "ProjectionResumed",
    "ProjectionStopped",
    "RateLimit",
    "Receipt",
    "RetryPolicy",
    "Rule",
    "RunCancelled",
    "RunCompleted",
    "RunCreated",
    "RunFailed",
    "RunNoted",
    "RunPauseRequested",
    "RunPaused",
    "RunReleased",
    "RunResumed",
    "RunRetrying",
    "RunStarted",
    "RunSuspended",
    "RunUnwinding",
    "RunWoken",
    "SchemaDeleted",
    "SchemaRegistered",
    "SecretCreated",
    "SecretDeleted",
    "SecretUpdated",
    "Singleton",
    "StepCarried",
    "StepCompleted",
    "StepFailed",
    "StepInjected",
    "StepInvoking",
    "StepPatched",
    "StepRestored",
    "StepSleeping",
    "StepWaiting",
    "Throttle",
    "TopicPublished",
    "Trigger",
    "Verification",
    "Voucher",
    "WebhookCreated",
    "WebhookDeleted",
    "WebhookPaused",
    "WebhookResumed",
    "WebhookSecretExpired",
    "WebhookSecretRotated",
    "WebhookTokenRotated",
    "WebhookUpdated",
    "decode",
    "encode",
]

_NOUNS = (entity, event, function, gate, group, run, topic, kv, config, secret, schema, webhook, projection, redaction)
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
