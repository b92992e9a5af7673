"""What the inspector tells of a place, a tab each. All of it is asked for when the tab is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from rich.text import Text

from app import differences
from app.debugger import lines as texts
from app.debugger import values
from app.debugger.breakpoints import evaluated
from app.debugger.gantt import offset
from app.debugger.marks import COLORS, STATUS, plain
from app.debugger.recording import Recording
from app.debugger.session import Session
from app.debugger.threads import Thread
from app.errors import IronflowError
from app.expressions import EvaluationFailed
from ironflow.logs import LogLine
from ironflow.past import Record

CHARS_SHOWN = 64 * 1_024
DIFFERENCES_SHOWN = 200
FOLDED_CHARS = 2 * 1_024
INLINE_CHARS = 60

LOG_AROUND = 100
LOGGED_INDENT = 21
LEVELS = {"debug": "dim", "info": "cyan", "warning": "yellow", "error": "red"}

NAMES = ("Output", "Input", "State", "Diff", "Watch", "Logs", "Audit", "Lineage", "Record")


@dataclass
class Looking:
    """What a person chose to compare and to watch, and the first difference to show; `audit` and `lineage` ask for what
    happened to a run and for the runs that it is one of, None for a bundle."""

    compared: int | None = None
    hunk: int = 0
    watches: list[str] = field(default_factory=list)
    audit: Callable[[str], Sequence[Mapping[str, Any]]] | None = None
    lineage: Callable[[str], Mapping[str, Any]] | None = None


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
            return _diff(recording, index, looking)
        case "Watch":
            return _watches(recording, index, looking.watches)
        case "Logs":
            return _logs(recording, index)
        case "Audit":
            return _audit(recording.run_id, looking)
        case "Lineage":
            return _lineage(recording, index, looking)
        case _:
            return _record(recording.records[index])


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
    return Text.assemble(
        (said, "bold red"), "\n\n", (stack + "\n\n" if stack else ""), value(details) if details else ""
    )


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


def _diff(recording: Recording, index: int, looking: Looking) -> Text:
    """Against the place that was marked for it, else the step boundary before; from the difference that was come to."""
    compared = looking.compared
    if compared is None:
        compared = next(iter(recording.boundaries(index, -1)), 0)
    first, second = sorted((compared, index))
    records = recording.records
    heading = (f"position {records[first].position} → {records[second].position}", "dim")
    before, after = (dict(recording.values(one)) for one in (first, second))
    found, more = differences.first(before, after, DIFFERENCES_SHOWN)
    looking.hunk = max(0, min(looking.hunk, len(found) - 1))
    if not found:
        return Text.assemble(heading, ("\n\nno difference", "dim"))
    counted = (f"   {looking.hunk + 1} of {len(found)}{'+' if more else ''}   [ ] go through them\n\n", "dim")
    rest = ("… and more\n", "dim") if more else ""
    return Text.assemble(heading, counted, told_differences(found[looking.hunk :]), rest)


def told_differences(found: Sequence[Any]) -> Text:
    """What was, and what is, a line each."""
    lines: list[Any] = []
    for one in found:
        path = (plain(one.path or "/"), "bold")
        if one.op != "add":
            lines += [("- ", "red"), path, "  ", (plain(values.line(one.before)), "red"), "\n"]
        if one.op != "remove":
            lines += [("+ ", "green"), path, "  ", (plain(values.line(one.after)), "green"), "\n"]
    return Text.assemble(*lines)


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
        who = f"{event.get('actor', '')} via {event['via']}" if event.get("via") else str(event.get("actor", ""))
        lines += [(plain(str(event.get("created_at", ""))[11:19]), "dim"), f"  {event.get('id', ''):>6}  "]
        lines += [
            (plain(f"{event.get('kind', ''):<16}"), "bold"),
            plain(f" {event.get('step_id', '').partition(':')[2]}"),
        ]
        lines += [plain(f"  {said}") for said in (who, event.get("reason", "")) if said]
        lines += ["\n"]
    return Text.assemble(*lines) if lines else Text("Nothing yet", "dim")


def _logs(recording: Recording, index: int) -> Text:
    """What was recorded before and after, a line a record; in place of the records that tell of them, the lines that
    the code logged."""
    begin, records = recording.records[0].at, recording.records
    first, last = max(0, index - LOG_AROUND), min(index + LOG_AROUND, len(records) - 1)
    said: dict[int, list[LogLine]] = {}
    for line in recording.lines(first - 1, last)[0]:
        said.setdefault(line.position, []).append(line)
    lines: list[Any] = [(f"… {first:,} before\n", "dim")] if first else []
    for at in range(first, last + 1):
        record = records[at]
        here = at == index
        by = "  ".join(filter(None, (record.actor, record.worker_id)))
        lines += [("▶ " if here else "  ", "bold"), (f"{record.position:>6}  {offset(record, begin):>9}  ", "dim")]
        if record.position in said:
            for number, line in enumerate(said[record.position]):
                lines += [" " * LOGGED_INDENT if number else "", *_logged(line, dim=at > index)]
            continue
        told = record.summary or f"{record.kind} {record.name}"
        lines += [
            (plain(told), "bold" if here else "dim" if at > index else ""),
            (f"  {plain(by)}" if by else "", "dim"),
        ]
        lines.append("\n")
    later = len(records) - index - LOG_AROUND - 1
    rest = (f"… {later:,} after\n" if later > 0 else "", "dim")
    return Text.assemble(*lines, rest, no_wrap=True, overflow="ellipsis")  # the Record tab has all of a line


def _logged(line: LogLine, *, dim: bool) -> Iterator[Any]:
    """A line that the code logged, with what belongs below it."""
    yield (f"{line.level:<7}  ", "dim" if dim else LEVELS[line.level])
    yield (f"{plain(line.path)}  " if line.path else "", "dim")
    yield (f"{texts.said(line)}\n", "dim" if dim else "")
    for below in texts.below(line):
        yield (f"{' ' * LOGGED_INDENT}{below}\n", "dim")


def _lineage(recording: Recording, index: int, looking: Looking) -> Text:
    """The runs that it was invoked by and has invoked, and the tree of its forks and replays."""
    state = recording.state(index)
    lines: list[Any] = []
    if state.parent_run_id:
        lines += [("invoked by  ", "dim"), plain(state.parent_run_id), "\n"]
    for child in state.children:
        lines += [("invoked     ", "dim"), plain(f"{child.run_id}  {child.function_id}  {child.status}"), "\n"]
    if looking.lineage is None:
        return Text.assemble(*lines, ("A bundle has no forks and replays: they are on the server", "dim"))
    asked = looking.lineage(recording.run_id)
    branches: list[tuple[int, Mapping[str, Any]]] = [(0, asked["tree"])]
    lines.append("\n" if lines else "")
    while branches:
        depth, branch = branches.pop()
        run = branch["run"]
        at = f" at position {branch['forked_at']}" if branch.get("forked_at") else ""
        here = run["id"] == recording.run_id
        icon, _, color = STATUS.get(run["status"], ("·", "", ""))
        lines += [("▶ " if here else "  ", "bold"), ("  " * depth + ("└ " if depth else ""), "dim")]
        lines += [(plain(run["id"]), "bold" if here else "")]
        lines += [
            (f"  {icon} {plain(run['status'])}", COLORS.get(color, "")),
            (f"  {branch['relation']}{at}", "dim"),
            "\n",
        ]
        branches += [(depth + 1, fork) for fork in reversed(branch["forks"])]
    return Text.assemble(*lines, ("… and more\n" if asked.get("more") else "", "dim"))
