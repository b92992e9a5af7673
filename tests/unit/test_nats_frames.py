"""What NATS is told of an entry: frames of its client protocol ("HPUB"), read back by its rules."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec
import pytest

from app.bus.frames import ENVELOPE_BYTES_MAX, frame
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from storage.records import EntryRecord

SIZE_MAX = 2**20
AT = 1_764_000_000_123_456


class Published(NamedTuple):
    """`to` is the subject, and the one to reply to if there is one."""

    to: list[str]
    headers: str
    payload: Any


def entry(
    *, environment: str = "default", stream: str = "event/evt_1", data: str = "{}", metadata: str = "{}"
) -> Entry:
    record = EntryRecord(7, environment, stream, 2, "event.emitted", data, metadata, "", "", "", AT, b"")
    return Entry(record, EventEmitted(id="evt_1", name="order.placed", data=msgspec.Raw(b"1")))


def published(raw: bytes) -> Published:
    """The frame by its control line, which counts bytes."""
    control, _, rest = raw.partition(b"\r\n")
    verb, *to, header_size, size = control.decode("ascii").split()
    assert (verb, rest[int(size) :]) == ("HPUB", b"\r\n")
    headers, payload = rest[: int(header_size)], rest[int(header_size) : int(size)]
    return Published(to, headers.decode("ascii"), json.loads(payload))


def test_an_entry_is_published_with_its_place_and_its_data() -> None:
    told = published(frame(entry(data='{"total":1.50}', metadata='{"tenant":"a"}'), SIZE_MAX, reply="_INBOX.1"))

    assert told == Published(
        ["ironflow.default.events.order.placed", "_INBOX.1"],
        "NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n",
        {
            "position": 7,
            "version": 2,
            "kind": "event.emitted",
            "recorded_at": "2025-11-24T16:00:00.123456Z",
            "environment": "default",
            "stream": "event/evt_1",
            "data": {"total": 1.5},
            "metadata": {"tenant": "a"},
        },
    )


@pytest.mark.parametrize("text", ['a"\\b', "größer", "50%s {0} %b", "\u2028𝄞"])
def test_whatever_an_entry_says_is_counted_in_bytes_and_read_back(text: str) -> None:
    given = json.dumps(text, ensure_ascii=False)

    told = published(frame(entry(environment=text, stream=f"event/{text}", data=given, metadata=given), SIZE_MAX))

    payload = told.payload
    assert [payload[name] for name in ("environment", "data", "metadata")] == [text] * 3
    assert payload["stream"] == f"event/{text}"
    assert len(told.to) == 1


@pytest.mark.parametrize(("letter", "fits"), [("a", 1), ("é", 2), ("𝄞", 4)])
def test_data_that_nats_would_not_take_are_left_out_by_their_bytes(letter: str, fits: int) -> None:
    whole = json.dumps(letter * 100, ensure_ascii=False)
    size = len(whole.encode()) + len("{}") + ENVELOPE_BYTES_MAX
    assert size == 2 + 100 * fits + 2 + ENVELOPE_BYTES_MAX

    taken, refused = (published(frame(entry(data=whole), limit)).payload for limit in (size, size - 1))

    assert (taken["data"], "data_omitted" in taken) == (letter * 100, False)
    assert (refused["data"], refused["metadata"], refused["data_omitted"]) == (None, None, True)
