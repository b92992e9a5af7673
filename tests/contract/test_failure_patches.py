"""What mended one run of a group is given to the others, each by itself; on both stores."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from app.history.kinds import StepPatched
from app.node import Node
from app.projections.redactions import Redactions
from app.runs.asking import Request
from app.runs.forks import Wish as ForkWish
from app.runs.rewind import Wish
from app.search import applying
from app.search.applying import Outcome
from storage.contract import Storage
from storage.failures import GroupChoice
from tests.contract.test_failures import ONCE, failed
from tests.support.worker import Worker, ended, recorded, register

PRICE = msgspec.Raw(b'{"price":12}')
WHY = Request("the tariff is known", "user:ann")


@pytest.fixture
async def worker(node: Node) -> Worker:
    await register(node, retry=ONCE)
    return Worker(node)


async def several(node: Node, worker: Worker, many: int = 3) -> tuple[str, list[str]]:
    """The fingerprint of a group, and the runs that failed so."""
    runs = [await failed(node, worker, ValueError("no tariff"), "quote") for _ in range(many)]
    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    return group.row.fingerprint, runs


async def mended(node: Node, worker: Worker, run_id: str) -> None:
    """It is patched by a person, resumed, and completes."""
    await node.rewind.correct("default", run_id, Wish("patch", "quote", PRICE, resume=True), WHY)
    worker.complete(await worker.job())
    await ended(node, run_id)


async def apply(node: Node, fingerprint: str, from_run: str, *, dry_run: bool = False, **more: Any) -> Outcome:
    told: dict[str, Any] = {"expected": {}, "request": WHY, "asks": lambda run_id: None, **more}
    return await node.search.applying.apply("default", fingerprint, from_run=from_run, dry_run=dry_run, **told)


async def test_the_others_are_planned_and_then_get_what_mended_the_first(node: Node, worker: Worker) -> None:
    fingerprint, [first, second, third] = await several(node, worker)
    await mended(node, worker, first)

    planned = await apply(node, fingerprint, first, dry_run=True)
    expected = {one.run_id: one.plan.version for one in planned.runs if one.plan is not None}
    outcome = await apply(node, fingerprint, first, expected=expected)

    assert [one.run_id for one in planned.runs] == [third, second]
    assert planned.patch.output == PRICE
    assert (planned.changed, outcome.changed, outcome.more) == (0, 2, False)
    assert [step.name for step in planned.runs[0].plan.of("changed")] == ["quote"]  # type: ignore[union-attr]
    for run_id in (second, third):
        patched = (await recorded(node, run_id, StepPatched.kind)).fact
        assert isinstance(patched, StepPatched)
        assert (patched.output, patched.reason) == (PRICE, "the tariff is known")
        worker.complete(await worker.job())
    for run_id in (second, third):
        await ended(node, run_id)
    assert (await apply(node, fingerprint, first, dry_run=True)).runs == []


async def test_a_run_that_is_refused_keeps_none_of_the_others(node: Node, worker: Worker) -> None:
    fingerprint, [first, second, third, fourth] = await several(node, worker, 4)
    await mended(node, worker, first)
    planned = await apply(node, fingerprint, first, dry_run=True)
    expected = {one.run_id: one.plan.version for one in planned.runs if one.plan is not None}
    await node.rewind.correct("default", second, Wish("patch", "quote", PRICE), WHY)

    def asks(run_id: str) -> None:
        if run_id == third:
            raise PermissionDenied("not that one")

    outcome = await apply(
        node, fingerprint, first, expected=expected, asks=asks, run_ids=[second, third, fourth, "run_nowhere"]
    )

    refused = {one.run_id: one.error.code for one in outcome.runs if one.error is not None}
    assert outcome.changed == 1
    assert refused == {
        second: "RUN_CHANGED",
        third: "PERMISSION_DENIED",
        "run_nowhere": "FAILED_PRECONDITION",
    }


async def test_what_went_well_on_a_fork_is_applied_to_the_rest(node: Node, worker: Worker) -> None:
    fingerprint, [first, second] = await several(node, worker, 2)
    fork = await node.forks.fork("default", first, ForkWish(patches={"quote": PRICE}), WHY)
    worker.complete(await worker.job())
    await ended(node, fork)

    planned = await apply(node, fingerprint, fork, dry_run=True)
    named = await apply(node, fingerprint, fork, dry_run=True, run_ids=[first])

    assert [(one.run_id, one.error) for one in planned.runs] == [(second, None)]
    [there] = named.runs
    assert there.error is not None
    assert there.error.code == "RUN_MENDED"


async def test_those_that_a_fork_has_mended_do_not_stand_in_the_way(
    node: Node, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint, [first, second, third] = await several(node, worker)
    await mended(node, worker, first)
    fork = await node.forks.fork("default", third, ForkWish(patches={"quote": PRICE}), WHY)
    worker.complete(await worker.job())
    await ended(node, fork)
    monkeypatch.setattr(applying, "TARGETS_MAX", 1)

    outcome = await apply(node, fingerprint, first)

    assert [(one.run_id, one.error) for one in outcome.runs] == [(second, None)]
    assert (outcome.changed, outcome.more) == (1, False)


async def test_what_is_redacted_is_given_to_nobody(node: Node, storage: Storage, worker: Worker) -> None:
    fingerprint, [first, second] = await several(node, worker, 2)
    fork = await node.forks.fork("default", first, ForkWish(patches={"quote": PRICE}), WHY)
    worker.complete(await worker.job())
    await ended(node, fork)
    redactions = Redactions(storage=storage, committer=node.committer, projections=node.projections, ids=node.ids)
    await redactions.run("default", fork, reason="she asked for it")

    for dry_run in (True, False):
        with pytest.raises(FailedPrecondition, match="is redacted"):
            await apply(node, fingerprint, fork, dry_run=dry_run)
    assert (await node.runs.row("default", second)).status == "failed"


async def test_only_what_was_seen_to_work_is_applied(node: Node, worker: Worker, clock: ManualClock) -> None:
    fingerprint, [first, second] = await several(node, worker, 2)
    stranger = await failed(node, worker, ValueError("another"), "book")

    with pytest.raises(FailedPrecondition, match="not known yet"):
        await apply(node, fingerprint, first)
    with pytest.raises(InvalidArgument, match="has not failed like this"):
        await apply(node, fingerprint, stranger)
    await node.engine.resume("default", first, reason="once more")
    worker.complete(await worker.job())
    await ended(node, first)
    with pytest.raises(FailedPrecondition, match="no step of"):
        await apply(node, fingerprint, first)
    await mended(node, worker, second)
    with pytest.raises(InvalidArgument, match="a reason is needed"):
        await apply(node, fingerprint, second, request=Request())
    with pytest.raises(FailedPrecondition, match="no step book"):
        await apply(node, fingerprint, second, step="book")
