"""Every key that moves or looks, over a recording made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from app.debugger.tui import keys
from app.debugger.tui.app import Inspector
from app.debugger.tui.prompts import Help, Picker
from app.debugger.tui.rows import Rows
from tests.tui.conftest import CHARGE, Recorded, made, position, screen

Make = Callable[..., Inspector]


async def settled(pilot: Pilot[None]) -> None:
    """Until what keys began is done."""
    await pilot.pause()
    for worker in [one for one in pilot.app.workers if one.group in ("tell", "move")]:
        await pilot.app.workers.wait_for_complete([worker])
    await pilot.pause()


async def listed(pilot: Pilot[None]) -> None:
    """Until runs that were searched for are shown."""
    await pilot.pause()
    for worker in [one for one in pilot.app.workers if one.group == "runs"]:
        await pilot.app.workers.wait_for_complete([worker])
    await pilot.pause()


async def shown(pilot: Pilot[None], selector: str) -> str:
    await settled(pilot)
    return str(pilot.app.screen.query_one(selector, Static).content)


RUN = {"status": "completed", "function_id": "f", "created_at": "2026"}

MOVES = [
    (["G"], 90),
    (["g"], 10),
    (["g", "n"], 30),
    (["g", "n", "n", "N"], 30),
    (["g", "right"], 20),
    (["g", "l", "l", "h"], 20),
    (["g", "l", "right", "left"], 20),
    (["g", "c"], 40),
    (["G", "C"], 40),
    (["g", "c", "c"], 90),
    (["4", "2", "g"], 40),
    (["0", "7", "g"], 10),
    (["3", "G", "g"], 10),
    (["g", "j"], 30),
    (["g", "down", "down", "up"], 30),
    (["g", "down", "down", "j", "k"], 40),
    (["7", "1", "g", "s"], 10),
    (["7", "1", "g", "s", "S"], 80),
    (["6", "0", "g", "b", "g", "c", "c"], 60),
    (["6", "0", "g", "b", "b", "g", "c", "c"], 90),
    (["3", "0", "g", "m", "x", "G", "apostrophe", "x"], 30),
    (["g", "slash", *"paid", "enter"], 60),
    (["g", "slash", *"declined", "enter"], 40),
    (["g", "slash", *"step", "escape"], 10),
]


@pytest.mark.parametrize(("pressed", "led_to"), MOVES, ids=[" ".join(pressed) for pressed, _ in MOVES])
async def test_keys_lead_to_places(inspector: Make, pressed: list[str], led_to: int) -> None:
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key in pressed:
            await pilot.press(key)
            await settled(pilot)

        assert position(app) == led_to


TABS = [
    ("1", '"amount": 50'),
    ("2", '"order": 7'),
    ("3", "* charge"),
    ("4", "/charge"),
    ("5", "w adds"),
    ("6", "step.completed"),
    ("7", "has no audit"),
]


@pytest.mark.parametrize(("key", "said"), TABS)
async def test_digits_choose_tabs(inspector: Make, key: str, said: str) -> None:
    app = inspector(at="60")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press(key)

        assert said in await shown(pilot, "#content")
        assert position(app) == 60


async def test_tabs_go_round(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("tab", "tab")
        assert screen(app).tab == "State"
        await pilot.press("shift+tab", "shift+tab", "shift+tab")
        assert screen(app).tab == "Audit"


async def test_a_failure_is_told(inspector: Make) -> None:
    app = inspector(at="40")
    async with app.run_test(size=(120, 30)) as pilot:
        assert "E: declined" in await shown(pilot, "#content")
        assert "[PAST 4/9]" in await shown(pilot, "#header")
        assert "read-only" in await shown(pilot, "#header")


async def test_big_numbers_are_exact(inspector: Make) -> None:
    app = inspector(at="30")
    async with app.run_test(size=(120, 30)) as pilot:
        assert "9007199254740993" in await shown(pilot, "#content")


async def test_comparing_from_a_place(inspector: Make) -> None:
    app = inspector(at="10")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("d", "G")
        content = await shown(pilot, "#content")
        assert "position 10 → 90" in content
        assert "+ /fetch" in content
        await pilot.press("d")
        assert "position 80 → 90" in await shown(pilot, "#content")


async def test_watching_an_expression(inspector: Make) -> None:
    app = inspector(at="30")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("w", *"state.fetch.amount", "enter")
        assert "state.fetch.amount  99" in await shown(pilot, "#content")


async def test_copying(inspector: Make) -> None:
    app = inspector(at="60")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("y")
        await app.workers.wait_for_complete()  # nothing else waits
        assert app.clipboard == '{\n  "amount": 50\n}'
        await pilot.press("Y")
        await pilot.pause()
        assert app.clipboard == "charge:0"


async def test_the_tab_alone(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("z")
        await pilot.pause()
        assert not app.screen.query_one(Rows).display
        await pilot.press("z")
        await pilot.pause()
        assert app.screen.query_one(Rows).display


async def test_scrolling_a_tab(inspector: Make) -> None:
    app = inspector(at="60")
    async with app.run_test(size=(70, 16)) as pilot:
        await settled(pilot)
        await pilot.press("6")
        await settled(pilot)
        body = app.screen.query_one("#body")
        await pilot.press("pagedown")
        await pilot.pause()
        down = body.scroll_y
        await pilot.press("pageup")
        await pilot.pause()
        assert (down > 0, body.scroll_y) == (True, 0)


async def test_following_stays_at_the_end_until_one_moves(inspector: Make, source: Recorded) -> None:
    whole = source.all["run_a"]
    source.all["run_a"] = whole[:4]
    app = inspector(following=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        source.all["run_a"] = whole[:6]
        await screen(app).take_up()
        assert position(app) == 60
        await pilot.press("N")
        source.all["run_a"] = whole
        await screen(app).take_up()
        assert position(app) == 40
        assert "+5" in await shown(pilot, "#header")
        await pilot.press("f")
        assert "follows" not in await shown(pilot, "#header")


async def test_help_does_what_is_chosen(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        listed = app.screen.query_one(OptionList)
        assert listed.option_count == len([key for key in keys.KEYS if not key.changes])  # read-only
        await pilot.press(*"first record", "enter")
        await settled(pilot)
        assert position(app) == 10


async def test_keys_that_change_do_nothing_where_nothing_can_be_changed(inspector: Make) -> None:
    app = inspector(at="40")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key in "euUHFrX":
            await pilot.press(key)
            await settled(pilot)
            assert position(app) == 40


async def test_q_quits(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


async def test_a_run_that_is_not_there(inspector: Make) -> None:
    app = inspector(run_id="run_c")
    async with app.run_test(size=(120, 30)):
        pass
    assert "there is no run run_c" in str(app.refused)


async def test_without_an_id_one_chooses(inspector: Make) -> None:
    class Runs:
        def list(self, **asked: Any) -> Any:
            runs = [
                {"id": name, "status": "completed", "function_id": "f", "created_at": "2026"}
                for name in ("run_b", "run_a")
            ]
            found = [run for run in runs if (asked["search"] or "") in run["id"]]
            return type("Page", (), {"items": found})

    app = inspector(run_id="", client=type("Client", (), {"runs": Runs()})())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        await listed(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert screen(app).thread.recording.run_id == "run_a"
        await pilot.press("R")
        await pilot.pause()
        await listed(pilot)
        await pilot.press("tab", *"run_b", "enter")
        await pilot.pause()
        await listed(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert screen(app).thread.recording.run_id == "run_b"


@pytest.mark.parametrize("size", [(60, 16), (120, 30), (200, 60)])
async def test_any_size_shows_the_steps(inspector: Make, size: tuple[int, int]) -> None:
    app = inspector()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        rows = app.screen.query_one(Rows)
        lines = ["".join(segment.text for segment in rows.render_line(y)) for y in range(4)]
        assert [line.split()[1] for line in lines] == ["fetch", "charge", "charge", "ship"]
        assert "E: declined" in lines[1] or size[0] == 60


async def test_a_long_run_makes_only_the_rows_that_are_seen(inspector: Make, source: Recorded) -> None:
    steps = [
        {
            **CHARGE,
            "step_id": f"run_a:charge:{number}",
            "path": f"charge:{number}",
            "kind": "step.completed",
            "status": "completed",
        }
        for number in range(20_000)
    ]
    source.all["run_a"] = made({"kind": "run.created", "function_id": "bill", "status": "running"}, *steps)
    app = inspector(at="10")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        rows = app.screen.query_one(Rows)
        drawn = []
        cells = rows._cells
        rows._cells = lambda one, number: (drawn.append(number), cells(one, number))[1]  # type: ignore[method-assign,func-returns-value]
        await pilot.press("G")
        await settled(pilot)

        assert position(app) == 200_010
        assert 0 < len(set(drawn)) < 100
        assert rows.scroll_offset.y > 19_900
