"""Channels: what subscribers call entries, and which patterns let them through."""

from __future__ import annotations

import msgspec
import pytest

from app.bus import subjects
from app.errors import InvalidArgument
from app.events.deliveries import delivery
from app.history import channels
from app.history.entry import Entry
from app.history.kinds import (
    ConfigUpdated,
    EventEmitted,
    Fact,
    RunCompleted,
    RunPaused,
    StepCarried,
    StepCompleted,
    StepInjected,
    StepPatched,
    StepRestored,
    TopicPublished,
)
from storage.records import EntryRecord

NULL = msgspec.Raw(b"null")


def entry(stream: str, fact: Fact) -> Entry:
    return Entry(EntryRecord(1, "default", stream, 1, fact.kind, "{}", "{}", "", "", "", 0, b""), fact)


def event(name: str, stream: str = "event/evt_1") -> Entry:
    return entry(stream, EventEmitted(id="evt_1", name=name, data=NULL))


def step(step_id: str) -> Entry:
    return entry("run/run_1", StepCompleted(step_id=step_id, name=step_id))


ENTRIES = {
    "events:order.placed": event("order.placed"),
    "topic:orders.eu": entry("message/evt_2", TopicPublished(id="evt_2", topic="orders.eu", data=NULL)),
    "entity:order.42.line.added": event("line.added", "entity/order/42"),
    "entity:order.a.1.placed": event("placed", "entity/order/a.1"),
    "system.run.run_1.completed": entry("run/run_1", RunCompleted(execution_seq=1)),
    "system.run.run_1.updated": entry("run/run_1", RunPaused(execution_seq=1, reason="")),
    "system.run.run_1.step.charge.completed": step("charge"),
    "system.run.run_1.step.send.mail.completed": step("send.mail"),
    "system.config.app.limits.updated": entry("config/app.limits", ConfigUpdated()),
}


@pytest.mark.parametrize("text", ENTRIES)
def test_an_entry_is_found_under_its_own_name(text: str) -> None:
    channel = channels.of(ENTRIES[text])

    assert channels.text(channel) == text
    assert [other for other in ENTRIES if matches(text, ENTRIES[other])] == [text]


CORRECTIONS = [
    StepPatched(step_id="s", name="charge", output=NULL, reason="wrong currency"),
    StepInjected(step_id="s", name="charge", output=NULL, reason="wrong currency"),
    StepRestored(step_id="s", name="charge", reason="it was right"),
    StepCarried(step_id="s", name="charge", position=1),
]


@pytest.mark.parametrize("fact", CORRECTIONS, ids=lambda fact: fact.kind)
def test_what_people_do_to_a_step_is_told_too(fact: Fact) -> None:
    told = delivery(entry("run/run_1", fact))

    verb = fact.kind.partition(".")[2]
    assert told.topic == f"system.run.run_1.step.s.{verb}"
    data = msgspec.json.decode(told.data)
    assert (data["runId"], data["stepId"], data["name"], data["status"]) == ("run_1", "s", "charge", verb)


def matches(pattern: str, one: Entry) -> bool:
    channel = channels.of(one)
    return any(compiled.fits(channel) for compiled in channels.compile(pattern))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("order.>", ["events:order.placed"]),
        ("events:*.placed", ["events:order.placed"]),
        (">", ["events:order.placed"]),
        ("topic:orders.*", ["topic:orders.eu"]),
        ("entity:order.42.>", ["entity:order.42.line.added"]),
        ("entity:order.a.1.>", ["entity:order.a.1.placed"]),
        ("entity:order.a.>", []),
        ("entity:order.*.placed", ["entity:order.a.1.placed"]),
        ("entity:>", ["entity:order.42.line.added", "entity:order.a.1.placed"]),
        ("system.run.*.completed", ["system.run.run_1.completed"]),
        ("system.run.run_1.step.send.mail.*", ["system.run.run_1.step.send.mail.completed"]),
        (
            "system.run.*.step.*.completed",
            ["system.run.run_1.step.charge.completed", "system.run.run_1.step.send.mail.completed"],
        ),
        ("system.config.*.updated", ["system.config.app.limits.updated"]),
        ("orders.eu", []),
    ],
)
def test_a_pattern_lets_through_what_it_says(pattern: str, found: list[str]) -> None:
    assert [text for text, one in ENTRIES.items() if matches(pattern, one)] == found


@pytest.mark.parametrize(
    "pattern", ["", "events:", "entity:a..b", "order.>.x", "ord*", "topic:a b", "a\0b", "x" * 1_025]
)
def test_a_pattern_that_is_none_is_refused_with_its_field(pattern: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        channels.compile(pattern, field="pattern")

    assert refused.value.field == "pattern"


def test_patterns_have_subjects_of_nats() -> None:
    assert subjects.filters("default", "order.>") == ["ironflow.default.events.order.>"]
    assert subjects.filters("a.b", "topic:orders.*") == ["ironflow.a%2Eb.topics.orders.*"]
    assert subjects.filters("default", "entity:order.a.1.>") == [
        "ironflow.default.entities.order.a.1.>",
        "ironflow.default.entities.order.a%2E1.>",
    ]


@pytest.mark.parametrize(
    ("text", "name"), [("entity:order.42.line.added", "line.added"), ("topic:orders.eu", "orders.eu")]
)
def test_the_name_is_what_is_in_the_channel(text: str, name: str) -> None:
    assert channels.name(channels.of(ENTRIES[text])) == name
