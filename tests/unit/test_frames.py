"""What subscribers are sent of an entry over server-sent events: put together of parts, or encoded as a whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.api import live, subscriptions
from app.api.shapes.subscriptions import event_shown
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Fact, RunPaused, TopicPublished
from storage.records import EntryRecord


def entry(fact: Fact, stream: str = "event/evt_1", **fields: Any) -> Entry:
    record = EntryRecord(7, "default", stream, 1, fact.kind, "{}", "{}", "", "", "", 1_764_000_000_123_456, b"")
    return Entry(record._replace(**fields), fact)


def event(**fields: Any) -> EventEmitted:
    return EventEmitted(**{"id": "evt_1", "name": "order.placed", "data": msgspec.Raw(b'{"total":1}')} | fields)


ENTRIES = {
    "plain": entry(event()),
    "of another version and source": entry(event(version=3, source="webhook")),
    "by somebody": entry(event(), actor="key/ak_1"),
    "with metadata": entry(event(), metadata='{"tenant":"a"}'),
    "what has to be escaped": entry(event(id='a"\\b', name='50%."d"', source='%s"\x00é'), actor='"%d'),
    "what looks like a place": entry(event(id="%b", data=msgspec.Raw(b'"%b%d%%\\u0000"')), metadata='{"a":"%b"}'),
    "data of several lines": entry(event(data=msgspec.Raw(b'{\n"total":\r\n1}'))),
    "metadata of several lines": entry(event(), metadata='{\n"tenant":"a"}'),
    "of a run": entry(event(run_id="run_1")),
    "of an entity": entry(event(), stream="entity/order/42", version=2),
    "a message": entry(TopicPublished(id="evt_1", topic="orders", data=msgspec.Raw(b"[1]"))),
    "of a run's life": entry(RunPaused(execution_seq=1, reason=""), stream="run/run_1"),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_frame_put_together_is_the_frame_encoded_as_a_whole(name: str) -> None:
    given = ENTRIES[name]

    assert subscriptions.framed(given) == live.frame(event_shown(given), 7)
