"""Every key that changes a run: it says what would come of it, asks for a reason, and does it through the session."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static, TextArea

from app.debugger.session import Edit
from app.debugger.tui.app import Inspector
from app.debugger.tui.conflict import Changed, three_ways
from app.debugger.tui.editing import EditOutput
from app.debugger.tui.prompts import AnyKey, Line
from app.differences import ABSENT
from ironflow.errors import Conflict
from tests.tui.conftest import Recorded, afresh, position, screen, settled, shown, until

Make = Callable[..., Inspector]


class Asked:
    """Changes that are only taken down."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.refuses = False

    def plan(self, run_id: str, action: str, **wanted: Any) -> Mapping[str, Any]:
        self.done.append(("plan", action))
        return {"steps": [{"name": "charge", "fate": "reruns", "repeats": True}], "warnings": ["look out"]}

    def patch(self, edit: Edit, reason: str, *, resume: bool = False) -> None:
        if self.refuses:
            raise Conflict("the run has changed", code="VERSION_CONFLICT", hint="look again")
        self.done.append(("patch", edit.path, edit.output, edit.version, reason, resume))

    def inject(self, edit: Edit, reason: str, *, resume: bool = False) -> None:
        self.done.append(("inject", edit.path, edit.output, reason, resume))

    def pause(self, run_id: str, reason: str) -> None:
        self.done.append(("pause", run_id, reason))

    def cancel(self, run_id: str, reason: str) -> None:
        self.done.append(("cancel", run_id, reason))

    def resume(self, run_id: str, reason: str, *, from_step: str = "") -> None:
        self.done.append(("resume", run_id, reason, from_step))

    def fork(self, run_id: str, at: int, edits: Sequence[Edit], reason: str) -> str:
        self.done.append(("fork", run_id, at, [edit.output for edit in edits], reason))
        return "run_b"

    def replay(self, run_id: str, reason: str) -> str:
        self.done.append(("replay", run_id, reason))
        return "run_b"


@pytest.fixture
def changes() -> Asked:
    return Asked()


KEYS = [
    ("u", ("resume", "run_a", "because", "")),
    ("U", ("resume", "run_a", "because", "charge:0")),
    ("H", ("pause", "run_a", "because")),
    ("F", ("fork", "run_a", 60, [], "because")),
    ("r", ("replay", "run_a", "because")),
    ("X", ("cancel", "run_a", "because")),
]


async def test_each_key_says_what_comes_asks_for_a_reason_and_does_it(inspector: Make, changes: Asked) -> None:
    app = inspector(changes=changes)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key, done in KEYS:
            await afresh(pilot, 60)
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Line))
            if key in "uUFr":
                assert "charge  reruns  may repeat its effects" in str(app.screen.query_one("#about", Static).content)
            await pilot.press("enter")
            assert isinstance(app.screen, Line), f"{key} without a reason"
            await pilot.press(*"because", "enter")
            await until(pilot, lambda done=done: not isinstance(app.screen, Line) and changes.done[-1] == done)  # type: ignore[misc]
            if key in "Fr":
                await until(pilot, lambda: screen(app).thread.recording.run_id == "run_b")


async def test_nothing_is_done_when_it_is_given_up(inspector: Make, changes: Asked) -> None:
    app = inspector(changes=changes)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key, _ in KEYS:
            await afresh(pilot, 60)
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Line))
            await pilot.press("x", "escape")
            await until(pilot, lambda: not isinstance(app.screen, Line))
            await app.workers.wait_for_complete()
    assert [one for one in changes.done if one[0] != "plan"] == []


async def edited(pilot: Pilot[None], text: str, reason: str, button: str) -> None:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, EditOutput))
    pilot.app.screen.query_one(TextArea).text = text
    pilot.app.screen.query_one("#line", Input).value = reason
    await pilot.pause()
    pilot.app.screen.query_one(f"#{button}", Button).press()
    await pilot.pause()


@pytest.mark.parametrize(
    ("button", "done"),
    [
        ("only", ("patch", "charge:0", {"amount": 51}, 9, "because", False)),
        ("resume", ("patch", "charge:0", {"amount": 51}, 9, "because", True)),
        ("fork", ("fork", "run_a", 60, [{"amount": 51}], "because")),
    ],
)
async def test_editing_an_output(inspector: Make, changes: Asked, button: str, done: tuple[Any, ...]) -> None:
    app = inspector(changes=changes, at="60")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await edited(pilot, '{"amount": 51}', "because", button)
        await until(pilot, lambda: changes.done[-1] == done)
        await app.workers.wait_for_complete()
        assert ("plan", "patch") in changes.done
        assert screen(app).session.edits == {}


