"""Two runs side by side, and one run that plays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Static

from app.debugger import playing
from app.debugger.tui.app import Inspector
from app.debugger.tui.comparing import Beside, ComparisonScreen, rows
from ironflow.comparing import Difference, RunDiff, Side, StepDiff, StepSide
from tests.tui.conftest import BEGAN, RECORDS, position, screen, settled, until

Make = Callable[..., Inspector]

GOOD = StepSide("run_b:charge:0", "invoke", "completed", 1, 30, 5, 12)
BAD = StepSide("run_a:charge:0", "invoke", "failed", 2, 40, 5, 201)


def side(run_id: str, status: str) -> Side:
    return Side(run_id, "bill", 1, 90, 9, BEGAN, status, 1_200)


def diff(*steps: StepDiff, first: str | None, run: tuple[Difference, ...] = ()) -> RunDiff:
    ends = (side("run_b", "completed"), side("run_a", "failed"))
    return RunDiff(*ends, same=first is None, run=run, steps=steps, first_divergence=first)


SAME = StepDiff("fetch:0", "fetch", "same", before=GOOD, after=GOOD)
CHANGED = StepDiff("charge:0", "charge", "changed", (Difference("replace", "/output/amount", 50, 51),), GOOD, BAD)
MISSING = StepDiff("ship:0", "ship", "removed", before=GOOD)


class Server:
    """Answers with one comparison, and takes down what was asked for."""

    url, environment = "http://server", "default"

    def __init__(self, found: RunDiff) -> None:
        self.asked: list[tuple[str, str]] = []
        self.good: Any = type("LastGood", (), {"run": {"id": "run_b"}})
        self._found = found

    @property
    def runs(self) -> Server:
        return self

    def last_good(self, run_id: str) -> Any:
        return self.good

    def compare(self, run_id: str, other: str) -> RunDiff:
        self.asked.append((run_id, other))
        return self._found


def compares(app: Inspector) -> bool:
    """Whether a comparison is on the screen, with its rows."""
    return isinstance(app.screen, ComparisonScreen) and any(one.virtual_size.height for one in app.screen.query(Beside))


@pytest.fixture
def server() -> Server:
    return Server(diff(SAME, CHANGED, MISSING, first="charge:0"))


async def test_it_begins_where_the_runs_first_differ(inspector: Make, server: Server) -> None:
    app = inspector(client=server, compare="")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: compares(app))
        beside = app.screen.query_one(Beside)
        lines = ["".join(one.text for one in beside.render_line(y)).split() for y in range(4)]
        content = str(app.screen.query_one("#content", Static).content)
        heading = str(app.screen.query_one("#header", Static).content)

    assert server.asked == [("run_b", "run_a")]
    assert beside.current == 2
    assert lines[1] == ["fetch", "✓", "completed", "12ms", "│", "✓", "completed", "12ms"]
    assert lines[2] == ["≠", "charge", "✓", "completed", "12ms", "│", "✕", "failed", "#2", "201ms"]
    assert lines[3] == ["-", "ship", "✓", "completed", "12ms", "│", "(not", "there)"]
    assert "- /output/amount  50\n+ /output/amount  51" in content
    assert heading.split() == ["run_b", "│", "run_a", "differ", "first", "at", "charge:0"]


async def test_keys_go_from_difference_to_difference_and_into_the_run(inspector: Make, server: Server) -> None:
    app = inspector(client=server)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("D")
        await pilot.press(*"run_b", "enter")
        await until(pilot, lambda: compares(app))
        beside = app.screen.query_one(Beside)
        places = []
        for key in ("n", "n", "N", "k", "g", "j", "G", "enter"):
            await pilot.press(key)
            places.append(beside.current)
        assert places == [3, 3, 2, 1, 0, 1, 3, 3]  # no more than there are; the last has no such step
        await pilot.press("N", "enter")
        await settled(pilot)
        assert position(app) == 40
        await pilot.press("D", "enter")
        await until(pilot, lambda: compares(app))
        await pilot.press("escape")
        await settled(pilot)
        assert position(app) == 40
        assert server.asked == [("run_b", "run_a")] * 2


async def test_without_a_good_run_it_is_said(inspector: Make, server: Server) -> None:
    server.good = None
    app = inspector(client=server, compare="")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: any("No run of its function" in one.message for one in app._notifications))
        assert position(app) == 90


async def test_a_bundle_is_beside_nothing_but_itself(inspector: Make) -> None:
    app = inspector(compare="30")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert (screen(app).tab, screen(app).looking.compared) == ("Diff", 2)
        await pilot.press("D", "enter")
        await until(pilot, lambda: any("A bundle has no other run" in one.message for one in app._notifications))


def test_steps_of_one_name_are_called_by_their_paths() -> None:
    other = StepDiff("b:charge:0", "charge", "same", before=GOOD, after=GOOD)

    found = rows(diff(SAME, CHANGED, other, first=None))

    assert [row.label for row in found] == ["the run", "fetch", "charge:0", "b:charge:0"]


async def test_a_run_plays_from_its_beginning_to_its_end(inspector: Make) -> None:
    app = inspector(playing=64.0)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: len(app.screen_stack) > 1 and position(app) == 90)
        assert not screen(app).playing


async def test_a_move_stops_what_plays(inspector: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "pause_s", lambda *_: 3_600.0)
    app = inspector()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("p")
        assert (position(app), screen(app).playing) == (10, True)
        await pilot.press("l")
        assert (position(app), screen(app).playing) == (20, False)


@pytest.mark.parametrize(
    ("gap_s", "speed", "pause_s"), [(1, 1, 1), (1, 4, 0.25), (1, 64, 0.03), (3_600, 1, 2.0), (0, 1, 0.03)]
)
def test_gaps_are_as_they_were_but_bounded(gap_s: float, speed: float, pause_s: float) -> None:
    first, second = RECORDS["run_a"][:2]
    later = replace(second, at=first.at + timedelta(seconds=gap_s))

    assert playing.pause_s(first, later, speed) == pause_s


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("0.5", 0.5), ("4x", 4.0)])
def test_speeds_as_people_write_them(text: str, speed: float) -> None:
    assert playing.parsed(text) == speed


@pytest.mark.parametrize("text", ["fast", "0", "65", "-1", ""])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no speed from"):
        playing.parsed(text)


def test_speeds_have_ends() -> None:
    assert [playing.changed(1, 1), playing.changed(1, -1), playing.changed(64, 1), playing.changed(0.25, -1)] == [
        2,
        0.5,
        64,
        0.25,
    ]
    assert playing.changed(3, 1) == 4
