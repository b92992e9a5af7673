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

_encode = msgspec.json.Encoder().encode


def frame(entry: Entry, size_max: int, *, reply: bytes = b"") -> bytes:
    """The entry as one HPUB frame, ready to be written; JetStream acknowledges it to `reply`, if there is one."""
    header = b"NATS/1.0\r\n%b: %d\r\n\r\n" % (MESSAGE_ID.encode(), entry.position)
    payload = envelope(entry, size_max)
    size = len(header) + len(payload)
    subject = subjects.of(entry).encode()
    return b"HPUB %b %b %d %d\r\n%b%b\r\n" % (subject, reply, len(header), size, header, payload)


def envelope(entry: Entry, size_max: int) -> bytes:
    """The entry as JSON, its data as they were recorded; left out, and said so, where NATS would refuse the size."""
    data, metadata, omitted = entry.data, entry.metadata, b""
    if omits(entry, size_max):
        data, metadata, omitted = b"null", b"null", b',"data_omitted":true'
    head = (
        f'{{"position":{entry.position},"version":{entry.version},"kind":"{entry.kind}",'
        f'"recorded_at":"{_instant(entry.recorded_at)}","environment":'
    )
    names = (_encode(entry.environment), b',"stream":', _encode(entry.stream))
    return b"".join((head.encode(), *names, b',"data":', data, b',"metadata":', metadata, omitted, b"}"))


def omits(entry: Entry, size_max: int) -> bool:
    """Whether the entry's data are left out of its envelope."""
    return len(entry.data) + len(entry.metadata) + ENVELOPE_BYTES_MAX > size_max


@lru_cache(16)
def _instant(us: int) -> str:
    """Entries of one commit share their instant."""
    return clock.rfc3339(us)
