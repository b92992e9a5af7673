"""Whose turn it is among the commands that wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.history import command_queue
from app.history.command_queue import CommandQueue, Waiting, apart
from app.history.committer import Command, Decision
from app.history.rush import Rush


def command(name: str, weight: int = 1) -> Command:
    def decide(states: Mapping[str, Any], now: int) -> Decision:
        raise AssertionError("nobody decides here")

    return Command("default", (name,), decide, weight=weight)


def put(queue: CommandQueue, name: str, *, weight: int = 1, first: bool = False) -> bool:
    return queue.put(command(name, weight), lambda answer, error: None, first=first)


def names(batch: Any) -> str:
    return " ".join(waiting.command.streams[0] for waiting in batch)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> CommandQueue:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 3)
    monkeypatch.setattr(command_queue, "WAITING_WEIGHT_MAX", 8)
    return CommandQueue(Rush())


def test_those_who_go_first_do_so_in_their_order_and_fill_up_with_others(queue: CommandQueue) -> None:
    for name in ("a", "b", "c"):
        put(queue, name)
    for name in ("1", "2", "3", "4"):
        put(queue, name, first=True)

    assert [names(queue.take_batch()) for _ in range(3)] == ["1 2 3", "4 a b", "c"]
    assert not queue


def test_where_many_wait_nobody_goes_first_any_more(queue: CommandQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_queue, "OVERTAKEN_WEIGHT_MAX", 3)
    for name in ("a", "b"):
        put(queue, name)
    for name in ("1", "2", "3"):
        put(queue, name, first=True)

    assert [names(queue.take_batch()) for _ in range(2)] == ["1 a b", "2 3"]


def test_one_that_is_too_heavy_goes_alone(queue: CommandQueue) -> None:
    put(queue, "a")
    put(queue, "heavy", weight=6)
    put(queue, "1", first=True)

    assert [names(queue.take_batch()) for _ in range(2)] == ["1 a", "heavy"]


def test_a_group_stays_in_one_piece_and_nobody_in_it_goes_first(queue: CommandQueue) -> None:
    put(queue, "a")
    with queue.together():
        for name in ("g", "h", "i", "j"):
            put(queue, name, first=name == "j")
    put(queue, "b")
    put(queue, "1", first=True)

    batches = [queue.take_batch() for _ in range(2)]

    assert [names(batch) for batch in batches] == ["1 a g h i j", "b"]
    assert [names(part) for part in apart(batches[0])] == ["1", "a", "g h i j"]


def test_there_is_room_for_a_group_or_there_is_not(queue: CommandQueue) -> None:
    assert put(queue, "a", weight=7)
    with queue.together():
        assert [put(queue, name) for name in ("g", "h", "i")] == [True, True, True]
    with queue.together():
        assert [put(queue, name) for name in ("j", "k")] == [False, False]
    assert not put(queue, "1", first=True)


@pytest.mark.parametrize(("weight", "full"), [(2, False), (3, True)])
def test_a_batch_is_full_when_it_has_its_weight(queue: CommandQueue, weight: int, full: bool) -> None:
    put(queue, "a", weight=weight)

    assert queue.fills_a_batch is full


def test_nobody_waits_after_all_were_taken(queue: CommandQueue) -> None:
    put(queue, "a", weight=7)
    put(queue, "1", first=True)
    taken: list[Waiting] = [*queue.take_all()]

    assert names(taken) == "1 a"
    assert not queue
    assert put(queue, "b", weight=8)


def test_a_rush_begins_when_those_who_go_first_fill_a_batch_alone_and_ends_with_the_last_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 3)
    rush = Rush()
    queue = CommandQueue(rush)
    for name in ("a", "b", "c", "d"):
        put(queue, name)
    for name in ("1", "2"):
        put(queue, name, first=True)
    assert not rush.on

    put(queue, "heavy", first=True, weight=2)
    assert rush.on

    assert names(queue.take_batch()) == "1 2 a"
    assert rush.on
    assert names(queue.take_batch()) == "heavy b"
    assert not rush.on


def test_a_rush_ends_when_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 1)
    rush = Rush()
    queue = CommandQueue(rush)
    put(queue, "1", first=True)
    assert rush.on

    queue.take_all()

    assert not rush.on
