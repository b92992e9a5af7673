"""The Logs tab: what the code logged, among the records around a place."""

from __future__ import annotations

from datetime import timedelta

from app.debugger.session import Session
from app.debugger.tui import tabs
from ironflow.logs import LogLine
from tests.tui.conftest import BEGAN, Recorded, made


def test_lines_stand_where_they_were_recorded() -> None:
    source = Recorded()
    source.all["run_a"] = made(
        {"kind": "run.created", "function_id": "bill", "status": "waiting_for_capacity", "summary": "created"},
        {"kind": "run.logged", "summary": "charge logged 2 lines"},
        {"kind": "step.completed", "status": "completed", "summary": "charged"},
    )
    at = BEGAN + timedelta(seconds=2)
    source.logged = [
        LogLine(20, 0, at, "warning", "slow\x1b[31m", {"ms": 900}, path="charge:0"),
        LogLine(20, 1, at, "error", "declined", {"exception": "Traceback\n  boom"}, path="charge:0", dropped=3),
    ]
    session = Session(source)
    thread = session.open("run_a")
    thread.index = 2

    lines = tabs.told("Logs", session, thread, tabs.Looking()).plain.splitlines()

    assert [line.split(maxsplit=2)[-1] for line in lines[:2]] == [
        "created",
        "warning  charge:0  slow\\x1b[31m ms=900",
    ]
    assert [line.strip() for line in lines[2:6]] == [
        *("error    charge:0  declined", "Traceback", "boom"),
        "3 further lines were too many",
    ]
    assert lines[-1].endswith("charged")
