"""Redaction, the one change of history that is permitted: a placeholder with its hash takes the place of a payload.

    {"$redacted": true, "sha256": "<of the payload's bytes>", "redactedAt": "<RFC 3339>"}

Tags are replaced by one that says so. Order, versions, digests and every other field stay. What was replaced is told by
an entry of its own, `history.redacted`, recorded in the transaction that replaces it. It vouches for each entry it
changed, so that the chain can still be walked, and a placeholder that nobody recorded is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec

from app.clock import rfc3339
from app.history import digest, kinds
from app.history.entry import Draft, Entry
from app.history.fold import Rowless
from app.history.kinds import (
    Asked,
    EventEmitted,
    Fact,
    Failure,
    GateHeld,
    HistoryRedacted,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunLogged,
    RunNoted,
    RunPaused,
    RunRetrying,
    RunTagged,
    RunUnwinding,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepPatched,
    StepWaiting,
    Voucher,
)
from storage import history
from storage.contract import Transaction
from storage.records import EntryRecord, RedactedRow

PAYLOADS: Mapping[str, tuple[str, ...]] = {
    EventEmitted.kind: ("data", "tags"),
    GateHeld.kind: ("error",),
    RunCreated.kind: ("input", "tags"),
    RunRetrying.kind: ("error",),
    RunCompleted.kind: ("output",),
    RunFailed.kind: ("error",),
    RunPaused.kind: ("error",),
    RunUnwinding.kind: ("error",),
    RunNoted.kind: ("value",),
    RunLogged.kind: ("lines",),
    RunTagged.kind: ("added", "removed", "asked"),
    StepCompleted.kind: ("output",),
    StepFailed.kind: ("error",),
    StepWaiting.kind: ("default", "payload"),
    StepPatched.kind: ("output",),
    StepInjected.kind: ("output",),
    StepCarried.kind: ("output", "error"),
}
"""The kinds of entries that can be redacted, and which fields of their facts are payloads: users' JSON, a failure,
tags, or the hash of what was asked for. Metadata is one always."""

MESSAGE = "redacted"
"""What a failure says whose placeholder is in its details."""


TAGS = (MESSAGE,)
"""What stands for any tags. It has no hash of them; who knows all else of the entry can still try guesses at so short a
text against the entry's digest, which stays."""

Payload = msgspec.Raw | Failure | Asked | tuple[str, ...]


class Redaction(NamedTuple):
    """A wish: the payloads of a stream's versions after one, at most `limit` of them, are to go. `id` names the stream
    of the entry that tells of it, which vouches for each of them: some 250 bytes a version. With a step, only what is
    about that goes."""

    id: str
    stream: str
    after_version: int
    limit: int
    reason: str = ""
    actor: str = ""
    step_id: str = ""


class _Placeholder(msgspec.Struct, forbid_unknown_fields=True):
    redacted: bool = msgspec.field(name="$redacted")
    sha256: str
    redactedAt: str


_placeholder = msgspec.json.Decoder(_Placeholder)
_encode = msgspec.json.Encoder().encode


def redact(tx: Transaction, environment: str, wanted: Redaction, *, now: int) -> list[Draft]:
    """Replace the payloads, and return what is to be recorded of it in the same transaction: nothing, if there was none
    left to replace. Entries of kinds without payloads stay as they are. The caller holds the append lock."""
    previous = history.digests_before(
        tx, environment, wanted.stream, after_version=wanted.after_version, limit=wanted.limit
    )
    rows: list[RedactedRow] = []
    vouchers: list[Voucher] = []
    for record in history.of_stream(
        tx, environment, wanted.stream, after_version=wanted.after_version, limit=wanted.limit
    ):
        if record.kind not in PAYLOADS or not _is_about(record, wanted.step_id) or _is_bare(record):
            continue
        after = redacted(record, now)
        rows.append(RedactedRow(after.data, after.metadata, after.position))
        before = previous.get(record.position, digest.ORIGIN)
        vouchers.append(Voucher(record.position, before.hex(), bytes(record.digest).hex(), row_of(after)))
    if not vouchers:
        return []
    history.redact(tx, rows)
    fact = HistoryRedacted(wanted.stream, tuple(vouchers), wanted.reason)
    return [Draft(stream(wanted.id), fact, actor=wanted.actor)]


