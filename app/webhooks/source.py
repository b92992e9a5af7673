"""What a webhook source may be, and what changes of it amount to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from app import jsonvalue, patterns, texts
from app.errors import InvalidArgument, IronflowError, WebhookNotFound
from app.history.kinds import EMPTY, Descriptor, Fact, WebhookUpdated
from app.values import secrets
from app.webhooks import descriptor as descriptors
from app.webhooks.noun import DELETED
from storage.webhooks import WebhookSourceRow

NAME_CHARS_MAX = 100
METADATA_BYTES_MAX = 16 * 2**10
VERSION_MAX = 2**31 - 1
GENERIC = "generic"


class NewSource(msgspec.Struct, frozen=True):
    """`provider` says what is known of a sender; `descriptor` says the rest, or otherwise. Without `event_prefix` it is
    the provider. A secret is asked for where the descriptor has a signature."""

    name: str
    provider: str = ""
    event_prefix: str = ""
    descriptor: Descriptor = Descriptor()
    secret: str = ""
    schema_version: int = 1
    metadata: bytes = b"{}"


class Change(msgspec.Struct, frozen=True):
    """What becomes different; None stays as it is."""

    name: str | None = None
    event_prefix: str | None = None
    descriptor: Descriptor | None = None
    schema_version: int | None = None
    metadata: bytes | None = None


def completed(new: NewSource) -> NewSource:
    """The source with what its provider is known for, checked. Raises InvalidArgument."""
    descriptor = descriptors.described(new.provider, new.descriptor)
    new = replace(new, descriptor=descriptor, event_prefix=new.event_prefix or new.provider)
    _check(new.name, new.event_prefix, new.schema_version, new.metadata)
    if bool(descriptor.signature_header) != bool(new.secret):
        raise InvalidArgument(
            "the secret is missing" if not new.secret else "a secret is of no use: no signature is described",
            field="verify_secret",
            hint="the one that the sender signs with; without verify_config and provider nothing is verified",
        )
    if new.secret:
        check_secret(descriptor, new.secret)
    return new


def decide_update(known: WebhookSourceRow, change: Change) -> Sequence[Fact]:
    """What the change amounts to. Raises InvalidArgument."""
    descriptor = known.descriptor
    if change.descriptor is not None:
        provider = known.source_type if known.source_type != GENERIC else ""
        described = descriptors.described(provider, change.descriptor)
        if known.secret_id and not described.signature_header:
            raise InvalidArgument(
                "verify_config describes no signature, and the source has a secret",
                field="verify_config.signature_header",
                hint="turn verification off first",
            )
        descriptor = descriptors.told(described)
    name = known.name if change.name is None else change.name
    prefix = known.event_prefix if change.event_prefix is None else change.event_prefix
    version = known.schema_version if change.schema_version is None else change.schema_version
    metadata = known.metadata if change.metadata is None else change.metadata.decode("utf-8", "replace")
    _check(name, prefix, version, known.metadata.encode() if change.metadata is None else change.metadata)
    told = (name, prefix, descriptor, version, metadata)
    if told == (known.name, known.event_prefix, known.descriptor, known.schema_version, known.metadata):
        return []
    return [
        WebhookUpdated(
            name=name,
            source_type=known.source_type,
            event_prefix=prefix,
            descriptor=descriptors.read(descriptor),
            schema_version=version,
            metadata=msgspec.Raw(metadata.encode()) if metadata != "{}" else EMPTY,
        )
    ]


def existing(row: WebhookSourceRow | None, source_id: str) -> WebhookSourceRow:
    """The source. Raises WebhookNotFound."""
    if row is None or row.status == DELETED:
        raise not_found(source_id)
    return row


def not_found(source: str) -> WebhookNotFound:
    return WebhookNotFound(
        f"there is no webhook source {source[:80]!r}",
        field="source",
        hint="`ironflow webhook list` shows those there are",
    )


def _check(name: str, event_prefix: str, schema_version: int, metadata: bytes) -> None:
    if not name.strip() or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise InvalidArgument(
            f"name {name[:80]!r} is not usable",
            field="name",
            hint=f"1 to {NAME_CHARS_MAX} printable characters without a slash",
        )
    texts.segment(name, field="name")
    if event_prefix.rstrip("."):
        patterns.validate_name(event_prefix.rstrip("."), field="event_prefix")
    if not 1 <= schema_version <= VERSION_MAX:
        raise InvalidArgument(
            f"schema_version {schema_version} is out of range", field="schema_version", hint="1 or more"
        )
    told = jsonvalue.check(metadata, field="metadata", size_max=METADATA_BYTES_MAX)
    if not isinstance(told, dict):
        raise InvalidArgument("metadata must be an object", field="metadata", hint='such as {"team": "shop"}')


def check_secret(descriptor: Descriptor, secret: str) -> None:
    try:
        secrets.check_value(secret)
    except IronflowError as refused:
        refused.field = "verify_secret"
        raise
    descriptors.secret_bytes(descriptor, secret)
