"""What NATS is sent of an entry, byte for byte: put together of parts, or written from its channel as a whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app import clock
from app.bus import frames, subjects
from app.history import channels
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Fact, RunCompleted, RunStarted, RunWoken, StepCompleted, TopicPublished
from app.history.kinds.function import FunctionUnpinned
from app.history.kinds.projection import ProjectionUpdated
from storage.records import EntryRecord

RUN = "run_01kb3nq4v5e8t9a2c4d6f8g0h1"
SIZE_MAX = 2_000


def entry(fact: Fact, stream: str = f"run/{RUN}", **fields: Any) -> Entry:
    data = msgspec.json.encode(fact)
    record = EntryRecord(
        1_007, "default", stream, 3, fact.kind, data.decode(), "{}", "", "", "", 1_764_000_000_123_456, b""
    )
    return Entry(record._replace(**fields), fact)


def event(name: str = "order.placed", data: bytes = b'{"total":1}') -> EventEmitted:
    return EventEmitted(id="evt_1", name=name, data=msgspec.Raw(data))


def updated(partition: str) -> ProjectionUpdated:
    state = msgspec.Raw(b"{}")
    return ProjectionUpdated("evt_1", partition, state, last_event_id="evt_1", last_event_name="order.placed")


def slept(step_id: str) -> StepCompleted:
    return StepCompleted(step_id=step_id, name="nap", type="sleep", execution_seq=1)


ENTRIES = {
    "a run that starts": entry(RunStarted(execution_seq=2, attempt=1, worker_id="w-1")),
    "a run that goes on": entry(RunWoken(step_id="nap:1")),
    "a run that ends": entry(RunCompleted(execution_seq=2, output=msgspec.Raw(b"1"))),
    "a sleep": entry(slept(f"{RUN}:nap:1")),
    "a step with a name to be written": entry(slept(f"{RUN}:50% of é.*:1")),
    "a step called as its run": entry(slept(RUN)),
    "a step of another run": entry(slept("run_2.:nap:1")),
    "a step without an id": entry(slept("")),
    "a run with an id to be written": entry(slept("a.b é:nap:1"), stream="run/a.b é"),
    "a run with an identifier that is not ASCII": entry(RunCompleted(execution_seq=1), stream="run/é"),
    "a stream without an id": entry(slept(":nap:1"), stream="run/"),
    "a stream with a slash in its id": entry(FunctionUnpinned(), stream="function/a/b.c"),
    "an event": entry(event(), stream="event/evt_1"),
    "an event of an entity": entry(event(), stream="entity/order/a.b"),
    "a message": entry(TopicPublished(id="evt_1", topic="orders.eu", data=msgspec.Raw(b"[1]")), stream="event/evt_1"),
    "a projection": entry(updated("a.b"), stream="projection/totals"),
    "another environment": entry(RunCompleted(execution_seq=1), environment='a.b "é"'),
    "what is not ASCII": entry(event(data='{"name":"é€😀"}'.encode()), stream="event/evt_1"),
    "metadata": entry(event(), stream="event/evt_1", metadata='{"via":"dap/é"}'),
    "as large as may be": entry(event(data=b'"%b"' % (b"x" * 900)), stream="event/evt_1"),
    "larger": entry(event(data=b'"%b"' % (b"x" * 2_000)), stream="event/evt_1"),
    "larger in bytes, not in characters": entry(event(data=('"' + "€" * 400 + '"').encode()), stream="event/evt_1"),
}


def subject(given: Entry) -> str:
    prefix, *segments = channels.of(given)
    family = subjects.family((prefix,))
    return ".".join(["ironflow", subjects.token(given.environment), family, *map(subjects.token, segments)])


@pytest.mark.parametrize("name", ENTRIES)
def test_the_subject_of_an_entry_is_its_channel_token_for_token(name: str) -> None:
    given = ENTRIES[name]

    assert subjects.of(given) == subject(given)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("reply", ["", "_INBOX.a"])
def test_a_frame_is_the_envelope_as_json_behind_its_header(name: str, reply: str) -> None:
    given = ENTRIES[name]
    whole = len(given.data) + len(given.metadata) + frames.ENVELOPE_BYTES_MAX <= SIZE_MAX
    told: dict[str, Any] = {
        "position": given.position,
        "version": given.version,
        "kind": given.kind,
        "recorded_at": clock.rfc3339(given.recorded_at),
        "environment": given.environment,
        "stream": given.stream,
        "data": msgspec.Raw(given.data if whole else b"null"),
        "metadata": msgspec.Raw(given.metadata if whole else b"null"),
        **({} if whole else {"data_omitted": True}),
    }
    payload, header = msgspec.json.encode(told), f"NATS/1.0\r\nNats-Msg-Id: {given.position}\r\n\r\n".encode()
    sizes = f"{len(header)} {len(header) + len(payload)}"

    frame = frames.frame(given, SIZE_MAX, reply=reply)

    assert frames.envelope(given, SIZE_MAX) == payload
    assert frame == f"HPUB {subject(given)} {reply} {sizes}\r\n".encode() + header + payload + b"\r\n"
    assert (frames.omitted([given], SIZE_MAX) == [given]) is not whole