def redacted(record: EntryRecord, at: int) -> EntryRecord:
    """The entry as it is once its payloads were replaced at an instant. What is empty stays."""
    fact = kinds.decode(record.kind, record.data)
    replaced = {
        field: _replaced(value, at)
        for field in PAYLOADS[record.kind]
        if not _is_nothing(record.kind, value := getattr(fact, field)) and not _is_replaced(value)
    }
    data = kinds.encode(msgspec.structs.replace(fact, **replaced)).decode()
    metadata = record.metadata
    if metadata != "{}" and not is_placeholder(metadata):
        metadata = placeholder(metadata.encode(), at).decode()
    return record._replace(data=data, metadata=metadata)


def is_redacted(record: EntryRecord) -> bool:
    """Whether something of the entry was redacted, and nothing is left to be."""
    if record.kind not in PAYLOADS:
        return False
    try:
        if not _is_bare(record):
            return False
        fact = kinds.decode(record.kind, record.data)
    except msgspec.MsgspecError:
        return False  # whoever verifies asks about anything that stands in the table
    values = [getattr(fact, field) for field in PAYLOADS[record.kind]]
    return record.metadata != "{}" or any(_is_replaced(value) for value in values)


def _is_bare(record: EntryRecord) -> bool:
    """Whether there is nothing in the entry that could be redacted."""
    if not (record.metadata == "{}" or is_placeholder(record.metadata)):
        return False
    fact = kinds.decode(record.kind, record.data)
    values = [getattr(fact, field) for field in PAYLOADS[record.kind]]
    return all(_is_nothing(record.kind, value) or _is_replaced(value) for value in values)


def _is_about(record: EntryRecord, step_id: str) -> bool:
    return not step_id or getattr(kinds.decode(record.kind, record.data), "step_id", "") == step_id


def _is_nothing(kind: str, value: Payload | None) -> bool:
    """Whether there is no payload. The data of an event are one, whatever they are."""
    if value is None or value == ():
        return True
    if isinstance(value, tuple | Failure | Asked):
        return False
    return kind != EventEmitted.kind and bytes(value) in (b"", b"null")


def _is_replaced(value: Payload | None) -> bool:
    if isinstance(value, tuple):
        return value == TAGS
    if isinstance(value, Asked):
        return not value.hash
    if isinstance(value, Failure):
        return value.message == MESSAGE and not (value.code or value.stack) and is_placeholder(value.details)
    return value is not None and is_placeholder(value)


def _replaced(value: Payload, at: int) -> Payload:
    if isinstance(value, tuple):
        return TAGS
    if isinstance(value, Asked):
        return Asked(value.key, "")
    if isinstance(value, Failure):
        return Failure(MESSAGE, retryable=value.retryable, details=msgspec.Raw(placeholder(_encode(value), at)))
    return msgspec.Raw(placeholder(bytes(value), at))


def placeholder(payload: bytes, at: int) -> bytes:
    told = {"$redacted": True, "sha256": sha256(payload).hexdigest(), "redactedAt": rfc3339(at)}
    return _encode(told)


def is_placeholder(payload: msgspec.Raw | bytes | str) -> bool:
    """Whether it is a placeholder and nothing else: users may send what only looks like one."""
    try:
        told = _placeholder.decode(payload)
    except msgspec.MsgspecError:
        return False
    return told.redacted and len(told.sha256) == 64 and len(told.redactedAt) <= 32


def row_of(record: EntryRecord) -> str:
    """What a voucher says of an entry as it is."""
    return digest.row(record[:-1]).hex()


def stream(id: str) -> str:
    return f"redaction/{id}"


class RedactionNoun(Rowless):
    """A `redaction/<id>` stream holds one entry: what it tells of is done in history."""

    prefix = "redaction"

    def apply(self, state: Fact | None, entry: Entry) -> HistoryRedacted:
        assert isinstance(entry.fact, HistoryRedacted), f"{entry} is not a redaction"
        return entry.fact
