"""The committer's promises, on both stores."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.clock import ManualClock
from app.errors import Conflict, Internal, ResourceExhausted
from app.history import command_queue
from app.history.committer import Command, Decision, submitted
from app.history.entry import Draft
from app.history.kinds import EventEmitted
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from storage import history
from storage.contract import Storage, StorageConflict, Transaction
from tests.support.nodes import alive


def emit(name: str, *, environment: str = "default") -> Command:
    where = f"event/{name}"
    fact = EventEmitted(id=name, name="counted", data=msgspec.Raw(b"1"))

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        if states[where] is not None:
            raise Conflict(f"{name} exists")
        return Decision([Draft(where, fact)], name)

    return Command(environment, (where,), decide)


def broken(states: Mapping[str, Any], now: int) -> Decision:
    raise ZeroDivisionError


async def test_commands_of_one_batch_fail_alone(node: Node) -> None:
    answers = await asyncio.gather(
        node.committer.commit(emit("a")),
        node.committer.commit(emit("a")),
        node.committer.commit(Command("default", ("event/b",), broken)),
        node.committer.commit(emit("c")),
        return_exceptions=True,
    )

    assert answers[0] == "a"
    assert isinstance(answers[1], Conflict)
    assert isinstance(answers[2], Internal)
    assert answers[3] == "c"
    assert node.tail.head == 2


async def test_a_transaction_holds_no_more_than_its_weight_allows(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 10)
    sizes: list[int] = []
    appended = history.append

    def append(tx: Transaction, entries: Any) -> None:
        sizes.append(len(entries))
        appended(tx, entries)

    monkeypatch.setattr("storage.history.append", append)

    await asyncio.gather(*(node.committer.commit(replace(emit(f"{n}"), weight=n)) for n in (4, 6, 1, 30, 2)))

    assert sizes == [2, 1, 1, 1]


async def test_a_batch_that_the_store_refuses_is_retried_command_by_command(
    node: Node, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that the committer's states do not know of stands in the way of one command only."""
    refused = history.append

    def append(tx: Transaction, entries: Any) -> None:
        if any(entry.stream == "event/bad" for entry in entries):
            raise StorageConflict("event/bad: refused")
        refused(tx, entries)

    monkeypatch.setattr("storage.history.append", append)

    answers = await asyncio.gather(
        *(node.committer.commit(emit(name)) for name in ("a", "bad", "c")), return_exceptions=True
    )

    assert answers[0] == "a"
    assert isinstance(answers[1], StorageConflict)
    assert answers[2] == "c"
    assert (await verify(storage)).bad_position is None


async def test_what_is_submitted_together_is_recorded_together_or_not_at_all(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 2)
    appended = history.append
    sizes: list[int] = []

    def append(tx: Transaction, entries: Any) -> None:
        if any(entry.stream == "event/bad" for entry in entries):
            raise StorageConflict("event/bad: refused")
        appended(tx, entries)
        sizes.append(len(entries))

    monkeypatch.setattr("storage.history.append", append)

    asked: list[asyncio.Future[Any]] = [asyncio.ensure_future(node.committer.commit(emit("alone")))]
    await asyncio.sleep(0)  # it is submitted
    for names in (("a", "b", "c"), ("d", "bad", "e")):
        with node.committer.together():
            asked += [submitted(partial(node.committer.submit, emit(name))) for name in names]
    asked.append(asyncio.ensure_future(node.committer.commit(emit("last"))))
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert answers[:4] == ["alone", "a", "b", "c"]
    assert all(isinstance(answer, StorageConflict) for answer in answers[4:7])
    assert answers[7] == "last"
    assert sizes == [4, 1] or sizes == [1, 3, 1]


async def test_what_goes_first_goes_before_all_that_wait(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 2)
    asked = [
        submitted(partial(node.committer.submit, emit(name), first=name.startswith("due")))
        for name in ("a", "b", "due 1", "c", "due 2", "due 3")
    ]
    await asyncio.gather(*asked)

    recorded = await node.storage.read(lambda tx: history.after(tx, 0))
    assert [entry.stream for entry in recorded] == [f"event/{n}" for n in ("due 1", "due 2", "due 3", "a", "b", "c")]


async def test_a_full_batch_is_begun_before_the_callers_of_the_last_are_answered(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_queue, "BATCH_WEIGHT_MAX", 1)
    begun = {name: threading.Event() for name in ("a", "bad", "c")}
    overlapped: list[bool] = []
    appended = history.append

    def append(tx: Transaction, entries: Any) -> None:
        for entry in entries:
            begun[entry.stream.removeprefix("event/")].set()
            if entry.stream == "event/bad":
                raise StorageConflict("event/bad: refused")
        appended(tx, entries)

    def answered(answer: Any, error: BaseException | None) -> None:
        overlapped.append(begun["bad"].wait(30))

    monkeypatch.setattr("storage.history.append", append)

    node.committer.submit(emit("a"), answered)
    others = [node.committer.commit(emit(name)) for name in ("bad", "c")]
    answers = await asyncio.gather(*others, return_exceptions=True)

    assert overlapped == [True]
    assert isinstance(answers[0], StorageConflict)
    assert answers[1] == "c"
    assert (await verify(node.storage)).bad_position is None


