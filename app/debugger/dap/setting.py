"""What to stop at, as clients of DAP say it. Each kind is set as a whole, and each breakpoint answered for itself."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from app.debugger import breakpoints, values
from app.debugger.breakpoints import AtChange, AtFailure, AtRecord, AtStep, BadBreakpoint, Breakpoint, When
from app.debugger.dap import transcript
from app.debugger.dap.code import Code
from app.debugger.session import Session
from app.debugger.threads import Thread
from app.errors import IronflowError

Given = Mapping[str, Any]
Made = tuple[Breakpoint | None, Given]
"""A breakpoint, if it can be set, and what is said of it."""


class Setting:
    """Of a `live` session, a step that is not recorded yet is one to wait for."""

    def __init__(self, session: Session, code: Code, *, from_one: bool, live: bool = False) -> None:
        self._session = session
        self._code = code
        self._live = live
        self._from_one = from_one
        self._ids = 0

    def functions(self, given: Sequence[Given]) -> Any:
        """Steps by name or pattern; `before` or `after` it, said first, is where live runs are held."""

        def made(number: int, one: Given) -> Made:
            place, name = _placed(str(one["name"]).strip())
            found = AtStep(number, name, _when(one), place)
            known = self._live or any(found.known(thread.recording) for thread in self._session.threads.values())
            return found, {} if known else {"verified": False, "message": "this recording has no such step"}

        return self._set("functions", given, made)

    def code_lines(self, path: str, given: Sequence[Given]) -> Any:
        """Lines of a file of code: steps that they take."""

        def made(number: int, one: Given) -> Made:
            steps = self._code.steps(path, int(one["line"]))
            if not steps:
                message = "the code that ran takes no step here, or is not known; set it in the run's transcript"
                return None, {"verified": False, "line": one["line"], "message": message}
            message = str(one.get("logMessage") or "")
            found = AtStep(number, glob.escape(steps[0]), _when(one), message=message, reason="breakpoint")
            return found, {"line": one["line"]}

        return self._set(f"lines of {path}", given, made)

    def lines(self, thread: Thread, given: Sequence[Given]) -> Any:
        """Lines of a run's transcript."""
        recording = thread.recording

        def made(number: int, one: Given) -> Made:
            line = int(one["line"])
            index = transcript.index_of(line, from_one=self._from_one)
            if not 0 <= index <= recording.last:
                return None, {"verified": False, "line": line, "message": "the transcript has no such line"}
            message = str(one.get("logMessage") or "")
            return AtRecord(number, recording.run_id, index, _when(one), message), {"line": line}

        return self._set(f"records of {recording.run_id}", given, made)

    def failures(self, names: Sequence[str], options: Sequence[Given]) -> Any:
        """Exception filters, without options and with."""

        def made(number: int, one: Given) -> Made:
            name = str(one["filterId"])
            if name not in breakpoints.FILTERS:
                return None, {"verified": False, "message": f"there is no filter {name!r}"}
            return AtFailure(number, name, _when(one)), {}

        return self._set("failures", [*({"filterId": name} for name in names), *options], made)

    def changes(self, given: Sequence[Given]) -> Any:
        """Data breakpoints; an id is a run's and a path."""

        def made(number: int, one: Given) -> Made:
            run_id, _, path = str(one["dataId"]).partition(" ")
            values.parse_path(path)
            return AtChange(number, run_id, path, _when(one)), {}

        return self._set("data", given, made)

    def _set(self, kind: str, given: Sequence[Given], made: Callable[[int, Given], Made]) -> Any:
        found, told = [], []
        for one in given:
            number = self._next()
            try:
                breakpoint_, answer = made(number, one)
            except (BadBreakpoint, IronflowError, values.BadPath) as error:
                told.append({"id": number, "verified": False, "message": str(error)})
                continue
            if breakpoint_ is not None:
                found.append(breakpoint_)
            told.append({"id": number, "verified": True, **answer})
        self._session.breakpoints[kind] = found
        return {"breakpoints": told}

    def _next(self) -> int:
        self._ids += 1
        return self._ids


def _placed(text: str) -> tuple[Literal["", "before", "after"], str]:
    """Where, if that is said first, and the name."""
    first, _, rest = text.partition(" ")
    if rest and first == "before":
        return "before", rest.strip()
    if rest and first == "after":
        return "after", rest.strip()
    return "", text


def _when(given: Given) -> When:
    return When(str(given.get("condition") or ""), str(given.get("hitCondition") or ""))
