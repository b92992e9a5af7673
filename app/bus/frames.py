"""An entry as a NATS message: the envelope that subscribers read, and the protocol frame that carries it.

Frames follow the NATS client protocol, "HPUB": the header block holds the message id, which is the position.
"""

from __future__ import annotations

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
    header = f"NATS/1.0\r\n{MESSAGE_ID}: {entry.record.position}\r\n\r\n"
    payload = envelope(entry, size_max)
    size = len(header) + len(payload)  # the header is ASCII
    head = f"HPUB {subjects.of(entry)} {reply} {len(header)} {size}\r\n{header}"
    return b"%b%b\r\n" % (head.encode(), payload)


def envelope(entry: Entry, size_max: int) -> bytes:
    """The entry as JSON, its data as they were recorded; left out, and said so, where NATS would refuse the size."""
    record = entry.record
    data, metadata, omitted = record.data, record.metadata, ""
    if omits(entry, size_max):
        data, metadata, omitted = "null", "null", ',"data_omitted":true'
    return (
        f'{{"position":{record.position},"version":{record.version},"kind":"{record.kind}",'
        f'"recorded_at":"{_instant(record.recorded_at)}","environment":{_quoted(record.environment)},'
        f'"stream":{_encode(record.stream).decode()},"data":{data},"metadata":{metadata}{omitted}}}'
    ).encode()


def omits(entry: Entry, size_max: int) -> bool:
    """Whether the entry's data are left out of its envelope."""
    record = entry.record
    if UTF8_BYTES_MAX * (len(record.data) + len(record.metadata)) + ENVELOPE_BYTES_MAX <= size_max:
        return False
    return len(entry.data) + len(entry.metadata) + ENVELOPE_BYTES_MAX > size_max


@lru_cache(256)
def _quoted(environment: str) -> str:
    return _encode(environment).decode()


@lru_cache(16)
def _instant(us: int) -> str:
    """Entries of one commit share their instant."""
    return clock.rfc3339(us)
