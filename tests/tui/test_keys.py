"""Every binding: what it leads to, by each of its keys. A binding without a case here fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from app.debugger import playing
from app.debugger.tui import keymap
from app.debugger.tui.app import Inspector
from app.debugger.tui.editing import EditOutput
from app.debugger.tui.keys import DEFAULT, KEYS, NAMED, bindings
from app.debugger.tui.picker import Picker
from app.debugger.tui.prompts import AnyKey, Help, Line, found
from app.debugger.tui.rows import Rows
from tests.tui.conftest import Recorded, afresh, position, screen, settled, shown, until
from tests.tui.test_changing import Asked

Make = Callable[..., Inspector]
Led = Callable[[Inspector], bool]
"""Whether a key has led where it should."""


class Case(NamedTuple):
    """`before` is pressed at a position, then the key, then `after`."""

    led: Led
    at: int = 60
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def to(place: int) -> Led:
    return lambda app: position(app) == place


def says(text: str, selector: str = "#content") -> Led:
    return lambda app: text in str(app.screen.query_one(selector, Static).content)


def asks(title: str) -> Led:
    """A line that is asked for; or that something is said not to be possible."""
    return lambda app: isinstance(app.screen, Line) and app.screen._title.startswith(title)


CASES: Mapping[str, Case] = {
    "next-step": Case(to(30), at=10),
    "previous-step": Case(to(40), at=60),
    "next-record": Case(to(50), at=40),
    "previous-record": Case(to(50), at=60),
    "next-row": Case(to(40), at=30),
    "previous-row": Case(to(30), at=40),
    "into": Case(lambda app: screen(app).thread.recording.run_id == "run_b", at=70),
    "out": Case(to(80), at=70, before=("s",)),
    "continue": Case(to(40), at=10),
    "reverse": Case(to(40), at=90),
    "breakpoint": Case(to(60), after=("g", "c", "c")),
    "first": Case(to(10)),
    "last": Case(to(90)),
    "mark": Case(to(60), after=("x", "G", "apostrophe", "x")),
    "jump": Case(to(60), before=("m", "x", "G"), after=("x",)),
    "search": Case(to(80), after=(*"shipped", "enter")),
    "filter": Case(lambda app: app.screen.query_one(Rows).virtual_size.height == 2, after=(*"charge", "enter")),
    "play": Case(lambda app: screen(app).playing),
    "faster": Case(says("plays 2x", "#header"), before=("p",)),
    "slower": Case(says("plays 0.5x", "#header"), before=("p",)),
    "follow": Case(says("● follows", "#header")),
    "diff": Case(says("position 60 → 90"), after=("G",)),
    "compare": Case(asks("Beside which run?")),
    "next-difference": Case(says("2 of 3"), at=90, before=("g", "d", "G")),
    "previous-difference": Case(says("1 of 3"), at=90, before=("g", "d", "G", "right_square_bracket")),
    "why": Case(to(30), at=90, after=(*"fetch.amount", "enter")),
    "watch": Case(says("step.attempt  2"), after=(*"step.attempt", "enter")),
    "copy": Case(lambda app: app.clipboard == '{\n  "amount": 50\n}'),
    "copy-path": Case(lambda app: app.clipboard == "charge:0"),
    "view": Case(lambda app: "viewed" in vars(app)),
    "web": Case(lambda app: vars(app)["opened"] == "http://server/runs/run_a?at=60&env=staging"),
    "edit": Case(lambda app: isinstance(app.screen, EditOutput)),
    "resume": Case(asks("Resume run_a")),
    "resume-here": Case(asks("Resume run_a from charge:0")),
    "hold": Case(asks("Hold run_a")),
    "fork": Case(asks("Fork run_a at position 60")),
    "replay": Case(asks("Replay run_a")),
    "cancel": Case(asks("Cancel run_a?")),
    "unlock": Case(lambda app: any("locked" in one.message for one in app._notifications)),
    "next-tab": Case(lambda app: screen(app).tab == "Input"),
    "previous-tab": Case(lambda app: screen(app).tab == "Record"),
    "scroll": Case(lambda app: app.screen.query_one("#body").scroll_y > 0, before=("9",)),
    "scroll-back": Case(lambda app: app.screen.query_one("#body").scroll_y == 0, before=("9", "pagedown")),
    "zoom": Case(lambda app: not app.screen.query_one(Rows).display),
    "theme": Case(lambda app: app.theme == "ironflow-light"),
    "runs": Case(lambda app: isinstance(app.screen, Picker)),
    "help": Case(lambda app: isinstance(app.screen, Help)),
    "quit": Case(lambda app: app.return_code == 0),
}

TABS = {
    "1": '"amount": 50',
    "2": '"order": 7',
    "3": "* charge",
    "4": "/charge",
    "5": "w adds",
    "6": "▶     60",
    "7": "step.patched     charge:0  key_7 via dap/vscode  the price was wrong",
    "8": "replay",
    "9": "step.completed",
}


class Server:
    """What is asked of a server beside recordings."""

    url, environment = "http://server/", "staging"

    @property
    def runs(self) -> Server:
        return self

    @property
    def audit(self) -> Server:
        return self

    items: Any = (
        {"id": "60", "kind": "step.patched", "created_at": "2026-01-31T12:00:06Z", "step_id": "run_a:charge:0"}
        | {"actor": "key_7", "via": "dap/vscode", "reason": "the price was wrong"},
    )

    def of_run(self, run_id: str) -> Any:
        return self

    def list(self, **asked: Any) -> Any:
        run = {"id": "run_b", "status": "failed", "function_id": "ship", "created_at": "2026"}
        return type("Page", (), {"items": [run]})

    def lineage(self, run_id: str) -> Mapping[str, Any]:
        forks = [{"relation": "replay", "run": {"id": "run_b", "status": "failed"}, "forked_at": None, "forks": []}]
        return {"tree": {"relation": "origin", "run": {"id": run_id, "status": "completed"}, "forks": forks}}


async def pressed(pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def led(pilot: Pilot[None], case: Case) -> bool:
    for _ in range(100):
        await settled(pilot)
        if case.led(pilot.app):  # type: ignore[arg-type]
            return True
    return False


@pytest.fixture
def whole(inspector: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Inspector:
    """A debugger that can do all there is; what it shows outside is taken down in it."""
    app = inspector(changes=Asked(), client=Server())
    viewed = tmp_path / "viewed"
    keep = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(pathlib.Path(sys.argv[2]).read_text())"
    monkeypatch.setenv("PAGER", f"{sys.executable} -c '{keep}' {viewed}")
    monkeypatch.setattr(app, "suspend", nullcontext)
    monkeypatch.setattr(playing, "pause_s", lambda *_: 3_600.0)  # it stays at the record where it began to play
    monkeypatch.setattr(app, "open_url", lambda url: setattr(app, "opened", url))
    return app


def test_every_binding_has_a_case() -> None:
    assert CASES.keys() == NAMED.keys()
    assert set(TABS) == {one.key for one in bindings(DEFAULT) if one.key.isdecimal() and one.key != "0"}


async def test_each_key_leads_where_it_should(whole: Inspector, tmp_path: Path) -> None:
    wrong = []
    async with whole.run_test(size=(100, 16)) as pilot:
        await settled(pilot)
        for key in sorted(KEYS, key=lambda one: one.name == "quit"):
            case = CASES[key.name]
            for one in key.keys.split(","):
                await afresh(pilot, case.at)
                if whole.look != "dark":
                    whole.dress("dark")
                await pressed(pilot, case.before)
                if one in ("apostrophe", "m", "asterisk", "slash", "w", "equals_sign"):
                    await pilot.press(one)
                    await until(pilot, lambda: isinstance(whole.screen, Line | AnyKey))
                    await pressed(pilot, case.after)
                else:
                    await pressed(pilot, (one, *case.after))
                if key.name == "view":
                    await until(pilot, (tmp_path / "viewed").exists)
                    whole.viewed = json.loads((tmp_path / "viewed").read_text())  # type: ignore[attr-defined]
                if not await led(pilot, case):
                    wrong.append(f"{key.name} by {one}")
    assert wrong == []


async def test_digits_choose_tabs_and_tabs_tell(whole: Inspector) -> None:
    wrong = {}
    async with whole.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for digit, said in TABS.items():
            await afresh(pilot, 60)
            await pilot.press(digit)
            if said not in (content := await shown(pilot)) or position(whole) != 60:
                wrong[digit] = content
    assert wrong == {}


async def test_keys_of_the_user_do_what_the_others_did(inspector: Make) -> None:
    app = inspector(keymap=keymap.made({"preset": "plain", "keys": {"next-step": "space", "first": ["home", "f2"]}}))
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pressed(pilot, ("f2", "space"))
        assert position(app) == 30
        await pressed(pilot, ("n", "l", "j", "G"))  # no keys any more
        assert position(app) == 30
        await pressed(pilot, ("end", "home"))
        assert position(app) == 10
        assert "space step" in await shown(pilot, "#footer")


async def test_help_finds_and_does_what_is_meant(inspector: Make, source: Recorded) -> None:
    app = inspector()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        listed = app.screen.query_one(OptionList)
        assert listed.option_count == len([key for key in KEYS if not key.changes])  # read-only
        await pilot.press(*"fst rec", "enter")
        await settled(pilot)
        assert position(app) == 10


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("nxt stp", "next-step"),
        ("G", "last"),
        ("copy path", "copy-path"),
        ("FORK", "fork"),
        ("rsm here", "resume-here"),
    ],
)
def test_the_best_of_what_is_found_is_first(typed: str, name: str) -> None:
    assert found(KEYS, DEFAULT, typed)[0].name == name


def test_nothing_is_found_where_letters_are_missing() -> None:
    assert found(KEYS, DEFAULT, "xyzzy") == []
