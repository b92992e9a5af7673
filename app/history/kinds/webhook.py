"""What happens to webhook sources, and to what they deliver. Signing secrets are never here: they lie encrypted in a
table of their own, under `secret_id`; of the token in a source's URL there is a SHA-256."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import Fact, empty


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How deliveries of a source are signed and what they are called; see app/webhooks/descriptor.py."""

    signature_header: str = ""
    entry_separator: str = ""
    kv_delimiter: str = ""
    signature_key: str = ""
    timestamp_header: str = ""
    timestamp_key: str = ""
    signing_template: str = ""
    encoding: str = ""
    algorithm: str = ""
    tolerance_seconds: int = 0
    event_name_path: str = ""
    dedup_id_path: str = ""
    secret_encoding: str = ""
    challenge_path: str = ""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at: what it was, and how it was."""

    name: str
    passed: bool
    detail: str = ""


class Verification(msgspec.Struct, frozen=True, omit_defaults=True):
    """The trace of a verification. `key` tells which secret fits: current, prev, none (none was needed), invalid."""

    key: str
    checks: tuple[Check, ...] = ()

    @property
    def verified(self) -> bool:
        return self.key != "invalid"

    @property
    def reason(self) -> str:
        """Why it was refused; "" if it was not."""
        return next((check.detail for check in self.checks if not check.passed), "") if not self.verified else ""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came. `body` is text or, with `in_base64`, bytes: the first `body_kept` of `body_bytes`, or nothing where
    the event has it as its data."""

    source_id: str
    verification: Verification
    external_id: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    in_base64: bool = False
    body_bytes: int = 0
    body_kept: int = 0


class WebhookCreated(Fact, frozen=True):
    """stream webhook/<source id>"""

    kind = "webhook.created"
    name: str
    source_type: str
    event_prefix: str
    descriptor: Descriptor
    token_hash: str
    token_prefix: str
    secret_id: str = ""
    secret_revision: int = 0
    schema_version: int = 1
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)


class WebhookUpdated(Fact, frozen=True):
    """All that can be changed of a source, as it is from then on."""

    kind = "webhook.updated"
    name: str
    source_type: str
    event_prefix: str
    descriptor: Descriptor
    schema_version: int = 1
    metadata: msgspec.Raw = msgspec.field(default_factory=empty)


class WebhookPaused(Fact, frozen=True):
    kind = "webhook.paused"
    reason: str = ""


class WebhookResumed(Fact, frozen=True):
    kind = "webhook.resumed"


class WebhookSecretRotated(Fact, frozen=True):
    """The secret in use from then on; with none, deliveries need no signature. The one before counts until
    `previous_until`; 0 for no longer."""

    kind = "webhook.secret_rotated"
    secret_id: str = ""
    secret_revision: int = 0
    previous_until: int = 0


class WebhookSecretExpired(Fact, frozen=True):
    """The secret before the one in use no longer counts."""

    kind = "webhook.secret_expired"


class WebhookTokenRotated(Fact, frozen=True):
    kind = "webhook.token_rotated"
    token_hash: str
    token_prefix: str


class WebhookDeleted(Fact, frozen=True):
    kind = "webhook.deleted"


class DeliveryAccepted(Fact, frozen=True):
    """stream delivery/<id>; the event is in the same commit. A delivery that failed before may be accepted later."""

    kind = "delivery.accepted"
    receipt: Receipt
    event_id: str
    event_name: str


class DeliveryHeld(Fact, frozen=True):
    """It was verified while its source was paused: there is no event yet."""

    kind = "delivery.held"
    receipt: Receipt


class DeliveryFailed(Fact, frozen=True):
    """It was verified, and no event could be made of it."""

    kind = "delivery.failed"
    receipt: Receipt
    code: str
    error: str


class DeliveryRejected(Fact, frozen=True):
    """It was not verified."""

    kind = "delivery.rejected"
    receipt: Receipt
    code: str
    error: str


class DeliveryReplayed(Fact, frozen=True):
    """What was delivered before was made an event, once more or at last. The event is in the same commit."""

    kind = "delivery.replayed"
    event_id: str
    event_name: str
    verification: Verification | None = None


FACTS: tuple[type[Fact], ...] = (
    WebhookCreated,
    WebhookUpdated,
    WebhookPaused,
    WebhookResumed,
    WebhookSecretRotated,
    WebhookSecretExpired,
    WebhookTokenRotated,
    WebhookDeleted,
    DeliveryAccepted,
    DeliveryHeld,
    DeliveryFailed,
    DeliveryRejected,
    DeliveryReplayed,
)
