"""What the debugger looks like, at three sizes and in two themes. See snapshots.py for how to renew them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from app.debugger.tui.app import Inspector
from app.debugger.tui.editing import EditOutput
from app.debugger.tui.picker import Picker
from app.debugger.tui.prompts import Help
from tests.tui import snapshots
from tests.tui.conftest import afresh, settled, until
from tests.tui.test_changing import Asked
from tests.tui.test_comparing import CHANGED, MISSING, SAME, Server, compares, diff

Make = Callable[..., Inspector]

SIZES = ((80, 24), (120, 40), (200, 50))
LOOKS = ("dark", "light")


async def failure(pilot: Pilot[None]) -> None:
    await pilot.press("C")


async def state(pilot: Pilot[None]) -> None:
    await pilot.press("b", "3")


async def editing(pilot: Pilot[None]) -> None:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, EditOutput))
    pilot.app.screen.query_one("#text").text = '{"amount": 51}'  # type: ignore[attr-defined]
    await until(pilot, lambda: "look out" in str(pilot.app.screen.query_one("#plan", Static).content))
    pilot.app.screen.set_focus(None)  # a cursor blinks


async def helping(pilot: Pilot[None]) -> None:
    await pilot.press("question_mark")
    await until(pilot, lambda: isinstance(pilot.app.screen, Help))
    pilot.app.screen.set_focus(None)


async def comparing(pilot: Pilot[None]) -> None:
    await pilot.press("D", "enter")
    await until(pilot, lambda: compares(pilot.app))  # type: ignore[arg-type]


async def picking(pilot: Pilot[None]) -> None:
    await pilot.press("R")
    await until(pilot, lambda: isinstance(pilot.app.screen, Picker))
    await until(pilot, lambda: "2 runs" in str(pilot.app.screen.query_one("#said", Static).content))
    pilot.app.screen.set_focus(None)


SCREENS: Mapping[str, Callable[[Pilot[None]], Awaitable[None]]] = {
    "failure": failure,
    "state": state,
    "editing": editing,
    "helping": helping,
    "comparing": comparing,
    "picking": picking,
}


class Runs(Server):
    def list(self, **asked: object) -> object:
        run = {"id": "run_b", "status": "failed", "function_id": "ship", "created_at": "2026-01-31T12:00:00Z"}
        return type("Page", (), {"items": [run, {**run, "id": "run_a", "status": "completed"}]})


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens_look_as_they_did(inspector: Make, size: tuple[int, int]) -> None:
    app = inspector(changes=Asked(), client=Runs(diff(SAME, CHANGED, MISSING, first="charge:0")))
    wrong = []
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for name, come in SCREENS.items():
            await afresh(pilot, 60)
            app.dress("dark")
            await come(pilot)
            for look in LOOKS:
                app.dress(look)
                app.clear_notifications()
                await settled(pilot)
                wrong.append(snapshots.differs(f"{name}-{size[0]}x{size[1]}-{look}", app.export_screenshot()))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_there_is_no_snapshot_that_nothing_draws() -> None:
    names = {f"{name}-{w}x{h}-{look}" for name in SCREENS for w, h in SIZES for look in LOOKS}

    assert {path.stem for path in snapshots.FOLDER.iterdir()} == names
