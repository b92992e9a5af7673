"""Every key that moves or looks, over a recording made by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from textual.widgets import OptionList, Static

from app.debugger.tui.app import Inspector
from app.debugger.tui.loading import Loading
from app.debugger.tui.picker import Picker, matching
from app.debugger.tui.rows import Rows
from ironflow.past import Record
from tests.tui.conftest import CHARGE, Recorded, afresh, made, position, screen, settled, shown, until

Make = Callable[..., Inspector]


MOVES = [
    (["g", "n", "n", "N"], 30),
    (["g", "l", "l", "h"], 20),
    (["g", "l", "right", "left"], 20),
    (["g", "c", "c"], 90),
    (["4", "2", "g"], 40),
    (["0", "7", "g"], 10),
    (["3", "G", "g"], 10),
    (["g", "down", "down", "up"], 30),
    (["g", "down", "down", "j", "k"], 40),
    (["7", "1", "g", "s"], 10),
    (["7", "1", "g", "s", "S"], 80),
    (["6", "0", "g", "b", "g", "c", "c"], 60),
    (["6", "0", "g", "b", "b", "g", "c", "c"], 90),
    (["3", "0", "g", "m", "x", "G", "apostrophe", "x"], 30),
    (["g", "slash", *"paid", "enter"], 60),
    (["g", "slash", *"declined", "enter"], 40),
    (["g", "slash", *"9007199254740993", "enter"], 30),
    (["g", "slash", *"step", "escape"], 10),
]


async def test_keys_lead_to_places(inspector: Make) -> None:
    app = inspector()
    led = []
    async with app.run_test(size=(60, 16)) as pilot:
        await settled(pilot)
        for pressed, place in MOVES:
            await afresh(pilot, 90)
            for key in pressed:
                await pilot.press(key)
                await settled(pilot)
            await until(pilot, lambda place=place: position(app) == place)  # type: ignore[misc]  # a search takes a while
            led.append((pressed, position(app)))
    assert led == MOVES


async def test_digits_that_are_far_apart_are_no_number(inspector: Make) -> None:
    app = inspector()
    now = [0.0]
    async with app.run_test(size=(100, 20)) as pilot:
        await settled(pilot)
        screen(app).clock = lambda: now[0]  # type: ignore[attr-defined]
        await pilot.press("4")
        now[0] += 2
        await pilot.press("3")
        assert screen(app).tab == "State"
        now[0] += 2
        await pilot.press("g")
        assert (position(app), screen(app).tab) == (10, "State")
        await pilot.press("4", "2", "g")
        assert (position(app), screen(app).tab) == (40, "State")


async def test_tabs_go_round(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("tab", "tab")
        assert screen(app).tab == "State"
        await pilot.press("shift+tab", "shift+tab", "shift+tab")
        assert screen(app).tab == "Record"


async def test_a_failure_is_told(inspector: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorded, "tags", ("vip", "a\x1bb"))
    app = inspector(at="40")
    async with app.run_test(size=(120, 30)) as pilot:
        assert "E: declined" in await shown(pilot)
        await until(pilot, lambda: "#vip  #a" in str(app.screen.query_one("#header", Static).content))
        assert "\x1b" not in await shown(pilot, "#header")
        assert "[PAST 4/9]" in await shown(pilot, "#header")
        assert "read-only" in await shown(pilot, "#header")


async def test_big_numbers_are_exact(inspector: Make) -> None:
    app = inspector(at="30")
    async with app.run_test(size=(120, 30)) as pilot:
        assert "9007199254740993" in await shown(pilot)


async def test_comparing_from_a_place(inspector: Make) -> None:
    app = inspector(at="10")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("d", "G")
        content = await shown(pilot)
        assert "position 10 → 90" in content
        assert "+ /fetch" in content
        await pilot.press("d")
        assert "position 80 → 90" in await shown(pilot)


async def test_following_stays_at_the_end_until_one_moves(inspector: Make, source: Recorded) -> None:
    whole, told = source.all["run_a"], asyncio.Queue[int]()
    source.all["run_a"] = whole[:4]

    async def happenings(run_id: str, after: int) -> AsyncIterator[int]:
        assert (run_id, after) == ("run_a", 40)
        while True:
            yield await told.get()

    app = inspector(following=True, happenings=happenings)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert position(app) == 40
        source.all["run_a"] = whole[:6]
        told.put_nowait(60)
        await until(pilot, lambda: position(app) == 60)
        await pilot.press("N")
        source.all["run_a"] = whole
        told.put_nowait(90)
        await until(pilot, lambda: screen(app).thread.recording.last == 8)
        assert position(app) == 40
        header = await shown(pilot, "#header")
        assert "+5" in header
        assert "bill@1  run_a  ▸ running  attempt 1" in header
        await pilot.press("f")
        assert "follows" not in await shown(pilot, "#header")


async def test_keys_that_change_say_why_they_do_nothing_in_a_bundle(inspector: Make) -> None:
    app = inspector(at="40")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key in "euUHFrX":
            await pilot.press(key)
            await settled(pilot)
            assert position(app) == 40
            assert [one.message for one in app._notifications] == [
                "A bundle is only read: what happens next of a run is changed on its server"
            ]
            app.clear_notifications()


async def test_a_run_that_is_not_there(inspector: Make) -> None:
    app = inspector(run_id="run_c")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
    assert "there is no run run_c" in str(app.refused)


async def test_a_run_that_takes_long_to_load_tells_how_far_it_is_and_is_left_by_escape(
    inspector: Make, source: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.debugger.tui.loading.SHOWN_AFTER_S", 0.0)
    monkeypatch.setattr("app.debugger.tui.loading.EVERY_S", 0.005)
    more, begun = threading.Event(), source.all["run_a"]

    def slow(run_id: str, *, after: int = 0) -> Iterator[Record]:
        yield from begun[:3]
        more.wait(20)
        yield from begun[3:]

    monkeypatch.setattr(source, "records", slow)
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Loading) and "3 records" in said(app))
        more.set()
        await settled(pilot)
        assert position(app) == 90
        more.clear()
        app._session.forget("run_a")
        app.open("run_a")
        await until(pilot, lambda: isinstance(app.screen, Loading))
        await pilot.press("escape")
        await settled(pilot)
        assert position(app) == 90  # what was there before
        more.set()


async def test_without_an_id_one_chooses(inspector: Make) -> None:
    class Runs:
        def list(self, **asked: Any) -> Any:
            runs = [
                {"id": name, "status": "completed", "function_id": "f", "created_at": "2026"}
                for name in ("run_b", "run_a")
            ]
            found = [run for run in runs if (asked["search"] or "") in run["id"]]
            return type("Page", (), {"items": found})

    app = inspector(run_id="", client=type("Client", (), {"runs": Runs(), "environment": "default"})())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        await settled(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert screen(app).thread.recording.run_id == "run_a"
        await pilot.press("R")
        await pilot.pause()
        await settled(pilot)
        await pilot.press(*"fb", "enter")  # letters of it, in their order
        await settled(pilot)
        assert screen(app).thread.recording.run_id == "run_b"


async def test_runs_that_come_while_one_chooses_are_listed_and_what_was_chosen_stays(
    inspector: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.debugger.tui.picker.RENEWED_S", 0.001)
    told, ids = asyncio.Event(), ["run_b", "run_a"]

    class Runs:
        def list(self, **asked: Any) -> Any:
            runs = [{"id": one, "status": "running", "function_id": "f", "created_at": "2026"} for one in ids]
            return type("Page", (), {"items": runs})

    async def arrivals() -> AsyncIterator[None]:
        await told.wait()
        yield
        await asyncio.Event().wait()

    client = type("Client", (), {"runs": Runs(), "environment": "default"})()
    app = inspector(run_id="", client=client, arrivals=arrivals)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: bool(app.screen.query(OptionList)) and "2 runs" in said(app))
        await pilot.press("down")
        ids.insert(0, "run_c")
        told.set()
        await until(pilot, lambda: "3 runs, live" in said(app))
        await pilot.press("enter")
        await settled(pilot)
        assert screen(app).thread.recording.run_id == "run_a"


def said(app: Inspector) -> str:
    return str(app.screen.query_one("#said", Static).content)


def test_runs_are_found_by_letters_in_their_order_and_older_ones_by_the_server() -> None:
    new = [
        {"id": "run_1", "status": "failed", "function_id": "ship-order", "error": {"message": "declined"}},
        {"id": "run_2", "status": "completed", "function_id": "bill"},
    ]
    old = [{"id": "run_0", "status": "failed", "function_id": "ship-order"}, new[0]]

    def found(words: str) -> list[str]:
        return [run["id"] for run in matching(new, old if words else (), words)]

    assert found("") == ["run_1", "run_2"]
    assert found("shor") == ["run_1", "run_0"]
    assert found("fail declined") == ["run_1", "run_0"]
    assert found("bill")[0] == "run_2"


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
        rows._cells = lambda one, number, depth: (drawn.append(number), cells(one, number, depth))[1]  # type: ignore[method-assign,func-returns-value]
        await pilot.press("G")
        await settled(pilot)

        assert position(app) == 200_010
        assert 0 < len(set(drawn)) < 100
        assert rows.scroll_offset.y > 19_900


async def test_a_terminal_that_becomes_too_small_is_told_so(inspector: Make) -> None:
    app = inspector()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.resize_terminal(50, 24)
        await until(pilot, lambda: app.screen.query_one("#small").display)
        said = await shown(pilot, "#small")
        assert said.startswith("50x24 is too small: the debugger needs 60x16.")
        assert "ironflow inspect run_a --plain" in said
        assert app.screen.query_one("#small").display
        assert not app.screen.query_one(Rows).is_on_screen
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: not app.screen.query_one("#small").display)
