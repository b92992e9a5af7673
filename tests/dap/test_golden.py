"""Whole conversations, as they were recorded, on each store; every message is held against the protocol's schema."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from app.debugger.dap.attaching import Place
from app.debugger.dap.looking import Arguments
from app.debugger.sources import ServerChanges, ServerSource
from ironflow import Client
from tests.dap import golden
from tests.dap.conftest import Editor
from tests.support.puller import Puller, emit, step
from tests.support.server import ServerProcess

Open = Callable[[Arguments], Place]


@pytest.fixture
def open_(shared_server: ServerProcess, environment: str) -> Open:
    def place(given: Arguments) -> Place:
        client = Client(shared_server.url, environment=environment)
        return Place(ServerSource(client), ServerChanges(client), given["runId"], client)

    return place


@pytest.mark.parametrize("name", ["begin", "moves", "stops", "edits"])
def test_a_recorded_run_is_debugged_as_it_was(name: str, failed: str, open_: Open) -> None:
    editor = Editor(open_)

    golden.check(name, editor, {"RUN": failed})

    editor.adapter.close()


def test_a_live_run_is_debugged_as_it_was(http: httpx.Client, open_: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.debugger.live.WAIT_S", 0.2)
    worker = Puller(http)
    worker.register_function()
    worker.register()
    run_id = emit(http, {"order": 7})
    editor, done = Editor(open_), list[str]()

    def do(what: str) -> None:
        job = worker.job() if what != "charge" else taken[-1]
        taken.append(job)
        worker.ack(job)
        if what == "end":
            worker.report(job, "completed", output="done", step_offset=0)
            return
        worker.report(job, "progress", steps=[step(job, what, {"n": len(done)})], step_offset=int(what == "charge"))
        done.append(what)

    taken: list[dict[str, object]] = []
    golden.check("live", editor, {"RUN": run_id}, do)

    editor.adapter.close()
