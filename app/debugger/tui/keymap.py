"""The user's keys: a file that says which keys do what, on top of one of three presets.

    # $XDG_CONFIG_HOME/ironflow/keys.toml (~/.config)
    preset = "emacs"                     # or vim, which is the default, or plain

    [keys]
    next-step = ["n", "space"]
    quit = "ctrl+q"
    cancel = []                          # by no key: the help still does it

A key that would do two things is refused, with both of them named; so is what is no key and what nothing is called.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.debugger.tui.keys import DEFAULT, NAMED, Keymap, known, sign

PRESETS: Mapping[str, Keymap] = {
    "vim": {},
    "emacs": {
        "next-record": "right,ctrl+f",
        "previous-record": "left,ctrl+b",
        "next-row": "down,ctrl+n",
        "previous-row": "up,ctrl+p",
        "first": "home,g,alt+less_than_sign",
        "last": "end,G,alt+greater_than_sign",
        "search": "ctrl+s,slash",
        "scroll": "pagedown,ctrl+v",
        "scroll-back": "pageup,alt+v",
        "copy": "y,alt+w",
        "help": "question_mark,alt+x",
    },
    "plain": {
        "next-record": "right",
        "previous-record": "left",
        "next-row": "down",
        "previous-row": "up",
        "first": "home",
        "last": "end",
        "help": "f1,question_mark",
        "search": "ctrl+f,slash",
    },
}
"""What differs from the table of keys. `vim` has `h` `j` `k` `l` and `g` `G`, as the table has."""


class BadKeys(ValueError):
    """What is wrong with the file, a line each."""


def read(path: Path) -> Keymap:
    """The keys that a file says; the default where there is none. Raises BadKeys."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return DEFAULT
    except OSError as error:
        raise BadKeys(f"{path} cannot be read: {error.strerror}") from None
    try:
        told = tomllib.loads(content.decode())
    except ValueError as error:
        raise BadKeys(f"{path} is no TOML: {error}") from None
    try:
        return made(told)
    except BadKeys as error:
        raise BadKeys("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def made(told: Mapping[str, Any]) -> Keymap:
    """The keys that the content of a file says. Raises BadKeys."""
    problems = [f"there is no setting {name}: preset and [keys] are there" for name in told.keys() - {"preset", "keys"}]
    preset, own = told.get("preset", "vim"), told.get("keys", {})
    if not isinstance(preset, str) or preset not in PRESETS:
        problems.append(f"there is no preset {preset!r}: {', '.join(PRESETS)} are there")
        preset = "vim"
    if not isinstance(own, Mapping):
        raise BadKeys("\n".join([*problems, "[keys] is a table, such as next-step = 'n'"]))
    chosen: dict[str, str] = {}
    for name, value in own.items():
        try:
            chosen[name] = _keys(name, value)
        except BadKeys as error:
            problems.append(str(error))
    keymap = {**DEFAULT, **PRESETS[preset], **chosen}
    problems += _twice(keymap)
    if problems:
        raise BadKeys("\n".join(problems))
    return keymap


def _keys(name: str, value: Any) -> str:
    if name not in NAMED:
        near = get_close_matches(name, NAMED, 1)
        raise BadKeys(f"nothing is called {name}" + (f": did you mean {near[0]}?" if near else ": `?` shows the names"))
    wanted = [value] if isinstance(value, str) else value
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise BadKeys(f'{name} is a key or a list of keys, such as ["n", "space"], not {value!r}')
    found = []
    for text in wanted:
        key = known(text)
        if key is None:
            raise BadKeys(f"{name}: {text!r} is no key such as n, ?, f5, space, ctrl+s or shift+tab")
        if key.isdecimal():
            raise BadKeys(f"{name}: {text} chooses a tab or a position, and nothing else")
        found.append(key)
    return ",".join(dict.fromkeys(found))


def _twice(keymap: Keymap) -> Iterator[str]:
    """Keys that would do more than one thing."""
    does: dict[str, list[str]] = {}
    for name, keys in keymap.items():
        for key in filter(None, keys.split(",")):
            does.setdefault(key, []).append(name)
    for key, names in does.items():
        if len(names) > 1:
            yield f"{sign(key)} would do {' and '.join(names)}: give all but one of them another key"