async def test_what_is_submitted_together_is_refused_together(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_queue, "WAITING_WEIGHT_MAX", 2)
    with node.committer.together():
        taken = [submitted(partial(node.committer.submit, emit(name))) for name in ("a", "b", "c")]
    with node.committer.together():
        refused = [submitted(partial(node.committer.submit, emit(name))) for name in ("d", "e")]

    assert await asyncio.gather(*taken) == ["a", "b", "c"]
    assert all(isinstance(one, ResourceExhausted) for one in await asyncio.gather(*refused, return_exceptions=True))


async def test_a_refused_command_is_not_in_the_states_of_the_next(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as patch:

        def refuse(tx: Transaction, entries: Any) -> None:
            raise StorageConflict("not now")

        patch.setattr("storage.history.append", refuse)
        with pytest.raises(StorageConflict):
            await node.committer.commit(emit("a"))

    assert await node.committer.commit(emit("a")) == "a"


async def test_environments_are_apart(node: Node) -> None:
    await node.committer.commit(emit("a"))

    assert await node.committer.commit(emit("a", environment="other")) == "a"


async def test_positions_are_gapless_and_followers_see_every_entry_in_order(node: Node) -> None:
    async def follow(count: int) -> list[int]:
        seen: list[int] = []
        async for batch in node.tail.follow(0):
            seen += [entry.position for entry in batch]
            if len(seen) >= count:
                return seen
        return seen

    following = asyncio.create_task(follow(300))
    await asyncio.gather(*(node.committer.commit(emit(f"e{n}")) for n in range(300)))

    assert await following == list(range(1, 301))
    assert await follow(300) == list(range(1, 301))


async def test_who_hands_runs_out_hears_of_a_commit_before_its_callers_go_on(node: Node) -> None:
    order: list[str] = []

    async def follow() -> None:
        async for batch in node.tail.follow(0, first=True):
            order.extend(f"heard {entry.position}" for entry in batch)

    async def call(name: str) -> None:
        await node.committer.commit(emit(name))
        order.append(f"answered {name}")

    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(follow())
        await asyncio.sleep(0)
        for name in ("a", "b"):
            await tasks.create_task(call(name))
        following.cancel()

    assert order == ["heard 1", "answered a", "heard 2", "answered b"]


async def test_time_in_history_never_runs_backwards(node: Node, clock: ManualClock, storage: Storage) -> None:
    await node.committer.commit(emit("a"))
    clock.advance(seconds=-3600)
    await node.committer.commit(emit("b"))

    first, second = await storage.read(lambda tx: history.after(tx, 0))
    assert second.recorded_at >= first.recorded_at


async def test_two_nodes_on_one_store_see_each_other(storage: Storage, clock: ManualClock) -> None:
    """What another node appended is folded in before anything is decided."""
    one, two = (Node(storage=storage, clock=clock, ids=Ids(clock)) for _ in range(2))
    async with alive(one), alive(two):
        await one.committer.commit(emit("a"))
        await two.committer.commit(emit("b"))
        with pytest.raises(Conflict):
            await one.committer.commit(emit("b"))
        with pytest.raises(Conflict):
            await two.committer.commit(emit("a"))
        await one.committer.commit(emit("c"))

    assert [entry.position for entry in await storage.read(lambda tx: history.after(tx, 0))] == [1, 2, 3]
    assert (await verify(storage)).bad_position is None


@pytest.mark.parametrize("column", ["data", "kind", "recorded_at", "version", "digest"])
async def test_verify_names_the_first_entry_that_was_changed(node: Node, storage: Storage, column: str) -> None:
    await asyncio.gather(*(node.committer.commit(emit(f"e{n}")) for n in range(9)))
    value = {"recorded_at": "recorded_at + 1", "version": "version + 5", "digest": "previous"}.get(column, "'x'")
    if column == "digest":
        value = "(select digest from history where position = 1)"

    def tamper(tx: Transaction) -> None:
        tx._connection.execute(f"update history set {column} = {value} where position = 6")  # type: ignore[attr-defined]

    await storage.write(tamper)

    report = await verify(storage)
    assert report.bad_position == 6
    assert "6" in report.reason


async def test_verify_names_a_removed_entry(node: Node, storage: Storage) -> None:
    await asyncio.gather(*(node.committer.commit(emit(f"e{n}")) for n in range(4)))
    await storage.write(lambda tx: tx._connection.execute("delete from history where position = 2") and None)  # type: ignore[attr-defined]

    assert (await verify(storage)).bad_position == 2
