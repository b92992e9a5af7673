"""Groups of failures that people merge and split again, on both stores."""

from __future__ import annotations

import pytest

from app.errors import FailedPrecondition, InvalidArgument
from app.history.kinds import Trigger
from app.history.rebuild import rebuild
from app.node import Node
from app.projections.redactions import Redactions
from app.search import derived
from app.search.derived import DerivedFailures
from app.search.groups import GroupNotFound
from storage.contract import Storage
from storage.failures import GroupChoice
from tests.contract.test_failures import ONCE, collected, fail, failed
from tests.support.worker import Worker, emit, ended, register

WHY = "one outage"


@pytest.fixture
async def worker(node: Node) -> Worker:
    await register(node, retry=ONCE)
    return Worker(node)


async def listed(node: Node) -> dict[str, int]:
    """Failures by the message of their group."""
    page = await node.search.groups.list("default", GroupChoice())
    return {group.row.message: group.row.failures for group in page.groups}


async def fingerprints(node: Node) -> dict[str, str]:
    """By message."""
    page = await node.search.groups.list("default", GroupChoice())
    return {group.row.message: group.row.fingerprint for group in page.groups}


async def check_rebuild(node: Node, storage: Storage) -> None:
    report = await rebuild(storage, node.fold, derived=[DerivedFailures()], check=True)
    assert report.differing == ()


async def test_a_merged_group_brings_what_it_had_and_what_comes(node: Node, storage: Storage, worker: Worker) -> None:
    for message in ("no price", "no stock", "no stock", "no luck"):
        await failed(node, worker, ValueError(message))
    of, merging = await fingerprints(node), node.search.merging

    for _ in range(2):  # the second time changes nothing
        await merging.merge("default", of["no stock"], into=of["no price"], reason=WHY, actor="user:ann")
    await failed(node, worker, ValueError("no stock"))

    assert await listed(node) == {"no price": 4, "no luck": 1}
    detail = await node.search.groups.get("default", of["no stock"])  # a link to it leads to the group it is in
    assert detail.group.row.fingerprint == of["no price"]
    assert [(one.fingerprint, one.message, one.failures) for one in detail.merged] == [(of["no stock"], "no stock", 3)]
    assert detail.group.runs.runs == 4
    with pytest.raises(GroupNotFound):
        await node.search.marks.resolve("default", of["no stock"], reason="mended")
    await check_rebuild(node, storage)


async def test_what_was_merged_is_split_again_with_what_came_since(
    node: Node, storage: Storage, worker: Worker
) -> None:
    for message in ("no price", "no stock", "no luck"):
        await failed(node, worker, ValueError(message))
    of, merging = await fingerprints(node), node.search.merging
    await merging.merge("default", of["no stock"], into=of["no price"], reason=WHY)
    await merging.merge("default", of["no price"], into=of["no luck"], reason=WHY)  # takes the other along
    await failed(node, worker, ValueError("no stock"))
    assert await listed(node) == {"no luck": 4}

    assert await merging.split("default", of["no luck"], [of["no stock"]], reason="another cause") == 1
    assert await listed(node) == {"no luck": 2, "no stock": 2}
    assert (await node.search.groups.one("default", of["no stock"])).mark.reason == "another cause"
    await check_rebuild(node, storage)

    await merging.split("default", of["no luck"], reason="all of them")
    assert await listed(node) == {"no luck": 1, "no price": 1, "no stock": 2}
    with pytest.raises(FailedPrecondition):
        await merging.split("default", of["no luck"], reason="once more")
    await merging.merge("default", of["no luck"], into=of["no stock"], reason="and the other way about")
    assert await listed(node) == {"no stock": 3, "no price": 1}
    await check_rebuild(node, storage)


async def test_a_failure_that_is_redacted_leaves_the_group_it_was_merged_into(
    node: Node, storage: Storage, worker: Worker
) -> None:
    for message in ("no price", "no stock"):
        run_id = await failed(node, worker, ValueError(message))
    of = await fingerprints(node)
    await node.search.merging.merge("default", of["no stock"], into=of["no price"], reason=WHY)
    redactions = Redactions(storage=storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", run_id, reason="she asked for it")
    await collected(node)

    assert await listed(node) == {"no price": 1, "redacted": 1}
    await check_rebuild(node, storage)


async def test_a_group_is_named_by_its_own_cause_in_whatever_batches_it_was_counted(
    node: Node, storage: Storage, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for message in ("no stock", "no luck", "no price"):
        run_id = await failed(node, worker, ValueError(message))
    of = await fingerprints(node)
    for message in ("no stock", "no luck"):
        await node.search.merging.merge("default", of[message], into=of["no price"], reason=WHY)
    redactions = Redactions(storage=storage, committer=node.committer, projections=node.projections, ids=node.ids)
    await redactions.run("default", run_id, reason="she asked for it")
    await failed(node, worker, ValueError("no luck"))
    assert await listed(node) == {"no stock": 3, "redacted": 1}  # named by the first, without one of its own

    await failed(node, worker, ValueError("no price"))
    await failed(node, worker, ValueError("no luck"))

    assert await listed(node) == {"no price": 5, "redacted": 1}
    await check_rebuild(node, storage)
    monkeypatch.setattr(derived, "TOGETHER_MAX", 1)
    await check_rebuild(node, storage)


async def test_what_cannot_be_merged_is_refused_and_recorded_nowhere(node: Node, worker: Worker) -> None:
    await failed(node, worker, ValueError("no price"))
    await register(node, id="g", triggers=(Trigger(event="g"),), retry=ONCE)
    run_id = await emit(node, "g")
    await fail(Worker(node, functions=("g",)), ValueError("no function"))
    await ended(node, run_id)
    await collected(node)
    groups = await fingerprints(node)
    of = groups["no price"]
    head, merging = node.tail.head, node.search.merging

    with pytest.raises(InvalidArgument, match="into itself"):
        await merging.merge("default", of, into=of, reason=WHY)
    with pytest.raises(InvalidArgument, match="reason"):
        await merging.merge("default", of, into=of, reason=" ")
    with pytest.raises(GroupNotFound):
        await merging.merge("default", of, into="0" * 16, reason=WHY)
    with pytest.raises(InvalidArgument, match="is of f"):
        await merging.merge("default", of, into=groups["no function"], reason=WHY)
    with pytest.raises(InvalidArgument, match="was not merged"):
        await merging.split("default", of, ["0" * 16], reason=WHY)
    assert node.tail.head == head