async def test_an_edit_shows_what_differs_and_takes_only_json_and_a_reason(inspector: Make, changes: Asked) -> None:
    app = inspector(changes=changes, at="60")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await edited(pilot, "{", "because", "only")
        assert "this is not JSON" in str(app.screen.query_one("#difference", Static).content)
        app.screen.query_one(TextArea).text = '{"amount": 51}'
        app.screen.query_one("#line", Input).value = ""
        await until(pilot, lambda: "look out" in str(app.screen.query_one("#plan", Static).content))
        assert str(app.screen.query_one("#difference", Static).content) == "- /amount  50\n+ /amount  51\n"
        app.screen.query_one("#only", Button).press()
        await pilot.pause()
        assert isinstance(app.screen, EditOutput)
        await pilot.press("escape")
        await app.workers.wait_for_complete()
        assert (position(app), screen(app).session.edits) == (60, {})
    assert {one[0] for one in changes.done} == {"plan"}


async def test_a_step_that_has_not_ended_is_injected_in_a_paused_run(
    inspector: Make, changes: Asked, source: Recorded
) -> None:
    app = inspector(changes=changes, at="70")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await app.workers.wait_for_complete()
        assert not isinstance(app.screen, EditOutput)  # the run is not paused
    source.all["run_a"] = [*source.all["run_a"][:7], *[paused(source)]]
    app = inspector(changes=changes, at="70")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await edited(pilot, '"by hand"', "because", "only")
        await until(pilot, lambda: changes.done[-1] == ("inject", "ship:0", "by hand", "because", False))
        await app.workers.wait_for_complete()


def paused(source: Recorded) -> Any:
    from tests.tui.conftest import made

    return made(*[{"kind": "run.paused", "status": "paused"}] * 8)[-1]


async def test_what_is_refused_is_said_and_changes_nothing(inspector: Make, changes: Asked) -> None:
    changes.refuses = True
    app = inspector(changes=changes, at="60")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await edited(pilot, '{"amount": 51}', "because", "only")
        await until(pilot, lambda: any("the run has changed" in one.message for one in app._notifications))
        await until(pilot, lambda: isinstance(app.screen, Changed))
        assert "1 clash" not in await shown(pilot, "#said")
        await pilot.press("escape")
        assert position(app) == 60
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditOutput))
        assert json.loads(app.screen.query_one(TextArea).text) == {"amount": 51}  # it is not lost
        await until(pilot, lambda: "+ /amount  51" in str(app.screen.query_one("#difference", Static).content))


async def test_what_others_changed_meanwhile_stands_beside_what_one_wrote(
    inspector: Make, changes: Asked, source: Recorded
) -> None:
    app = inspector(changes=changes, at="60")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        changes.refuses = True
        source.all["run_a"].append(replace(source.all["run_a"][5], position=100, version=10, kind="step.patched"))
        source.outputs = {"charge:0": {"amount": 60, "by": "ada"}}
        await edited(pilot, '{"amount": 51}', "because", "only")
        await until(pilot, lambda: isinstance(app.screen, Changed))
        assert "1 clash" in await shown(pilot, "#said")
        changes.refuses = False
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EditOutput))
        await until(pilot, lambda: "- /by" in str(app.screen.query_one("#difference", Static).content))
        app.screen.query_one("#line", Input).value = "because"
        app.screen.query_one("#only", Button).press()
        await until(pilot, lambda: changes.done[-1] == ("patch", "charge:0", {"amount": 51}, 10, "because", False))


def test_three_ways_are_told_by_path() -> None:
    found = three_ways({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 3}, {"a": 3, "b": 2, "c": 3, "d": 4})

    assert [(one.path, one[1:], one.clashes) for one in found] == [
        ("/a", (1, 2, 3), True),
        ("/b", (1, 1, 2), False),
        ("/c", (1, 3, 3), False),
        ("/d", (ABSENT, ABSENT, 4), False),
    ]


async def test_production_is_read_only_before_one_unlocks_it(inspector: Make, changes: Asked) -> None:
    app = inspector(changes=changes, at="60", locked=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("H")
        assert "read-only" in await shown(pilot, "#header")
        assert "edit" not in await shown(pilot, "#footer")
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, AnyKey))
        await pilot.press("W")
        await until(pilot, lambda: "read-only" not in str(app.screen.query_one("#header", Static).content))
        assert "e edit" in await shown(pilot, "#footer")
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, Line))


async def test_an_output_is_written_in_the_editor_too(
    inspector: Make, changes: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = inspector(changes=changes, at="60")
    write = (
        "import pathlib, sys; path = pathlib.Path(sys.argv[1]); path.write_text(path.read_text().replace('50', '52'))"
    )
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, "-c", write]))
    monkeypatch.delenv("VISUAL", raising=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditOutput))
        await pilot.press("ctrl+e")
        await until(
            pilot, lambda: any("cannot be given to another program" in one.message for one in app._notifications)
        )
        monkeypatch.setattr(app, "suspend", nullcontext)
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "+ /amount  52" in str(app.screen.query_one("#difference", Static).content))
