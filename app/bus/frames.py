"""An entry as a NATS message: the envelope that subscribers read, and the protocol frame that carries it.

Frames follow the NATS client protocol, "HPUB": the header block holds the message id, which is the position.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from app import clock
from app.bus import subjects
from app.history.entry import Entry

MESSAGE_ID = "Nats-Msg-Id"
ENVELOPE_BYTES_MAX = 1_000
"""What an envelope adds to the entry's data and metadata."""
UTF8_BYTES_MAX = 4
"""Of one character."""

_encode = msgspec.json.Encoder().encode


def frame(entry: Entry, size_max: int, *, reply: str = "") -> bytes:
    """The entry as one HPUB frame, ready to be written; JetStream acknowledges it to `reply`, if there is one."""
    payload = _text(entry, size_max)
    header = f"NATS/1.0\r\n{MESSAGE_ID}: {entry.record[0]}\r\n\r\n"
    bare = len(header)  # it is ASCII, as subjects are
    size = bare + (len(payload) if payload.isascii() else len(payload.encode()))
    return f"HPUB {subjects.of(entry)} {reply} {bare} {size}\r\n{header}{payload}\r\n".encode()


def envelope(entry: Entry, size_max: int) -> bytes:
    """The entry as JSON, its data as they were recorded; left out, and said so, where NATS would refuse the size."""
    return _text(entry, size_max).encode()


def omitted(entries: Sequence[Entry], size_max: int) -> Sequence[Entry]:
    """Those of the entries whose data are left out of their envelopes."""
    sure = _chars_sure(size_max)
    return [
        entry for entry in entries if len(entry.record[5]) + len(entry.record[6]) > sure and _omits(entry, size_max)
    ]


def _chars_sure(size_max: int) -> int:
    """So many characters of data and metadata fit, whatever they are."""
    return (size_max - ENVELOPE_BYTES_MAX) // UTF8_BYTES_MAX


def _omits(entry: Entry, size_max: int) -> bool:
    return len(entry.data) + len(entry.metadata) + ENVELOPE_BYTES_MAX > size_max


def _text(entry: Entry, size_max: int) -> str:
    position, environment, stream, version, kind, data, metadata, _, _, _, recorded_at, _ = entry.record
    omission = ""
    if len(data) + len(metadata) > _chars_sure(size_max) and _omits(entry, size_max):
        data, metadata, omission = "null", "null", ',"data_omitted":true'
    return (
        f'{{"position":{position},"version":{version},"kind":"{kind}",{_there(recorded_at, environment)}'
        f'"stream":{_encode(stream).decode()},"data":{data},"metadata":{metadata}{omission}}}'
    )


@lru_cache(64)
def _there(us: int, environment: str) -> str:
    """When and in which environment: entries of one commit share their instant."""
    return f'"recorded_at":"{clock.rfc3339(us)}","environment":{_encode(environment).decode()},'
