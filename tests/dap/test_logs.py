"""What a run's code logged, in the debugger: as output on the way, at its line of code or of the transcript."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.debugger.dap.attaching import Place
from app.debugger.recording import LINES_MAX, Recording
from ironflow.errors import ServerUnavailable
from ironflow.logs import LogLine
from tests.dap.conftest import Editor
from tests.tui.conftest import BEGAN, Recorded, made

STEP = {"step_id": "run_a:charge:0", "path": "charge:0", "name": "charge"}


def said(position: int, level: Any, message: str, **more: Any) -> LogLine:
    return LogLine(position, 0, BEGAN + timedelta(seconds=position / 10), level, message, **more)


@pytest.fixture
def source() -> Recorded:
    made_ = Recorded()
    made_.all["run_a"] = made(
        {"kind": "run.created", "function_id": "bill", "status": "waiting_for_capacity", "summary": "created"},
        {"kind": "run.started", "status": "running", "attempt": 1},
        {"kind": "run.logged", "summary": "the function logged 1 line"},
        {"kind": "run.logged", "summary": "charge logged 2 lines"},
        {"kind": "step.completed", "status": "completed", "attempt": 1, "summary": "charged", **STEP},
        {"kind": "run.logged", "summary": "the function logged 1 line"},
        {"kind": "run.completed", "status": "completed", "summary": "completed"},
    )
    made_.logged = [
        said(30, "info", "begun\nin two lines", fields={"order": 7}),
        said(40, "debug", "charging", path="charge:0"),
        said(40, "error", "declined\x1b[31m", fields={"exception": "Traceback\n  boom"}, path="charge:0"),
        said(60, "warning", "over", cut_bytes=9, dropped=2),
    ]
    return made_


@pytest.fixture
def editor(source: Recorded) -> Editor:
    made_ = Editor(lambda arguments: Place(source, None, "run_a"))
    made_.attach()
    return made_


def outputs(editor: Editor) -> list[tuple[str, str, int]]:
    """Of the last request, which its stop follows."""
    assert editor.events[-1]["event"] == "stopped"
    told = [event["body"] for event in editor.events if event["event"] == "output"]
    return [(one["category"], one["output"], one["line"]) for one in told]


def test_what_was_logged_on_the_way_is_told_before_the_stop(editor: Editor) -> None:
    editor.get("next", threadId=1)

    assert outputs(editor) == [
        ("stdout", "begun order=7\nin two lines\n", 3),
        ("stdout", "charging\n", 4),
        ("stderr", "declined\\x1b[31m\nTraceback\n  boom\n", 4),
    ]
    editor.get("continue", threadId=1)
    assert outputs(editor) == [
        ("stderr", "over\n9 bytes of this line were too many\n2 further lines were too many\n", 6)
    ]
    editor.get("reverseContinue", threadId=1)
    assert outputs(editor) == []


def test_one_moves_on_though_what_was_logged_cannot_be_read(
    editor: Editor, source: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*given: Any, **more: Any) -> Any:
        raise ServerUnavailable("nobody answers", code="UNAVAILABLE")

    monkeypatch.setattr(source, "lines", away)
    editor.get("next", threadId=1)

    [told] = [event["body"] for event in editor.events if event["event"] == "output"]
    assert told["output"].startswith("what was logged cannot be read: nobody answers")
    assert editor.frames()[0]["name"] == "charge"


def test_of_very_much_the_end_is_told(source: Recorded) -> None:
    source.logged = [said(30, "info", str(number)) for number in range(LINES_MAX + 5)]

    found, more = Recording(source, "run_a").lines(0, 4)

    assert ([one.message for one in found][:1], len(found), more) == (["5"], LINES_MAX, True)
    assert Recording(source, "run_a").lines(4, 4) == ((), False)
