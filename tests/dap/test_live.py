"""Live runs in a debugger: held at its breakpoints, gone on with, left to themselves. On each store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.debugger.dap.attaching import Place
from app.debugger.sources import ServerChanges, ServerSource
from ironflow import Client, Context, function
from tests.dap.conftest import Editor
from tests.sdk.test_worker import Running, Worker
from tests.support.puller import Puller, emit, step
from tests.support.server import ServerProcess

Attach = Callable[..., Editor]


@pytest.fixture
def worker(http: httpx.Client) -> Puller:
    made = Puller(http)
    made.register_function()
    made.register()
    return made


@pytest.fixture
def live(shared_server: ServerProcess, environment: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attach]:
    """Attach to a run that goes on, or launch one; whatever is left attached is left at the end."""
    monkeypatch.setattr("app.debugger.live.WAIT_S", 0.2)
    editors: list[Editor] = []

    def attach(command: str = "attach", *, breakpoints: Any = (), filters: Any = (), **arguments: Any) -> Editor:
        def open_(given: Any) -> Place:
            run_id = given.get("runId", "")
            own = Client(shared_server.url, environment=environment)
            return Place(ServerSource(own), ServerChanges(own), run_id, own, given.get("function", ""))

        editor = Editor(open_)
        editors.append(editor)
        editor.get("initialize", adapterID="ironflow", clientName="a test")
        assert editor.ask(command, mode="live", **arguments) == {}
        editor.told = editor.get("setFunctionBreakpoints", breakpoints=list(breakpoints))["breakpoints"]
        editor.get("setExceptionBreakpoints", filters=list(filters))
        editor.ask("configurationDone")
        return editor

    yield attach
    for editor in editors:
        editor.adapter.close()


def told(worker: Puller, job: Any, name: str, output: Any = None, offset: int = 0) -> None:
    """A worker tells a step and goes on."""
    worker.ack(job)
    worker.report(job, "progress", steps=[step(job, name, output)], step_offset=offset)


def test_a_run_that_hits_a_breakpoint_stops_the_client_and_goes_on_with_it(
    live: Attach, client: Client, worker: Puller, http: httpx.Client
) -> None:
    run_id = emit(http, {"n": 1})
    client.runs.tag(run_id, "vip")
    editor = live(runId=run_id, breakpoints=[{"name": "after ch*", "condition": "step.output.n > 1"}])
    assert [one["verified"] for one in editor.told] == [True]
    assert editor.events == []  # it goes on
    [lease] = client.breakpoints.list()
    assert (lease["run_id"], lease["step"], lease["place"]) == (run_id, "ch*", "after")
    assert lease["owner"].startswith("dap a test")
    job = worker.job()

    told(worker, job, "charge", {"n": 1})
    told(worker, job, "check", {"n": 2}, 1)

    stop = editor.until("stopped")
    assert (stop["reason"], stop["hitBreakpointIds"]) == ("function breakpoint", [editor.told[0]["id"]])
    assert editor.frames()[0]["name"] == "check"
    assert editor.scope("Step")["output"]["value"] == '{1} {"n": 2}'
    assert '"vip"' in editor.scope("Run")["tags"]["value"]
    assert client.runs.get(run_id)["status"] == "paused"

    editor.get("stepBack", threadId=1)
    assert editor.frames()[0]["name"] == "charge"
    editor.get("continue", threadId=1)
    assert editor.stop()["reason"] == "function breakpoint"  # forwards through history, to the present

    editor.get("next", threadId=1)
    assert editor.events == []
    job = worker.job()
    told(worker, job, "ship")
    assert editor.until("stopped")["reason"] == "step"
    assert editor.frames()[0]["name"] == "ship"

    editor.get("continue", threadId=1)
    job = worker.job()
    told(worker, job, "mail")
    worker.report(job, "completed", output="done", step_offset=1)
    stop = editor.until("stopped")
    assert (stop["reason"], "completed" in stop["description"]) == ("pause", True)
    assert client.breakpoints.list() == []  # of a run that has ended, nothing is held


@pytest.mark.parametrize("how", ["disconnect", "closed", "suspend", "terminate"])
def test_who_leaves_lets_go_of_what_was_held(
    live: Attach, client: Client, worker: Puller, http: httpx.Client, how: str
) -> None:
    run_id = emit(http)
    editor = live(runId=run_id, breakpoints=[{"name": "after *"}])
    told(worker, worker.job(), "charge")
    editor.until("stopped")

    match how:
        case "closed":
            editor.adapter.close()
        case _:
            editor.get("disconnect", suspendDebuggee=how == "suspend", terminateDebuggee=how == "terminate")

    assert client.breakpoints.list() == []
    if how == "suspend":
        run = client.runs.get(run_id)
        assert (run["status"], "held" in run) == ("paused", False)
    elif how == "terminate":
        assert client.runs.get(run_id)["status"] == "cancelled"
    else:
        assert worker.job()["run_id"] == run_id


def test_failures_stop_where_the_filter_asks_for_them(
    live: Attach, client: Client, worker: Puller, http: httpx.Client
) -> None:
    run_id = emit(http)
    editor = live(runId=run_id, filters=["step_failed", "run_failed"])
    job = worker.job()
    worker.ack(job)
    boom = {"message": "declined", "code": "E", "retryable": False}

    worker.report(job, "progress", steps=[{**step(job, "charge"), "status": "failed", "error": boom}], step_offset=0)
    assert editor.until("stopped")["reason"] == "exception"
    assert editor.get("exceptionInfo", threadId=1)["description"] == "declined"
    editor.get("continue", threadId=1)
    job = worker.job()
    worker.ack(job)
    worker.report(job, "failed", error=boom, step_offset=0)

    assert editor.until("stopped")["reason"] == "exception"
    assert editor.frames()[0]["name"] == "run.failed"


def test_what_a_server_cannot_hold_at_is_said(live: Attach, worker: Puller, http: httpx.Client) -> None:
    run_id = emit(http)
    editor = live(runId=run_id, breakpoints=[{"name": "charge", "condition": "state.fetch.n > 1"}, {"name": "later"}])

    assert [one["verified"] for one in editor.told] == [False, True]
    assert "state" in editor.told[0]["message"]
    assert "neither recorded nor live" in editor.refused("attach", runId=run_id, mode="later")


def test_a_breakpoint_that_is_taken_away_holds_what_rests_until_it_goes_on(
    live: Attach, client: Client, worker: Puller, http: httpx.Client
) -> None:
    run_id = emit(http)
    editor = live(runId=run_id, breakpoints=[{"name": "after charge"}, {"name": "after never"}])
    told(worker, worker.job(), "charge")
    editor.until("stopped")

    editor.get("setFunctionBreakpoints", breakpoints=[])
    assert [one["step"] for one in client.breakpoints.list()] == ["charge"]
    assert client.runs.get(run_id)["status"] == "paused"
    editor.get("continue", threadId=1)

    assert client.breakpoints.list() == []
    assert worker.job()["run_id"] == run_id


def test_a_client_pauses_a_run_and_a_person_has_it_go_on(
    live: Attach, client: Client, worker: Puller, http: httpx.Client
) -> None:
    run_id = emit(http)
    editor = live(runId=run_id)

    editor.get("pause", threadId=1)
    assert editor.until("stopped")["reason"] == "pause"
    assert client.runs.get(run_id)["pause_reason"] == "paused in a debugger"
    assert "resumed" in editor.say('resume "it is known now"')

    assert editor.until("continued")["threadId"] == 1
    assert worker.job()["run_id"] == run_id


class Ledger:
    def __init__(self) -> None:
        self.did: list[str] = []

    def work(self, name: str) -> str:
        self.did.append(name)
        return name


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def bill(shared_server: ServerProcess, environment: str, client: Client, ledger: Ledger) -> Iterator[None]:
    """A worker of ours with the functions bill, of three steps, and order, which invokes it."""

    @function("bill")
    async def bill(ctx: Context) -> Any:
        await ctx.step.run("fetch", ledger.work, "fetch")
        await ctx.step.run("charge", ledger.work, f"charge {ctx.event.data['amount']}")
        return await ctx.step.run("mail", ledger.work, "mail")

    @function("order")
    async def order(ctx: Context) -> Any:
        return await ctx.step.invoke("bill", ctx.event.data)

    where = {"server": shared_server.url, "grpc_address": shared_server.grpc_address, "environment": environment}
    running = Running(Worker([bill, order], **where))
    for _ in range(400):
        if len(client.functions.list()) == 2:
            break
        threading.Event().wait(0.05)
    yield
    running.stop()


@pytest.mark.usefixtures("bill")
def test_a_run_is_launched_and_held_before_the_step_that_was_named(
    live: Attach, client: Client, ledger: Ledger
) -> None:
    editor = live("launch", function="bill", input={"amount": 5}, breakpoints=[{"name": "charge"}])

    stop = editor.until("stopped")
    assert (stop["reason"], editor.frames()[0]["name"], ledger.did) == (
        "function breakpoint",
        "before charge",
        ["fetch"],
    )
    assert list(editor.scope("State")) == ["fetch"]
    assert "given an output" in editor.say('inject charge {"by": "hand"} "it was charged already"')
    editor.get("continue", threadId=1)
    editor.until("stopped")

    assert ledger.did == ["fetch", "mail"]
    assert editor.scope("Return")["output"]["value"] == '"mail"'
    assert client.breakpoints.list() == []


@pytest.mark.usefixtures("bill")
@pytest.mark.parametrize("how", ["on entry", "at its first step"])
def test_a_run_that_is_launched_has_done_nothing_before_it_is_held(live: Attach, ledger: Ledger, how: str) -> None:
    first = [{"name": "f*"}] if how == "at its first step" else []
    editor = live("launch", function="bill", input={"amount": 5}, stopOnEntry=how == "on entry", breakpoints=first)

    reason = editor.until("stopped")["reason"]

    assert (reason, ledger.did) == ("entry" if how == "on entry" else "function breakpoint", [])
    assert editor.frames()[0]["name"] == "before fetch"
    editor.get("next", threadId=1)
    assert editor.until("stopped")["reason"] == "step"
    assert ledger.did == ["fetch"]


@pytest.mark.usefixtures("bill")
def test_a_child_run_is_a_thread_that_is_held_too(live: Attach, ledger: Ledger) -> None:
    editor = live("launch", function="order", input={"amount": 5}, breakpoints=[{"name": "bill/mail"}])

    stop = editor.until("stopped")

    names = [one["name"] for one in editor.get("stackTrace", threadId=stop["threadId"])["stackFrames"]]
    assert (names[0], names[2:4]) == ("before mail", ["invoked by", "bill"])
    assert ledger.did == ["fetch", "charge 5"]
    editor.get("continue", threadId=stop["threadId"])
    assert editor.until("stopped")["threadId"] == 1
