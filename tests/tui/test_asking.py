"""What a person types to find runs and rows; and that colours are the dashboard's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.debugger import asking, filtering
from app.debugger.recording import Recording
from app.debugger.steps import Steps
from app.debugger.tui import outside, themes
from tests.tui.conftest import Recorded

TOKENS = Path(__file__).parents[2] / "static" / "src" / "styles" / "tokens.css"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", {}),
        ("some words", {"search": "some words"}),
        (
            "status:failed,paused fn:ship since:1h boom",
            {"status": "failed,paused", "function_id": "ship", "since": "1h", "search": "boom"},
        ),
        ("is:paused event:evt_1 until:5m", {"status": "paused", "event_id": "evt_1", "until": "5m"}),
        ("-status:completed,cancelled,failed,paused", {"status": "running,waiting,waiting_for_capacity"}),
        ("tag:vip tag:large,eu", {"tag": "vip,large,eu"}),
        ('tag:"late order" "two words" more', {"tag": "late order", "search": "two words more"}),
        ("at 12:30", {"search": "at 12:30"}),
    ],
)
def test_the_filter_of_runs_is_that_of_the_dashboard(text: str, asked: Mapping[str, str]) -> None:
    assert asking.parsed(text) == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status:odd", "there is no status odd: cancelled, completed"),
        ("colour:red", "there is no filter colour: event, function"),
        ("-function:a", "only status: can be turned round, not function:"),
    ],
)
def test_a_filter_that_there_is_not_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        asking.parsed(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", None),
        (" - ", None),
        ("charge", [1, 2]),
        ("CHARGE -failed", [2]),
        ("declined", [1]),
        ("invoke_f", [3]),
        ("x", []),
    ],
)
def test_rows_that_have_words(source: Recorded, text: str, numbers: list[int] | None) -> None:
    assert filtering.numbers(Steps(Recording(source, "run_a")), text) == numbers


@pytest.mark.parametrize(("name", "selector"), [("light", ":root {"), ("dark", ':root[data-theme="dark"] {')])
def test_colours_are_those_of_the_dashboard(name: str, selector: str) -> None:
    css = TOKENS.read_text("utf-8").partition(selector)[2].partition("}")[0]
    theirs = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))

    ours = {token: color for token, color in themes.TOKENS[name].items() if token != "raised"}

    assert ours == {token: theirs[token] for token in ours}


def test_a_place_in_the_dashboard() -> None:
    assert outside.url("http://s:1/", "default", "run_a", 7) == "http://s:1/runs/run_a?at=7"
    assert outside.url("https://s", "a b", "run_a", 7) == "https://s/runs/run_a?at=7&env=a+b"
