"""What runs log is recorded with what it led to: in its commit, once, read line by line, redacted with the rest. Both
stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.dispatch.jobs import Job
from app.dispatch.redaction import Redaction
from app.errors import InvalidArgument, RunNotFound
from app.history.kinds import Failure, RunLogged, StepCompleted
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.projections.redactions import Redactions
from app.runs import lines
from app.runs import logs as run_logs
from app.runs.lines import LogLine, line, lines_of, logged
from app.runs.logs import BEGINNING, Logs, Place, Wanted, place_of
from app.runs.writing import WriteRefused
from app.runs.yields import Sleep
from app.values import kv
from tests.support.taker import Taker, settled
from tests.support.worker import answered, emit, history_of, register, step_id

AT = 1_764_000_000_000_000


def said(*texts: str, level: str = "info") -> list[LogLine]:
    return [line(at=AT + number, level=level, message=text) for number, text in enumerate(texts)]


def told(job: Job, told: list[LogLine], step: str = "", *, dropped: int = 0) -> Sequence[RunLogged]:
    at = step_id(job, step) if step else ""
    return [*logged(told, dropped, step_id=at, execution_seq=job.execution_seq, attempt=job.attempt)]


async def step(node: Node, job: Job, name: str, logs: Sequence[RunLogged], **more: Any) -> None:
    fact = StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done, logged=logs, **more))


async def begun(node: Node) -> tuple[Taker, Job]:
    await register(node)
    taker = Taker(node)
    await emit(node)
    return taker, await taker.job()


def messages(page: Any) -> list[tuple[str, str]]:
    return [(one.step_id.rpartition("run_")[2].partition(":")[2], one.line.message) for one in page.lines]


async def test_lines_are_recorded_before_what_they_came_with_and_only_with_it(node: Node) -> None:
    _, job = await begun(node)
    both = [*told(job, said("begun")), *told(job, said("one", "two"), "a")]

    await step(node, job, "a", both)
    await step(node, job, "a", both)  # told again: the first report stands
    await step(node, job, "b", ())
    failure = Failure("no", retryable=False)
    end = told(job, said("over", level="error"))
    await answered(
        lambda done: node.engine.fail(
            "default", job.run_id, execution_seq=job.execution_seq, error=failure, done=done, logged=end
        )
    )

    assert (await history_of(node, job.run_id))[2:] == [
        *("run.logged", "run.logged", "step.completed", "step.completed", "run.logged", "run.failed"),
    ]
    page = await Logs(node.storage).page("default", job.run_id)
    assert messages(page) == [("", "begun"), ("a:0", "one"), ("a:0", "two"), ("", "over")]
    assert page.after is None
    assert (await rebuild(node.storage, node.fold, check=True)).differing == ()


async def test_a_replay_is_told_what_is_news_and_that_its_code_had_come_to_rest(node: Node, clock: ManualClock) -> None:
    """By that it knows which of its lines an execution before it told."""
    taker, job = await begun(node)
    assert not job.rested
    await step(node, job, "a", ())
    taker.sleep(job, "nap", node.clock.now_us() + 1_000_000)
    await settled(node)

    def handed(job: Job) -> tuple[bool, list[str]]:
        return job.rested, [memo.name for memo in job.memos if memo.news]

    await node.engine.pause("default", job.run_id)
    await node.engine.resume("default", job.run_id)
    again = await taker.job()
    assert handed(again) == (True, [])  # nothing is new: what it says up to there was told
    taker.sleep(again, "nap", node.clock.now_us() + 1_000_000)
    await settled(node)
    clock.advance(2_000_000)
    lost = await taker.job()
    assert handed(lost) == (True, ["nap"])
    node.dispatcher.give_back(taker.session, lost, reason="lost")
    job = await taker.job()
    assert handed(job) == (True, ["nap"])  # nothing was heard of the one that was lost
    await step(node, job, "b", ())
    node.dispatcher.give_back(taker.session, job, reason="lost")
    assert handed(await taker.job()) == (False, [])


async def test_lines_of_an_execution_that_is_held_as_it_waits_are_told_by_the_next(node: Node) -> None:
    _, job = await begun(node)
    nap = Sleep(step_id(job, "nap"), "nap", node.clock.now_us() + 1_000_000)
    await node.engine.pause("default", job.run_id)

    record = node.engine.suspend(
        "default", job.run_id, [nap], execution_seq=job.execution_seq, event=job.event, logged=told(job, said("begun"))
    )
    await answered(record)

    assert (await history_of(node, job.run_id))[2:] == ["run.pause_requested", "step.sleeping", "run.paused"]


async def test_lines_are_kept_where_what_the_step_writes_is_refused(node: Node) -> None:
    _, job = await begun(node)
    write = kv.Put("nowhere", "k", b"1", None, None)

    with pytest.raises(WriteRefused):
        await step(node, job, "a", told(job, said("why"), "a"), writes=[write])

    assert (await history_of(node, job.run_id))[2:] == ["run.logged", "step.failed"]


async def test_lines_are_read_in_pages_by_step_and_level(node: Node) -> None:
    _, job = await begun(node)
    await step(node, job, "a", told(job, [*said("d", level="debug"), *said("w", level="warning")], "a", dropped=3))
    await step(node, job, "b", told(job, said("1", "2", "3"), "b"))
    logs = Logs(node.storage)

    async def pages(limit: int) -> list[str]:
        found, after = [], BEGINNING
        while True:
            page = await logs.page("default", job.run_id, after=after, limit=limit)
            assert len(page.lines) <= limit
            found += [one.line.message for one in page.lines]
            if page.after is None:
                return found
            after = place_of(str(page.after), field="after")

    for limit in (1, 2, 3, 200):
        assert await pages(limit) == ["d", "w", "1", "2", "3"]
    grave = await logs.page("default", job.run_id, Wanted(level="warning"))
    assert [(one.line.message, one.dropped) for one in grave.lines] == [("w", 3)]
    for name in ("b", "b:0", step_id(job, "b")):
        assert len((await logs.page("default", job.run_id, Wanted(step=name))).lines) == 3
    first = grave.lines[0].place.position
    assert messages(await logs.page("default", job.run_id, after=place_of(str(first), field="after")))[0][1] == "1"
    assert len((await logs.page("default", job.run_id, until=first)).lines) == 2
    with pytest.raises(RunNotFound):
        await logs.page("default", "run_none")


async def test_a_page_that_looked_at_enough_entries_says_where_to_go_on(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "ENTRIES_PAGE", 1)
    monkeypatch.setattr(run_logs, "ENTRIES_MAX", 2)
    _, job = await begun(node)
    for name in "abc":
        await step(node, job, name, told(job, said(name), name))
    logs = Logs(node.storage)

    first = await logs.page("default", job.run_id, limit=2)
    rest = await logs.page("default", job.run_id, after=place_of(str(first.after), field="after"), limit=2)

    assert [one.line.message for one in (*first.lines, *rest.lines)] == ["a", "b", "c"]


async def test_redacted_lines_are_gone_and_the_chain_holds(node: Node) -> None:
    taker, job = await begun(node)
    await step(node, job, "a", told(job, said("card 4929", "more"), "a"))
    taker.complete(job, b"1")
    await node.committer.drain()
    redactions = Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", job.run_id, reason="asked for")

    [gone] = (await Logs(node.storage).page("default", job.run_id)).lines
    assert (gone.line.message, gone.redacted) == ("2 lines were redacted", True)
    assert (await verify(node.storage)).bad_position is None


def facts(found: Iterator[RunLogged]) -> RunLogged:
    [fact] = found
    return fact


def test_what_a_worker_sends_beyond_the_bounds_is_cut_and_counted() -> None:
    many = facts(logged(said(*"x" * (lines.LINES_MAX + 2)), 5, step_id="", execution_seq=1, attempt=1))
    wide = line(at=-(2**70), level="loud", message="é" * 5_000, fields=b"[1]", path="p\0", number=-1, cut=2)

    assert (many.count, many.dropped) == (lines.LINES_MAX, 7)
    assert (wide.level, wide.line, wide.path, bytes(wide.fields)) == ("info", 0, "p\\0", b"{}")
    assert wide.cut == 2 + 10_000 - lines.MESSAGE_BYTES_MAX + 3
    assert not [*logged([], 9, step_id="", execution_seq=1, attempt=1)]


def test_secrets_are_scrubbed_from_lines_and_their_numbers_stay() -> None:
    secret = [line(at=1234, level="info", message="pin 1234", fields=b'{"pin":1234}', number=1234)]
    fact = facts(logged(secret, 0, step_id="", execution_seq=1, attempt=1))

    clean = lines_of(Redaction({"PIN": "1234"})(fact))

    assert clean is not None
    [one] = clean
    assert (one.message, bytes(one.fields)) == ("pin [secret:PIN]", b'{"pin":"[secret:PIN]"}')
    assert (one.at, one.line) == (1234, 1234)


@pytest.mark.parametrize("text", ["x", "1.", "-1", "1.2.3", "9" * 19, "\u0661"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no place among lines"):
        place_of(text, field="after")
    assert place_of("", field="after") > Place(0, 5)
