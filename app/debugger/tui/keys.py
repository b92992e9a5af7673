"""The keys, what each does, and in which words the help says so: one table for bindings, footer and help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """`action` is what Textual calls it; `footer` is its word in the line at the bottom, empty where there is none."""

    keys: str
    action: str
    text: str
    footer: str = ""
    changes: bool = False


KEYS: Sequence[Key] = (
    Key("n", "step(1)", "next step boundary", "step"),
    Key("N", "step(-1)", "step boundary before"),
    Key("right,l", "record(1)", "next record", "record"),
    Key("left,h", "record(-1)", "record before"),
    Key("down,j", "row(1)", "next row"),
    Key("up,k", "row(-1)", "row before"),
    Key("s", "into", "into the child run", "in/out"),
    Key("S", "out", "out of the child run"),
    Key("c", "run(1)", "on to a breakpoint, failure or edit", "continue"),
    Key("C", "run(-1)", "back to a breakpoint, failure or edit"),
    Key("b", "breakpoint", "breakpoint at this step's name", "break"),
    Key("g", "first", "first record; after digits, to that position: 42g"),
    Key("G", "last", "last record"),
    Key("m", "mark", "set a mark, named by the next key"),
    Key("apostrophe", "jump", "jump to a mark"),
    Key("slash", "search", "search names, messages, records", "search"),
    Key("f", "follow", "follow what happens", "follow"),
    Key("d", "compare", "compare from here; again: with the step before", "diff"),
    Key("w", "watch", "watch an expression"),
    Key("y", "copy", "copy the output"),
    Key("Y", "copy_path", "copy the step's path"),
    Key("e", "edit", "edit the output of this step", "edit", changes=True),
    Key("u", "resume", "resume the run", "resume", changes=True),
    Key("U", "resume_here", "resume the run from this step", changes=True),
    Key("H", "hold", "hold the run at its next step boundary", changes=True),
    Key("F", "fork", "fork from here", "fork", changes=True),
    Key("r", "replay", "replay: a new run with the same input", changes=True),
    Key("X", "cancel", "cancel the run", changes=True),
    Key("tab", "tab(1)", "next tab; 1 to 7 choose one"),
    Key("shift+tab", "tab(-1)", "tab before"),
    Key("pagedown", "scroll(1)", "scroll the tab"),
    Key("pageup", "scroll(-1)", "scroll the tab back"),
    Key("z", "zoom", "the tab alone, or with the steps"),
    Key("R", "runs", "choose another run"),
    Key("question_mark,ctrl+p", "help", "keys, and what they do", "keys"),
    Key("q", "quit", "quit; nothing is changed"),
)

_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "apostrophe": "'",
    "right": "→",
    "left": "←",
    "down": "↓",
    "up": "↑",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


def shown(key: Key) -> str:
    """The keys as a person knows them."""
    return " ".join(_SHOWN.get(one, one) for one in key.keys.split(","))


def allowed(*, changes: bool) -> Sequence[Key]:
    return [key for key in KEYS if changes or not key.changes]


def footer(*, changes: bool) -> str:
    told = [f"{shown(key).split()[0]} {key.footer}" for key in allowed(changes=changes) if key.footer]
    return "  ".join([told[-1], *told[:-1]])  # where the line is cut, the help is not


def bindings() -> list[Binding]:
    digits = [Binding(str(digit), f"digit('{digit}')", show=False) for digit in range(10)]
    return [*(Binding(key.keys, key.action, key.text, show=False) for key in KEYS), *digits]
