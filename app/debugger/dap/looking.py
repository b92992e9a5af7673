"""What a client asks of the place it stopped at: scopes and variables, expressions, values to be changed.

References hold until the next stop, lines and columns count from where the client says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.debugger import breakpoints, causes, jsonpath, values
from app.debugger.causes import Cause
from app.debugger.console import Console
from app.debugger.dap import scopes
from app.debugger.dap.variables import MARK, Inside, References
from app.debugger.session import Edit, Session
from app.debugger.threads import Stop, Thread

Arguments = Mapping[str, Any]


class Refused(Exception):
    """A request that cannot be answered; the text is for people."""


class Said(NamedTuple):
    """An answer, and where what was asked for led."""

    body: Any
    stop: Stop | None = None


class Looking:
    def __init__(self, session: Session, *, columns_from_one: bool) -> None:
        self._session = session
        self._columns_from_one = columns_from_one
        self._references = References()
        self._console = Console(session)

    def forget(self) -> None:
        """One has moved on: references hold no more."""
        self._references.forget()

    def scopes(self, thread: Thread) -> Any:
        return {"scopes": scopes.scopes(self._session, thread, self._references)}

    def variables(self, arguments: Arguments) -> Any:
        number = int(arguments["variablesReference"])
        listed = self._references.listed(
            self._known(number),
            start=int(arguments.get("start") or 0),
            count=int(arguments.get("count") or 0),
            only=arguments.get("filter", ""),
        )
        return {"variables": [self._writable(number, one) for one in listed]}

    def _known(self, number: int) -> int:
        try:
            self._references.inside(number)
        except KeyError:
            raise Refused("what this refers to was left behind at the last stop") from None
        return number

    def _writable(self, number: int, variable: dict[str, Any]) -> dict[str, Any]:
        """The output of a step, and what is in it, can be changed."""
        inside = self._references.inside(number)
        if not inside.step or (not inside.path and variable["name"] != "output"):
            return variable
        return {name: value for name, value in variable.items() if name != "presentationHint"}

    def failure(self, thread: Thread) -> Any:
        """What failed here, what caused it, and each attempt before."""
        record = thread.record
        step = thread.recording.step(thread.index) if record.step_id else None
        found = step.error if step else thread.recording.head(thread.index).error
        error = dict(found or {})
        code, message = str(error.get("code") or record.code or "StepError"), str(error.get("message", ""))
        tried = [f"attempt {one.attempt}: {one.code}: {one.message}" for one in thread.recording.failures(thread.index)]
        return {
            "exceptionId": code,
            "description": str(error.get("message") or record.message or record.summary),
            "breakMode": "always",
            "details": {
                "message": message,
                "typeName": str(error.get("code", "")),
                "stackTrace": "\n".join(filter(None, (str(error.get("stack") or ""), *tried))),
                **_inner(causes.chain(str(error.get("stack") or ""))),
            },
        }

    # Expressions.

    def evaluate(self, thread: Thread, text: str, *, as_command: bool) -> Said:
        """A value by an expression in CEL, or in State by JSONPath if it begins with `$`; or what a verb of the console
        does."""
        text = text.strip()
        if as_command:
            said = self._console.say(thread, text)
            if said is not None:
                return Said({"result": said.text, "variablesReference": 0}, said.stop)
        if text.startswith("$"):
            value = jsonpath.select(text, self._session.values(thread))
            value = dict(value) if isinstance(value, Mapping) else value
        else:
            staged = self._session.staged(thread)
            value = breakpoints.evaluated(text, thread.recording, thread.index, staged=staged)
        shown = self._references.shown(value, Inside(lambda: value, "" if text.startswith("$") else text))
        return Said({"result": shown.pop("value"), **shown})

    def completions(self, thread: Thread, text: str, column: int) -> Any:
        """Columns count units of UTF-16."""
        before = text.encode("utf-16-le")[: 2 * max(0, column - self._columns_from_one)].decode("utf-16-le", "ignore")
        return {"targets": [{"label": one} for one in self._console.completions(thread, before)]}

    def change_of(self, thread: Thread, number: int, name: str) -> Any:
        """What a data breakpoint would watch: a variable in what a reference stands for, or a path."""
        path = name.removesuffix(f" {MARK}")
        if number:
            evaluate = self._references.inside(self._known(number)).evaluate
            if not evaluate.startswith("state"):
                return {"dataId": None, "description": "only what is in State can be watched for a change"}
            inner = evaluate.removeprefix("state").removeprefix(".")
            path = values.path_text([*(values.parse_path(inner) if inner else ()), _key(path)])
        path = path.removeprefix("state.")
        values.parse_path(path)
        return {
            "dataId": f"{thread.recording.run_id} {path}",
            "description": f"changes of {path}",
            "accessTypes": ["write"],
            "canPersist": True,
        }

    # Values to be changed.

    def set_variable(self, thread: Thread, arguments: Arguments) -> tuple[Any, Edit]:
        """Stage another value for a variable."""
        inside = self._references.inside(self._known(int(arguments["variablesReference"])))
        key = _key(str(arguments["name"]))
        path = (*inside.path, key)
        if not inside.step or path[0] != "output":
            raise Refused("read-only: only the output of a step that ended can be changed")
        new = _json(arguments["value"])
        try:
            edit = self._session.stage(thread, inside.step, path[1:], new)
        except KeyError:
            raise Refused("read-only: the step has not ended here") from None
        return self._references.shown(new), edit

    def set_expression(self, thread: Thread, expression: str, value: str) -> tuple[Any, Edit]:
        """Stage another value for a path such as `state.charge.amount` or `step.output.amount`."""
        new, text = _json(value), expression.strip()
        try:
            if text == "step.output" or text.startswith(("step.output.", "step.output[")):
                inner = text.removeprefix("step.output").removeprefix(".")
                path = values.parse_path(inner) if inner else ()
                return self._references.shown(new), self._session.stage(thread, thread.record.step_id, path, new)
            return self._references.shown(new), self._session.stage_path(thread, text.removeprefix("state."), new)
        except KeyError:
            raise Refused("read-only: only the output of a step that ended can be changed") from None


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(f"the value is not JSON: {error}") from None


def _key(name: str) -> str | int:
    """A variable's name as a key: `[3]` is a place in a list."""
    return int(name[1:-1]) if name.startswith("[") and name.endswith("]") and name[1:-1].isdecimal() else name


def _inner(chain: Sequence[Cause]) -> dict[str, Any]:
    """The causes of an exception, each within the one that it led to."""
    if not chain:
        return {}
    first, *more = chain
    about = {"typeName": first.type, "message": first.message, "stackTrace": first.stack}
    return {"innerException": [{**about, **_inner(more)}]}
