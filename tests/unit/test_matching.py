"""Which events a wait accepts, and how the index finds the waits that an event ends."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import EventEmitted, StepWaiting, encode
from app.runs import matching
from app.runs.matching import Candidate, Wait, WaitIndex
from storage.records import EntryRecord


def event(name: str, data: Any = None, *, position: int = 100, at: int = 100, environment: str = "default") -> Entry:
    fact = EventEmitted(id=f"evt_{position}", name=name, data=msgspec.Raw(msgspec.json.encode(data)))
    fields = (position, environment, "event/x", 1, fact.kind, encode(fact).decode(), "{}", "", "", "", at, b"")
    return Entry(EntryRecord(*fields))


def wait(
    name: str, pattern: str, *, match: str = "", value: str = "", position: int = 1, deadline: int = 1_000
) -> Wait:
    fact = StepWaiting(f"s:{name}", name, pattern, deadline, match=match, value=value)
    return Wait(("default", "run_1", f"s:{name}"), fact, position, 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.a", "1"),
        ("$.data.a", "1"),
        ("data.b.c", "x"),
        ("data.list.1", "two"),
        ("data.list[0]", "1"),
        ("data.yes", "true"),
        ("data.none", "null"),
        ("data.half", "0.5"),
        ("data.whole", "3"),
        ("name", "a.b"),
        ("data", None),
        ("data.list", None),
        ("data.list.7", None),
        ("data.missing", None),
        ("data.a.b", None),
    ],
)
def test_the_text_of_a_value_at_a_path(path: str, value: str | None) -> None:
    data = {"a": 1, "b": {"c": "x"}, "list": [1, "two"], "yes": True, "none": None, "half": 0.5, "whole": 3.0}

    assert Candidate(event("a.b", data)).value_at(path) == value


@pytest.mark.parametrize("match", ["data.a == 1", "data.a=='x'", "event.data.a > 1", "has(data.a)", "data.a in [1]"])
def test_what_is_not_a_path_is_an_expression(match: str) -> None:
    assert not matching.is_path(match)
    matching.check(match)


@pytest.mark.parametrize("match", ["data.a ==", "nobody == 1", "data.a\0", "x" * 5_000 + " == 1", "data..a"])
def test_a_match_that_is_neither_is_refused(match: str) -> None:
    with pytest.raises(InvalidArgument):
        matching.check(match)


def test_the_index_finds_what_an_event_ends_and_forgets_what_is_removed() -> None:
    index = WaitIndex()
    waits = [
        wait("any", "order.paid"),
        wait("pattern", "order.>"),
        wait("seven", "order.paid", match="data.id", value="7"),
        wait("eight", "order.paid", match="data.id", value="8"),
        wait("cel", "order.*", match="data.id > 6"),
        wait("later", "order.paid", position=100),
        wait("over", "order.paid", deadline=100),
        wait("other", "order.shipped"),
    ]
    for one in waits:
        index.add(one)

    found = {one.fact.name for one in index.resolved_by(event("order.paid", {"id": 7}))}
    assert found == {"any", "pattern", "seven", "cel"}
    assert index.resolved_by(event("order.paid", {"id": 7}, environment="other")) == []

    for one in waits[:3]:
        index.remove(one.key)
    assert [one.fact.name for one in index.resolved_by(event("order.paid", {"id": 7}))] == ["cel"]
    index.remove_run("default", "run_1")
    assert len(index) == 0
    assert index.resolved_by(event("order.paid", {"id": 8})) == []


def test_the_index_agrees_with_looking_at_every_wait(seed: int) -> None:
    choose = random.Random(seed)
    index, open_waits = WaitIndex(), {}
    for number in range(2_000):
        match choose.randrange(4):
            case 0 | 1:
                pattern = choose.choice(["a.b", "a.*", "a.>", ">", "a.c", "b"])
                match_, value = choose.choice([("", ""), ("data.k", str(choose.randrange(3))), ("data.k > 1", "")])
                made = wait(f"w{choose.randrange(40)}", pattern, match=match_, value=value, position=number)
                index.add(made)
                open_waits[made.key] = made
            case 2 if open_waits:
                key = choose.choice(list(open_waits))
                index.remove(key)
                del open_waits[key]
            case _:
                entry = event(choose.choice(["a.b", "a.c", "b", "a.b.c"]), {"k": choose.randrange(4)}, position=number)
                candidate = Candidate(entry)
                expected = {
                    key
                    for key, one in open_waits.items()
                    if _fits_name(one.fact.event, candidate.fact.name) and candidate.fits(one.fact)
                }
                assert {one.key for one in index.resolved_by(entry)} == expected
        assert len(index) == len(open_waits)


def _fits_name(pattern: str, name: str) -> bool:
    from app import patterns

    return patterns.compile(pattern).matches(name)
