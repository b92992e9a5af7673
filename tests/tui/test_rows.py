"""How records become rows: one for each attempt of a step, whatever else is said of it."""

from __future__ import annotations

from app.debugger.nesting import Lines
from app.debugger.recording import Recording
from app.debugger.steps import NOT_REACHED, Steps
from tests.tui.conftest import CHARGE, FETCH, Recorded, made


def rows(source: Recorded, index: int | None = None) -> list[tuple[str, int, str, bool]]:
    recording = Recording(source, "run_a")
    steps = Steps(recording)
    shown = steps.all(recording.last if index is None else index)
    return [(steps.label(one.row), one.row.attempt, one.status, one.edited) for one in shown]


def test_a_row_is_an_attempt(source: Recorded) -> None:
    assert rows(source) == [
        ("fetch", 1, "completed", False),
        ("charge", 1, "failed", False),
        ("charge", 2, "completed", False),
        ("ship", 1, "completed", False),
    ]
    assert rows(source, 6)[-1] == ("ship", 1, "waiting", False)


def test_what_comes_later_is_not_reached(source: Recorded) -> None:
    recording = Recording(source, "run_a")
    assert Steps(recording).shown(2, 3).status == NOT_REACHED


def test_a_correction_is_no_attempt_and_is_marked(source: Recorded) -> None:
    failed = {"kind": "step.failed", "status": "failed", "attempt": 1, **CHARGE}
    patched = {"kind": "step.patched", "status": "completed", "actor": "ada", "reason": "wrong", **CHARGE}
    restored = {"kind": "step.restored", "actor": "ada", "reason": "right", **CHARGE}
    source.all["run_a"] = made({"kind": "run.created"}, failed, patched, restored)

    assert rows(source, 2) == [("charge", 1, "completed", True)]
    assert rows(source) == [("charge", 1, "failed", False)]
    assert Steps(Recording(source, "run_a")).shown(0, 2).note == "patched by ada: wrong"


def test_a_step_that_wakes_its_run_has_no_row_more(source: Recorded) -> None:
    woken = {"kind": "run.woken", "status": "waiting_for_capacity", **CHARGE}
    source.all["run_a"] = made(
        {"kind": "run.created"}, {"kind": "step.completed", "status": "completed", "attempt": 1, **CHARGE}, woken
    )

    assert rows(source) == [("charge", 1, "completed", False)]


def test_steps_of_one_name_are_called_by_their_paths(source: Recorded) -> None:
    ended = {"kind": "step.completed", "status": "completed", "attempt": 1}
    other = {**CHARGE, "step_id": "run_a:b:charge:0", "path": "b:charge:0"}
    source.all["run_a"] = made({"kind": "run.created"}, *({**ended, **step} for step in (FETCH, CHARGE, other)))

    assert [label for label, *_ in rows(source)] == ["fetch", "charge:0", "b:charge:0"]


def test_rows_grow_with_the_recording(source: Recorded) -> None:
    whole = source.all["run_a"]
    source.all["run_a"] = whole[:4]
    recording = Recording(source, "run_a")
    steps = Steps(recording)
    source.all["run_a"] = whole
    recording.refresh()
    steps.refresh()

    assert [row.places for row in steps.rows] == [[2], [3], [5], [6, 7]]


def test_what_branches_did_stands_below_them(source: Recorded) -> None:
    ended = {"kind": "step.completed", "status": "completed", "attempt": 1}
    paths = ("a:0", "fan:0:b:0", "fan:1:b:0", "fan:0:in:2:c:0", "fan:0:b:1", "d:0")
    steps_ = [{"step_id": f"run_a:{path}", "path": path, "name": path.split(":")[-2]} for path in paths]
    source.all["run_a"] = made({"kind": "run.created"}, *({**ended, **one} for one in steps_))
    steps = Steps(Recording(source, "run_a"))

    lines = Lines(steps, range(len(steps.rows)))
    told = [
        (depth, steps.name_in_tree(steps.rows[number]) if number >= 0 else branch) for number, depth, branch in lines
    ]
    assert told == [
        (0, "a"),
        (0, "fan:0"),
        (1, "b"),
        (1, "fan:0:in:2"),
        (2, "c"),
        (1, "b:1"),
        (0, "fan:1"),
        (1, "b"),
        (0, "d"),
    ]
    assert [lines.place(number) for number in range(-1, 6)] == [-1, 0, 2, 7, 4, 5, 8]
    assert [lines.row(place) for place in (1, 3, 6)] == [1, 3, 2]
    assert [lines.beside(number, 1) for number in (-1, 0, 1, 4, 5)] == [0, 1, 3, 2, None]
    assert [lines.beside(number, -1) for number in (0, 2, 5)] == [None, 4, 2]
    some = Lines(steps, [3, 5])
    assert [(one.number, one.branch) for one in some] == [(-1, "fan:0"), (-1, "fan:0:in:2"), (3, "fan:0:in:2"), (5, "")]
    assert (some.beside(4, 1), some.beside(4, -1)) == (5, 3)
