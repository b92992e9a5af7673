"""What can be done with a key, and in which words the help says so: one table for bindings, footer, help and reference.

A key is called as Textual calls it (`question_mark`, `ctrl+p`); people write and read the sign (`?`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, _character_to_key


class Key(NamedTuple):
    """`name` is what the user's keys file calls it, `keys` what does it if that says nothing else, `action` what
    Textual calls it; `footer` is its word in the line at the bottom, empty where there is none."""

    name: str
    keys: str
    action: str
    text: str
    footer: str = ""
    changes: bool = False


Keymap = Mapping[str, str]
"""By the name of what they do, the keys, with commas; "" where none does it."""

KEYS: Sequence[Key] = (
    Key("next-step", "n", "step(1)", "next step boundary", "step"),
    Key("previous-step", "N", "step(-1)", "step boundary before"),
    Key("next-record", "right,l", "record(1)", "next record", "record"),
    Key("previous-record", "left,h", "record(-1)", "record before"),
    Key("next-row", "down,j", "row(1)", "next row"),
    Key("previous-row", "up,k", "row(-1)", "row before"),
    Key("into", "s", "into", "into the child run", "in/out"),
    Key("out", "S", "out", "out of the child run"),
    Key("continue", "c", "run(1)", "on to a breakpoint, failure or edit", "continue"),
    Key("reverse", "C", "run(-1)", "back to a breakpoint, failure or edit"),
    Key("breakpoint", "b", "breakpoint", "breakpoint at this step's name", "break"),
    Key("first", "g", "first", "first record; after digits, that position: 42g"),
    Key("last", "G", "last", "last record"),
    Key("mark", "m", "mark", "set a mark, named by the next key"),
    Key("jump", "apostrophe", "jump", "jump to a mark"),
    Key("search", "slash", "search", "search names, messages, outputs", "search"),
    Key("filter", "asterisk", "filter", "only the rows that have some words: failed, charge -completed"),
    Key("play", "p", "play", "play the recording, or stop", "play"),
    Key("faster", "plus", "speed(1)", "play faster"),
    Key("slower", "minus", "speed(-1)", "play slower"),
    Key("follow", "f", "follow", "follow what happens", "follow"),
    Key("diff", "d", "compare", "compare from here; again: with the step before", "diff"),
    Key("compare", "D", "beside", "beside another run, step by step"),
    Key("next-difference", "right_square_bracket", "hunk(1)", "next difference"),
    Key("previous-difference", "left_square_bracket", "hunk(-1)", "difference before"),
    Key("why", "equals_sign", "why", "why a value is what it is: to the record that wrote it"),
    Key("watch", "w", "watch", "watch an expression"),
    Key("copy", "y", "copy", "copy the output"),
    Key("copy-path", "Y", "copy_path", "copy the step's path"),
    Key("view", "v", "view", "the tab in your pager or editor"),
    Key("web", "o", "web", "this place in the dashboard"),
    Key("edit", "e", "edit", "edit the output of this step", "edit", changes=True),
    Key("resume", "u", "resume", "resume the run", "resume", changes=True),
    Key("resume-here", "U", "resume_here", "resume the run from this step", changes=True),
    Key("hold", "H", "hold", "hold the run at its next step boundary", changes=True),
    Key("fork", "F", "fork", "fork from here", "fork", changes=True),
    Key("replay", "r", "replay", "replay: a new run with the same input", changes=True),
    Key("cancel", "X", "cancel", "cancel the run", changes=True),
    Key("unlock", "W", "unlock", "allow changes, where production is read-only"),
    Key("next-tab", "tab", "tab(1)", "next tab; digits choose one"),
    Key("previous-tab", "shift+tab", "tab(-1)", "tab before"),
    Key("scroll", "pagedown", "scroll(1)", "scroll the tab"),
    Key("scroll-back", "pageup", "scroll(-1)", "scroll the tab back"),
    Key("zoom", "z", "zoom", "the tab alone, or with the steps"),
    Key("theme", "T", "theme", "dark, light, or the terminal's own colours"),
    Key("runs", "R", "runs", "choose another run"),
    Key("help", "question_mark,ctrl+p", "help", "keys, and what they do", "keys"),
    Key("quit", "q", "quit", "quit; nothing is changed"),
)

NAMED: Mapping[str, Key] = {key.name: key for key in KEYS}
DEFAULT: Keymap = {key.name: key.keys for key in KEYS}

_SIGNS = {"right": "→", "left": "←", "down": "↓", "up": "↑", "pagedown": "PgDn", "pageup": "PgUp"}
_MOVES = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
_WORDS = frozenset((*_MOVES, "insert", "delete", "backspace", "tab", "enter", "escape", "space"))
_FUNCTIONS = frozenset(f"f{number}" for number in range(1, 25))
_CHARACTERS = {name: character for character in map(chr, range(33, 127)) if (name := _character_to_key(character))}


def known(text: str) -> str | None:
    """What Textual calls a key that a person wrote: `?`, `ctrl+s`, `F5`, `shift+tab`; None if there is none."""
    if len(text) < 2:
        return _character_to_key(text) if text.strip() and text.isprintable() else None
    begun, _, last = text.rpartition("+")
    if not last:  # the key is the plus
        begun, last = begun.removesuffix("+"), "+"
    modifiers = begun.lower().split("+") if begun else []
    if not set(modifiers) <= {"ctrl", "alt", "shift"} or len(set(modifiers)) < len(modifiers):
        return None
    name = _character_to_key(last.lower()) if len(last) == 1 else last.lower()
    if name not in _WORDS | _FUNCTIONS and name not in _CHARACTERS:
        return None
    return "+".join([*sorted(modifiers), name])


def sign(key: str) -> str:
    """A key as a person knows it."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _SIGNS.get(last) or _CHARACTERS.get(last) or KEY_NAME_REPLACEMENTS.get(last, last)])


def signs(keys: str) -> str:
    """Keys, which may be none, as a person knows them."""
    return " ".join(sign(one) for one in keys.split(",") if one)


def allowed(*, changes: bool) -> Sequence[Key]:
    return [key for key in KEYS if changes or not key.changes]


def footer(keymap: Keymap, *, changes: bool) -> str:
    told = [
        f"{signs(keymap[key.name]).split()[0]} {key.footer}"
        for key in allowed(changes=changes)
        if key.footer and keymap[key.name]
    ]
    return "  ".join([*told[-1:], *told[:-1]])  # where the line is cut, the help is not


def bindings(keymap: Keymap) -> Iterator[Binding]:
    """Those of the table, and the digits, which choose tabs and positions."""
    for key in KEYS:
        if keymap[key.name]:
            yield Binding(keymap[key.name], key.action, key.text, show=False)
    for digit in range(10):
        yield Binding(str(digit), f"digit('{digit}')", show=False)
