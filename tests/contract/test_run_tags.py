"""Tags of runs: where they come from, that they are recorded once and with what they led to, how runs are found. Both
stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from app.dispatch.jobs import Job
from app.dispatch.redaction import Redaction
from app.errors import IdempotencyConflict, InvalidArgument, RunChanged, RunNotFound
from app.events.new_event import NewEvent
from app.history import redaction
from app.history.entry import Entry
from app.history.kinds import Batch, Concurrency, Debounce, RunCompleted, Said, StepCompleted
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.projections.redactions import Redactions
from app.runs import tags
from app.runs.asking import Request
from app.runs.forks import REPLAY, Wish
from app.runs.listing import RunFilter
from app.runs.stats import StatsReader
from app.runs.tags import TAG_CHARS_MAX, TAGS_MAX
from app.runs.timeline import Timelines
from app.runs.yields import Invoke, Sleep
from storage import history
from storage.contract import Storage
from tests.support.taker import Taker, settled
from tests.support.worker import answered, emit, history_of, register, step_id

ASKED = Request(actor="ada", reason="a customer called")


async def tags_of(node: Node, run_id: str) -> Sequence[str]:
    """As the whole run has them, and its row, and the index by which it is found."""
    state = (await node.runs.get("default", run_id)).state
    assert tags.listed((await node.runs.row("default", run_id)).tags) == state.tags
    for tag in state.tags:
        assert run_id in await found(node, tag)
    return state.tags


async def found(node: Node, *wanted: str, **chosen: Any) -> list[str]:
    page = await node.runs.list("default", RunFilter(tags=wanted, **chosen))
    assert (page.total, page.total_exact) == (len(page.rows), True)
    return [row.id for row in page.rows]


async def step(node: Node, job: Job, name: str, said: Sequence[Said] = ()) -> None:
    fact = StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done, logged=said))


def told(job: Job, *given: str, step: str = "") -> Sequence[Said]:
    return tags.told(given, step_id=step_id(job, step) if step else "", execution_seq=job.execution_seq)


async def begun(node: Node, **options: Any) -> tuple[Taker, Job]:
    await register(node, **options)
    taker = Taker(node)
    await emit(node)
    return taker, await taker.job()


async def holds(node: Node) -> None:
    assert (await rebuild(node.storage, node.fold, check=True)).differing == ()
    assert (await verify(node.storage)).bad_position is None


async def test_a_run_has_the_tags_it_was_started_with_and_those_of_its_function(node: Node) -> None:
    await register(node, tags=("shop", "customer:{customer.id}", "{data.total > 100 ? 'large' : 'small'}", "{no.such}"))

    run_id = await emit(node, data=b'{"customer":{"id":42},"total":120}', tags=("vip", "shop"))
    plain = await emit(node, data=b'{"customer":{"id":"a,b"}}')

    assert await tags_of(node, run_id) == ("vip", "shop", "customer:42", "large")
    assert await tags_of(node, plain) == ("shop",)  # what has no value, or makes no tag, is left out
    assert await found(node, "shop") == [plain, run_id]
    assert await found(node, "shop", "customer:42") == [run_id]
    assert await found(node, "shop", "nothing") == []
    await holds(node)


async def test_an_event_that_waits_keeps_its_tags(node: Node, clock: Any) -> None:
    await register(node, debounce=Debounce(1_000), tags=("{id}",))
    await node.emitter.emit(NewEvent("default", "order.placed", b'{"id":7}', tags=("vip",)))

    clock.advance(seconds=2)
    await settled(node)

    [run_id] = await found(node, "vip")
    assert await tags_of(node, run_id) == ("vip", "7")


async def test_a_person_gives_and_takes_tags_of_any_run_and_history_tells_who(node: Node) -> None:
    taker, job = await begun(node)
    run_id = job.run_id
    await node.engine.tag("default", run_id, ASKED, add=["vip", "vip", "late"])
    taker.complete(job)
    await settled(node)
    before = await node.runs.row("default", run_id)

    await node.engine.tag("default", run_id, ASKED, add=["done"], remove=["late", "unknown"])
    await node.engine.tag("default", run_id, ASKED, add=["done"], remove=["late"])  # it has them so already

    assert await tags_of(node, run_id) == ("vip", "done")
    assert await found(node, "late") == []
    entries = [
        Entry(one)
        for one in await node.storage.read(lambda tx: list(history.whole_stream(tx, "default", f"run/{run_id}")))
    ]
    assert [entry.kind for entry in entries].count("run.tagged") == 2
    assert {entry.actor for entry in entries if entry.kind == "run.tagged"} == {"ada"}
    after = await node.runs.row("default", run_id)
    assert (after.status, after.ended_at, after.position) == ("completed", before.ended_at, before.position)
    assert after.version > before.version
    await holds(node)


async def test_what_is_no_tag_is_refused_and_nothing_recorded(node: Node) -> None:
    _, job = await begun(node)
    await settled(node)
    before = await history_of(node, job.run_id)
    for bad in ("", " a", "a ", "a\nb", "a,b", "\0", "\ud800", "x" * (TAG_CHARS_MAX + 1)):
        with pytest.raises(InvalidArgument) as refused:
            await node.engine.tag("default", job.run_id, ASKED, add=["fine", bad])
        assert refused.value.field == "add[1]"
        with pytest.raises(InvalidArgument):
            await emit(node, tags=(bad,))
    await node.engine.tag("default", job.run_id, ASKED, add=[str(n) for n in range(TAGS_MAX - 1)])
    with pytest.raises(InvalidArgument, match="would have 11 tags"):
        await node.engine.tag("default", job.run_id, ASKED, add=["a", "b"])
    with pytest.raises(InvalidArgument, match="too many"):
        await node.engine.tag("default", job.run_id, ASKED, add=[str(n) for n in range(TAGS_MAX + 1)])
    with pytest.raises(RunNotFound):
        await node.engine.tag("default", "run_none", ASKED, add=["a"])
    with pytest.raises(RunChanged):
        await node.engine.tag("default", job.run_id, Request(expected=1), add=["a"])

    assert await history_of(node, job.run_id) == [*before, "run.tagged"]  # the nine


async def test_a_change_of_tags_is_made_once_for_its_key(node: Node) -> None:
    _, job = await begun(node)
    keyed = Request(key="k")
    await node.engine.tag("default", job.run_id, keyed, add=["a"])
    await node.engine.tag("default", job.run_id, ASKED, remove=["a"])

    await node.engine.tag("default", job.run_id, keyed, add=["a"])

    assert await tags_of(node, job.run_id) == ()
    assert await found(node, "a") == []  # nor is it found by what it had
    with pytest.raises(IdempotencyConflict):
        await node.engine.tag("default", job.run_id, keyed, add=["b"])


async def test_tags_of_code_are_recorded_before_what_they_came_with_and_only_with_it(node: Node) -> None:
    _, job = await begun(node)

    await step(node, job, "a", [*told(job, "early"), *told(job, "vip", step="a")])
    await step(node, job, "a", told(job, "late"))  # told again: the first report stands
    await step(node, job, "b", told(job, "vip", "early"))  # which it is tagged with already
    await step(node, job, "c", told(job, "with\nbreak", *(str(n) for n in range(TAGS_MAX))))

    assert (await history_of(node, job.run_id))[2:] == [
        *("run.tagged", "run.tagged", "step.completed", "step.completed", "run.tagged", "step.completed"),
    ]
    assert await tags_of(node, job.run_id) == ("early", "vip", *(str(n) for n in range(TAGS_MAX - 2)))
    page = await Timelines(node.storage).page("default", job.run_id)
    told_of = [(one.summary, one.step_id) for one in page.records if one.kind == "run.tagged"]
    assert told_of[:2] == [("tagged early", ""), ("tagged vip", "")]
    assert told_of[2][0].endswith("no room for 3 of its tags")
    await holds(node)


async def test_tags_come_with_waits_and_ends_too(node: Node, clock: Any) -> None:
    taker, job = await begun(node)
    nap = Sleep(step_id(job, "nap"), "nap", node.clock.now_us() + 1_000_000)
    wait = node.engine.suspend(
        "default", job.run_id, [nap], execution_seq=job.execution_seq, event=job.event, logged=told(job, "asleep")
    )
    taker.node.dispatcher.finish(taker.session, job, wait)
    await settled(node)
    await node.engine.tag("default", job.run_id, ASKED, add=["watched"])  # while it waits
    clock.advance(seconds=2)
    job = await taker.job()

    await answered(
        lambda done: node.engine.complete(
            "default", job.run_id, RunCompleted(execution_seq=job.execution_seq), done, logged=told(job, "over")
        )
    )

    assert await tags_of(node, job.run_id) == ("asleep", "watched", "over")
    assert [memo.name for memo in job.memos] == ["nap"]
    await holds(node)


async def test_a_fork_has_the_tags_that_its_origin_had_by_then_a_replay_those_it_was_started_with(node: Node) -> None:
    await register(node, tags=("f",))
    taker = Taker(node)
    run_id = await emit(node, tags=("given",))
    job = await taker.job()
    await step(node, job, "a", told(job, "first"))
    position = (await node.runs.get("default", run_id)).steps[step_id(job, "a")].position
    await step(node, job, "b", told(job, "second"))
    await node.engine.tag("default", run_id, ASKED, remove=["given"])
    await register(node, tags=("changed",))

    fork = await node.forks.fork("default", run_id, Wish(position=position), ASKED)
    late = await node.forks.fork("default", run_id, Wish(), ASKED)
    replay = await node.forks.fork("default", run_id, REPLAY, ASKED)

    assert await tags_of(node, fork) == ("given", "f", "first")
    assert await tags_of(node, late) == ("f", "first", "second")
    assert await tags_of(node, replay) == ("given", "f")
    await holds(node)


async def test_runs_are_counted_paged_and_charted_by_tag(node: Node, storage: Storage) -> None:
    await register(node, concurrency=Concurrency(1))
    ids = [await emit(node, tags=("all", f"n{number % 2}")) for number in range(5)]
    await emit(node)

    first = await node.runs.list("default", RunFilter(tags=("all",)), limit=2)
    rest = await node.runs.list("default", RunFilter(tags=("all",)), limit=9, cursor=first.next_cursor)

    assert [row.id for row in (*first.rows, *rest.rows)] == ids[::-1]
    assert (first.total, rest.total) == (5, 5)
    assert await found(node, "n1", "all", statuses=("waiting_for_capacity",)) == [ids[3], ids[1]]
    assert await found(node, "all", function_id="g") == []
    stats = await StatsReader(storage).runs("default", RunFilter(tags=("n0",), until=node.clock.now_us() + 1))
    assert stats.totals == {"waiting_for_capacity": 3}
    assert await node.runs.list("other", RunFilter(tags=("all",))) == await node.runs.list("other", RunFilter())


async def test_redacted_tags_are_gone_from_history_and_the_index(node: Node) -> None:
    await register(node)
    taker = Taker(node)
    run_id = await emit(node, tags=("card:visa-4929",))
    job = await taker.job()
    await step(node, job, "a", told(job, "pin:no-1234"))
    taker.complete(job)
    await settled(node)
    redactions = Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", run_id, reason="asked for")

    assert await tags_of(node, run_id) == redaction.TAGS
    assert (await found(node, "card:visa-4929"), await found(node, "pin:no-1234")) == ([], [])
    entries = await node.storage.read(lambda tx: list(history.whole_stream(tx, "default", f"run/{run_id}")))
    assert not any("visa-4929" in one.data or "no-1234" in one.data for one in entries)
    await holds(node)


@pytest.mark.parametrize("options", [{"debounce": Debounce(1_000)}, {"batch": Batch(1, 60_000)}], ids=["one", "many"])
async def test_redacted_tags_of_an_event_that_waited_are_gone(node: Node, clock: Any, options: Any) -> None:
    await register(node, tags=("card:{card}", "{event.name + ''}"), **options)
    taker = Taker(node)
    given = NewEvent("default", "order.placed", b'{"card":"visa-4929"}', tags=("vip-visa-4929",))
    waited = await node.emitter.emit(given)
    clock.advance(seconds=2)
    job = await taker.job()
    assert await tags_of(node, job.run_id) == ("vip-visa-4929", "card:visa-4929", "order.placed")
    taker.complete(job)
    await settled(node)
    redactions = Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", job.run_id, reason="asked for")
    await redactions.event("default", waited.event_id, reason="asked for")  # that of a batch stays until then

    assert await tags_of(node, job.run_id) == redaction.TAGS
    records = await node.storage.read(lambda tx: history.after(tx, 0))
    assert {"gate.held", "gate.fired"} <= {one.kind for one in records}
    assert not any("visa-4929" in one.data for one in records)
    assert (await redactions.event("default", waited.event_id, reason="again")).entries == 0
    await holds(node)


async def test_what_a_change_of_redacted_tags_asked_for_has_no_hash_any_more(node: Node) -> None:
    await register(node)
    taker = Taker(node)
    run_id = await emit(node)
    taker.complete(await taker.job())
    await settled(node)
    asked = Request(key="k")
    await node.engine.tag("default", run_id, asked, add=["pin:1234"])
    redactions = Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", run_id, reason="asked for")
    await node.engine.tag("default", run_id, asked, add=["pin:1234"])  # its key is known, and nothing else

    state = (await node.runs.get("default", run_id)).state
    assert (state.asked, state.tags) == ({"k": ""}, redaction.TAGS)
    await holds(node)


async def test_an_index_that_is_not_what_history_says_is_found_and_mended(node: Node, storage: Storage) -> None:
    await register(node)
    run_id = await emit(node, tags=("vip", "late"))
    await holds(node)
    for change in (
        "delete from run_tags where tag = 'vip'",
        f"insert into run_tags (environment, tag, run_id) values ('default', 'gone', '{run_id}')",
    ):
        await storage.write(lambda tx, change=change: tx._connection.execute(change) and None)  # type: ignore[misc]

        assert (await rebuild(node.storage, node.fold, check=True)).differing == ("run",)
        await rebuild(node.storage, node.fold, check=False)
        await holds(node)
    assert (await found(node, "vip"), await found(node, "gone")) == ([run_id], [])


def test_secrets_are_scrubbed_from_tags_of_code() -> None:
    [fact] = tags.told(["pin:1234", "vip", "x" * 56 + "1234"], step_id="", execution_seq=1)

    clean = Redaction({"PIN": "1234"})(fact)

    assert clean.added == ("pin:[secret:PIN]", "vip")
    assert clean.dropped == 1, "with the secret's name it is too long"
    child = Redaction({"PIN": "1234"})(Invoke("r:c:0", "c", "c", tags=("pin:1234", "vip", "x" * 56 + "1234")))
    assert child.tags == clean.added


@pytest.mark.parametrize("template", ["", "{", "a}", "{}", "{ }", "a{{b}}", "{1 +}", "x" * 65, "a,{b}"])
def test_a_template_that_makes_no_tag_is_refused(template: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        tags.check_template(template, field="tags[0]")
    assert refused.value.field == "tags[0]"
