"""Golden transcripts: whole conversations of a scripted client, message by message, in `tests/dap/golden/*.jsonl`.

A line is a message of the protocol: requests are sent, all else has to be heard, in that order. `{"until": EVENT}`
waits for an event that another thread tells, `{"do": …}` is for the test. What differs from run to run (ids, times,
positions of history) is made alike. `IRONFLOW_GOLDEN=write` writes anew what was heard; read the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.dap.conftest import Editor, validator

FOLDER = Path(__file__).with_name("golden")

_ID = re.compile(r"\b(run|evt|bp|job)_[0-9a-z]{26}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)|\b\d\d:\d\d:\d\d(\.\d+)?\b")
_POSITION = re.compile(r"(?m)^ *\d+(?=  TIME)")
_ENVIRONMENT = re.compile(r"t-[0-9a-f]{12}")
_NUMBERS = frozenset(("position", "set_by", "behind"))
"""Variables that are positions of history, or count it."""


class Alike:
    """Makes messages alike; an id is a number in the order in which ids came."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def message(self, told: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._value({name: value for name, value in told.items() if name != "seq"})
        return found

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                text = _TIME.sub("TIME", _ID.sub(lambda found: self._id(found[0]), value))
                return _ENVIRONMENT.sub("ENVIRONMENT", _POSITION.sub("POSITION", text))
            case list():
                return [self._value(one) for one in value]
            case {"name": str(name), "value": str()} if name in _NUMBERS:
                return {**{key: self._value(one) for key, one in value.items()}, "value": "POSITION"}
            case {"id": int(), "label": str(label)}:
                return {**value, "label": re.sub(r"^\d+", "POSITION", label)}
            case dict():
                return {key: self._value(one) for key, one in value.items()}
            case _:
                return value

    def _id(self, found: str) -> str:
        kind = found.partition("_")[0]
        return self._ids.setdefault(found, f"{kind}_{1 + sum(known.startswith(kind) for known in self._ids)}")


def check(name: str, editor: Editor, given: dict[str, str], do: Callable[[str], None] = lambda what: None) -> None:
    """The conversation in a file goes as it says; `given` is what stands for `$NAME` in its requests."""
    path = FOLDER / f"{name}.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    alike, told = Alike(), []
    for number, line in enumerate(lines):
        if "until" in line:
            editor.until(line["until"])
        elif "do" in line:
            do(line["do"])
        elif line.get("type") == "request":
            validator(f"{line['command'][0].upper()}{line['command'][1:]}Request").validate({"seq": number, **line})
            editor.ask(line["command"], **_filled(line.get("arguments", {}), given))
        else:
            continue
        told.append(line)
        if "until" in line or not _waits(lines[number + 1 :]):
            told += [alike.message(one) for one in editor.heard()]
    if os.environ.get("IRONFLOW_GOLDEN") == "write":
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in told), "utf-8")
        return
    assert told == lines, f"{path} says otherwise; see tests/dap/golden.py"


def _waits(following: list[Any]) -> bool:
    """Whether more may come at any time before what is waited for next."""
    after = next((one for one in following if one.get("type", "request") == "request"), {})
    return "until" in after or "do" in after


def _filled(value: Any, given: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, found in given.items():
        text = text.replace(f"${name}", found)
    return json.loads(text)
