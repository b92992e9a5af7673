"""What the inspector tells of a place, a tab each. All of it is asked for when the tab is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from rich.text import Text

from app import differences
from app.debugger import values
from app.debugger.breakpoints import evaluated
from app.debugger.marks import plain
from app.debugger.recording import Recording
from app.debugger.session import Session, Thread
from app.errors import IronflowError
from app.expressions import EvaluationFailed
from ironflow.past import Record

CHARS_SHOWN = 64 * 1_024
DIFFERENCES_SHOWN = 200
FOLDED_CHARS = 2 * 1_024
INLINE_CHARS = 60

NAMES = ("Output", "Input", "State", "Diff", "Watch", "Record", "Audit")


@dataclass
class Looking:
    """What a person chose to compare and to watch; `audit` asks for what happened to a run, None for a bundle."""

    compared: int | None = None
    watches: list[str] = field(default_factory=list)
    audit: Callable[[str], Sequence[Mapping[str, Any]]] | None = None


def told(name: str, session: Session, thread: Thread, looking: Looking) -> Text:
    """The content of a tab. Raises what the SDK raises."""
    recording, index = thread.recording, thread.index
    match name:
        case "Output":
            return _output(recording, index)
        case "Input":
            step = recording.step(index)
            if step is not None and step.input is not None:
                return value(step.input)
            return Text.assemble(("The run's input\n", "dim"), value(recording.state(index).input))
        case "State":
            return _state(session, thread)
        case "Diff":
            return _diff(recording, index, looking.compared)
        case "Watch":
            return _watches(recording, index, looking.watches)
        case "Record":
            return _record(recording.records[index])
        case _:
            return _audit(recording.run_id, looking)


def value(content: Any) -> Text:
    """JSON as a person reads it, cut where it is very long; big numbers are exact."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    more = len(text) - CHARS_SHOWN
    shown = "\n".join(plain(line) for line in text[:CHARS_SHOWN].split("\n"))
    return Text.assemble(shown, (f"\n… {more:,} more characters: y copies all of it", "dim") if more > 0 else "")


def _output(recording: Recording, index: int) -> Text:
    step = recording.step(index)
    if step is None:
        state = recording.state(index)
        if state.error:
            return _error(state.error)
        return value(state.output) if state.output is not None else Text("The run has no output here", "dim")
    about: list[Any] = []
    if step.patched or step.injected:
        by = f" by {step.patched_by}" if step.patched_by else ""
        said = f"{'patched' if step.patched else 'injected'}{by}: {step.patch_reason}"
        about = [(plain(said), "magenta"), "\n", ("it was  ", "dim"), plain(values.line(step.original_output)), "\n\n"]
    if step.error and step.status != "completed":
        return Text.assemble(*about, _error(step.error))
    if step.status != "completed":
        return Text.assemble(*about, (f"{step.status}: there is no output yet", "dim"))
    return Text.assemble(*about, value(step.output))


def _error(error: Mapping[str, Any]) -> Text:
    said = plain(f"{error.get('code', '')}: {error.get('message', '')}".removeprefix(": "))
    stack = "\n".join(plain(line) for line in str(error.get("stack") or "").strip().split("\n"))
    details = {name: one for name, one in error.items() if name not in ("code", "message", "stack")}
    return Text.assemble((said, "bold red"), "\n\n", (stack + "\n\n" if stack else ""), value(details))


def _state(session: Session, thread: Thread) -> Text:
    """`*` is what the record here changed, `◇` what is staged."""
    recording, index = thread.recording, thread.index
    now = session.values(thread)
    before = recording.values(index - 1) if index else {}
    places = recording.outputs(index)
    lines: list[Any] = []
    for name in now:
        changed = name not in before or (name in places and places[name] == index)
        staged = name in places and (recording.run_id, recording.records[places[name]].step_id) in session.edits
        sign = "◇ " if staged else "* " if changed else "  "
        lines += [(sign, "magenta" if staged else "yellow"), (plain(name), "bold"), "  "]
        lines += [_folded(now[name]), "\n"]
    return Text.assemble(*lines) if lines else Text("No step has given anything yet", "dim")


def _folded(content: Any) -> Text:
    """A value in a line if it is short, or so long that nobody reads all of it here."""
    text = json.dumps(content, ensure_ascii=False, default=str)
    if len(text) <= INLINE_CHARS:
        return Text(plain(text))
    return Text(plain(values.line(content))) if len(text) > FOLDED_CHARS else value(content)


def _diff(recording: Recording, index: int, compared: int | None) -> Text:
    """Against the place that was marked for it, else the step boundary before."""
    if compared is None:
        compared = next(iter(recording.boundaries(index, -1)), 0)
    first, second = sorted((compared, index))
    records = recording.records
    heading = (f"position {records[first].position} → {records[second].position}\n\n", "dim")
    before, after = (dict(recording.values(one)) for one in (first, second))
    found, more = differences.first(before, after, DIFFERENCES_SHOWN)
    lines: list[Any] = []
    for one in found:
        path = (plain(one.path), "bold")
        if one.op != "add":
            lines += [("- ", "red"), path, "  ", (plain(values.line(one.before)), "red"), "\n"]
        if one.op != "remove":
            lines += [("+ ", "green"), path, "  ", (plain(values.line(one.after)), "green"), "\n"]
    rest = ("… and more\n", "dim") if more else ""
    return Text.assemble(heading, *lines, rest) if lines else Text.assemble(heading, ("no difference", "dim"))


def _watches(recording: Recording, index: int, watches: Sequence[str]) -> Text:
    if not watches:
        return Text("w adds an expression in CEL over step, run, state and event, such as state.charge.amount", "dim")
    lines: list[Any] = []
    for text in watches:
        try:
            shown = values.line(evaluated(text, recording, index))
        except (IronflowError, EvaluationFailed) as error:
            shown = f"<{error}>"
        lines += [(plain(text), "bold"), "  ", plain(shown), "\n"]
    return Text.assemble(*lines)


def _record(record: Record) -> Text:
    lines: list[Any] = []
    for one in fields(record):
        said = getattr(record, one.name)
        if said not in ("", None):
            lines += [(f"{one.name:<16}", "dim"), plain(str(said)), "\n"]
    return Text.assemble(*lines)


def _audit(run_id: str, looking: Looking) -> Text:
    if looking.audit is None:
        return Text("A bundle has no audit: it is on the server", "dim")
    lines: list[Any] = []
    for event in looking.audit(run_id):
        said = {name: one for name, one in event.items() if name not in ("timestamp", "created_at") and one}
        lines += [(plain(str(event.get("timestamp") or event.get("created_at") or "")), "dim"), "  "]
        lines += [plain(values.line(said)), "\n"]
    return Text.assemble(*lines) if lines else Text("Nothing yet", "dim")
