"""A run with parallel branches and a saga in the debugger: its threads, its frames, and how one moves between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from app.debugger.dap.attaching import Place
from app.debugger.dap.progress import Reported
from app.debugger.dap.telling import Telling
from app.debugger.session import Session
from tests.dap.conftest import Editor
from tests.tui.conftest import Recorded, made

RUN, FAN_0, FAN_1 = 1, 2, 3
PATHS = (
    *("fetch:0", "fan:0:charge:0", "fan:1:charge:0", "fan:0:mail:0", "fan:1:mail:0", "join:0"),
    *("compensate:join:0", "compensate:fetch:0"),
)


def _step(path: str) -> Mapping[str, Any]:
    *_, name, _ = path.split(":")
    undoes = name if path.startswith("compensate:") else ""
    about = {"step_id": f"run_a:{path}", "path": path, "name": f"compensate:{name}" if undoes else name}
    done = {"kind": "step.completed", "status": "completed", "attempt": 1, "compensation_for": undoes}
    return {**about, **done, "summary": f"{path} completed"}


@pytest.fixture
def source() -> Recorded:
    made_ = Recorded()
    made_.all["run_a"] = made(
        {"kind": "run.created", "function_id": "bill", "status": "waiting_for_capacity", "summary": "created"},
        *map(_step, PATHS),
        {"kind": "run.failed", "status": "failed", "summary": "failed"},
    )
    return made_


@pytest.fixture
def editor(source: Recorded) -> Editor:
    made_ = Editor(lambda arguments: Place(source, None, "run_a"))
    made_.attach()
    return made_


def _at(editor: Editor) -> tuple[int, str]:
    """The thread that stopped, and the step it is at."""
    stop = editor.stop()
    return stop["threadId"], editor.get("stackTrace", threadId=stop["threadId"])["stackFrames"][0]["name"]


def _move(editor: Editor, command: str, thread: int) -> tuple[int, str]:
    editor.get(command, threadId=thread)
    return _at(editor)


def test_who_steps_in_the_run_passes_what_its_branches_do(editor: Editor) -> None:
    assert [_move(editor, "next", RUN) for _ in range(3)] == [
        (RUN, "fetch"),
        (RUN, "join"),
        (RUN, "compensate:join"),
    ]
    assert [_move(editor, "stepBack", RUN)[1] for _ in range(3)] == ["join", "fetch", "run.created"]


def test_a_branch_is_a_thread_for_as_long_as_it_is_under_way(editor: Editor) -> None:
    editor.get("next", threadId=RUN)
    assert len(editor.get("threads")["threads"]) == 1

    assert _move(editor, "stepIn", RUN) == (FAN_0, "charge")
    editor.get("next", threadId=FAN_0)
    began = [one["body"] for one in editor.events if one["event"] == "thread"]
    assert began == [{"reason": "started", "threadId": FAN_1}]
    assert _at(editor) == (FAN_0, "mail")
    names = [one["name"] for one in editor.get("threads")["threads"]]
    assert names == ["run_a · bill · failed", "run_a · fan[0] · completed", "run_a · fan[1] · completed"]
    other = editor.get("stackTrace", threadId=FAN_1)["stackFrames"]
    assert [one["name"] for one in other] == ["charge", "fan[1]", "bill (run_a)"]
    assert other[0]["source"]["sourceReference"] == RUN

    assert _move(editor, "stepBack", FAN_0) == (FAN_0, "charge")
    assert _move(editor, "stepOut", FAN_0) == (RUN, "join")
    assert len(editor.get("threads")["threads"]) == 1


def test_a_branch_that_is_over_leads_on_and_back_to_what_it_is_within(editor: Editor) -> None:
    editor.get("goto", threadId=RUN, targetId=PATHS.index("fan:1:mail:0") + 1)
    branch, name = _at(editor)
    assert name == "mail"

    assert _move(editor, "next", branch) == (RUN, "join")
    editor.get("goto", threadId=RUN, targetId=PATHS.index("fan:1:charge:0") + 1)
    assert _move(editor, "stepBack", branch) == (RUN, "fetch")


def test_a_breakpoint_in_a_branch_stops_its_thread(editor: Editor) -> None:
    editor.get("setFunctionBreakpoints", breakpoints=[{"name": "mail"}])

    first, second = _move(editor, "continue", RUN), _move(editor, "continue", RUN)
    assert (first[1], second[1]) == ("mail", "mail")
    assert first[0] != second[0]
    editor.get("goto", threadId=RUN, targetId=1)
    assert _move(editor, "next", RUN) == first  # on the way of a step, too


def test_a_saga_is_a_frame_and_a_scope(editor: Editor) -> None:
    editor.get("goto", threadId=RUN, targetId=PATHS.index("compensate:join:0") + 1)

    names = [(one["name"], one["line"]) for one in editor.frames()]
    assert names == [("compensate:join", 8), ("saga: undoes join", 7), ("bill (run_a)", 1)]
    told = {name: one["value"] for name, one in editor.scope("Saga").items()}
    assert told == {"join": '"undone"', "fetch": '"to be undone"'}
    editor.get("goto", threadId=RUN, targetId=1)
    assert list(editor.scope("Saga")) == ["fetch"]


def test_a_history_that_takes_long_to_come_is_told_of(source: Recorded) -> None:
    told: list[dict[str, Any]] = []
    now = (0.3 * number for number in itertools.count())
    reported = Reported(source, Telling(told.append), clock=lambda: next(now))

    assert list(reported.records("run_a")) == source.records("run_a")

    events = [(one["event"], one["body"].get("message")) for one in told]
    assert events[0] == ("progressStart", "4 records")
    assert events[1:-1] == [("progressUpdate", f"{count} records") for count in range(5, 11)]
    assert events[-1] == ("progressEnd", None)


def test_where_all_of_a_run_is_one_thread_one_steps_into_branches_and_out_of_them(source: Recorded) -> None:
    session = Session(source)
    thread = session.open("run_a")
    thread.index = 1

    assert session.step_in(thread).thread.record.path == "fan:0:charge:0"
    assert session.step(thread, 1).thread.record.path == "fan:1:charge:0"
    assert session.step_out(thread).thread.record.path == "join:0"
