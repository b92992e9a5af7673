"""A run as `ironflow inspect` tells it where there is no screen for it: in lines of text, or as JSON."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.client import Session
from app.cli.output import Output, plain
from app.cli.past import show_each, told

if TYPE_CHECKING:
    from app.debugger.recording import Recording
    from app.debugger.steps import Shown
    from ironflow.past import Record, RunState

STACK_LINES_SHOWN = 12
ENDED = ("completed", "failed", "cancelled")


def tell(output: Output, recording: Recording, index: int, file: Path | None, *, steps: bool) -> None:
    match output.form:
        case "jsonl":
            _records(output, recording.records[: index + 1])
        case "table":
            _show(output, recording, index, file, steps=steps)
        case _:
            output.json(_document(recording, index, file))


def replay(output: Output, recording: Recording, index: int, speed: float) -> None:
    """The records from a place on, a line each, with the time between them that there was."""
    from app.debugger.playing import pause_s

    records = recording.records
    if output.form == "table":
        _line(output, "POSITION", "STATUS", "STEP", "ATTEMPT", "DURATION", "NOTE")
    for at in range(index, len(records)):
        if at > index:
            time.sleep(pause_s(records[at - 1], records[at], speed))
        if output.form == "jsonl":
            _records(output, [records[at]])
        else:
            _line(output, *_lines(output, [records[at]])[0])
        output.out.flush()


def compare(output: Output, recording: Recording, first: int, second: int) -> None:
    """What changed between two places in what steps had given and the code had noted."""
    from app import differences
    from ironflow.comparing import Difference

    first, second = sorted((first, second))
    before, after = (dict(recording.values(one)) for one in (first, second))
    raw, more = differences.first(before, after)
    found = [
        Difference(one.op, one.path, *(None if it is differences.ABSENT else it for it in (one.before, one.after)))
        for one in raw
    ]
    places = [recording.records[one] for one in (first, second)]
    ends = {"run_id": recording.run_id, "a": told(places[0]), "b": told(places[1]), "same": not found}
    if output.told("ironflow.inspect_diff/v1", {**ends, "state": [told(one) for one in found], "truncated": more}):
        return
    names = ("From", "To")
    shown = [f"position {one.position}  {plain(one.summary)}" for one in places]
    output.fields(list(zip(names, shown, strict=True)))
    output.out.write("\n")
    show_each(output, found)
    if not found:
        output.note("nothing differs")
    if more:
        output.note("there are more differences than are shown")


def _document(recording: Recording, index: int, file: Path | None) -> dict[str, Any]:
    from app.debugger.steps import Steps

    state = recording.state(index)
    return {
        "schema": "ironflow.inspect/v1",
        "run_id": recording.run_id,
        "function_id": state.function_id,
        "function_version": state.function_version,
        "status": state.status,
        "attempt": state.attempt,
        "max_attempts": state.max_attempts,
        "position": recording.records[index].position,
        "newest_position": recording.records[-1].position,
        "behind": recording.last - index,
        "error": state.error,
        "steps": [
            {
                "position": one.position,
                "status": one.status,
                "step": one.row.name,
                "path": one.row.path,
                "attempt": one.row.attempt,
                "duration_ms": one.duration_ms,
                "note": one.note,
                "edited": one.edited,
            }
            for one in Steps(recording).all(index)
        ],
        "next": _following(recording, state, index, file),
    }


def _show(output: Output, recording: Recording, index: int, file: Path | None, *, steps: bool) -> None:
    """`steps`: those too, and not only what stands above and below them."""
    from app.debugger.steps import Steps

    state, record = recording.state(index), recording.records[index]
    later = f", {recording.last - index} later" if index < recording.last else ""
    output.fields(
        [
            ("Run", recording.run_id),
            ("Function", f"{state.function_id} (version {state.function_version})"),
            ("Status", output.status(state.status)),
            ("Attempt", f"{state.attempt} of {state.max_attempts}"),
            ("As of", f"position {record.position}, record {index + 1} of {recording.last + 1}{later}"),
            ("Paused", state.pause_reason),
        ]
    )
    output.out.write("\n")
    if not steps:
        _line(output, "POSITION", "STATUS", "STEP", "ATTEMPT", "DURATION", "NOTE")
        for line in _lines(output, recording.records[: index + 1]):
            _line(output, *line)
        return
    known = Steps(recording)
    rows = [_cells(output, one, known.label(one.row)) for one in known.all(index)]
    output.table(["position", "status", "step", "attempt", "duration", "note"], rows)
    _show_error(output, state)
    output.out.write("\n")
    for one in _following(recording, state, index, file):
        output.out.write(f"Next: {plain(one)}\n")


def _following(recording: Recording, state: RunState, index: int, file: Path | None) -> Sequence[str]:
    """Commands that make sense from here."""
    given = f"--from-file {shlex.quote(str(file))}" if file is not None else recording.run_id
    before = next(iter(recording.boundaries(index, -1)), None)
    looks = [] if before is None else [f"ironflow inspect {given} --at {recording.records[before].position}"]
    if file is not None:
        return looks
    if index < recording.last:
        fork = f'ironflow run fork {given} --at {recording.records[index].position} --reason "…"'
        return [*looks, f"ironflow inspect {given}", fork]
    match state.status:
        case "failed" | "paused":
            names = [one.name for one in recording.records[: index + 1] if one.kind == "step.failed"]
            step = shlex.quote(names[-1]) if names else ""
            why = [f"ironflow why {given} --step {step}"] if step else [f"ironflow why {given}"]
            patch = [f"ironflow run patch {given} {step} -d JSON --plan"] if step else []
            return [*looks, *why, *patch, f'ironflow run resume {given} --reason "…"']
        case "completed" | "cancelled":
            return [*looks, f'ironflow run replay {given} --reason "…"']
        case _:
            return [*looks, f"ironflow inspect {given} --follow --plain"]


def follow(session: Session, recording: Recording) -> None:
    """Tell what happens to a run until it has ended: a line, or an object, a record."""
    output = session.output
    if recording.status(recording.last) in ENDED:
        return
    after = recording.records[-1].position
    with session.client.subscribe(f"system.run.{recording.run_id}.>", after=after) as subscription:
        for _ in subscription:
            new = recording.refresh()
            records = recording.records[len(recording.records) - new :]
            if output.form == "jsonl":
                _records(output, records)
            else:
                for line in _lines(output, records):
                    _line(output, *line)
            output.out.flush()
            if recording.status(recording.last) in ENDED:
                return


def _records(output: Output, records: Sequence[Record]) -> None:
    for record in records:
        output.out.write(json.dumps(told(record), ensure_ascii=False) + "\n")


def _lines(output: Output, records: Sequence[Record]) -> Sequence[Sequence[str]]:
    """Records, each as a line of the same columns as steps have."""
    from app.debugger.steps import note

    return [
        [
            str(record.position),
            output.status(record.status) if record.status else "",
            record.name,
            str(record.attempt or ""),
            _took(record.duration_ms) if record.step_id else "",
            note(record) if record.step_id else record.summary,
        ]
        for record in records
    ]


def _cells(output: Output, one: Shown, label: str) -> list[str]:
    return [
        str(one.position),
        output.status(one.status),
        label,
        str(one.row.attempt or ""),
        _took(one.duration_ms),
        one.note,
    ]


def _line(output: Output, position: str, status: str, step: str, attempt: str, took: str, note: str) -> None:
    """Widths are fixed, since nobody knows what comes."""
    text = f"{position:>8}  {status:<14}  {step:<24}  {attempt:>7}  {took:>9}  {note}"
    output.out.write(plain(text).rstrip() + "\n")


def _took(duration_ms: int | None) -> str:
    if duration_ms is None:
        return ""
    return f"{duration_ms} ms" if duration_ms < 10_000 else f"{duration_ms / 1_000:.1f} s"


def _show_error(output: Output, state: RunState) -> None:
    if not state.error:
        return
    error = state.error
    said = f"{error.get('code', '')}: {error.get('message', '')}".removeprefix(": ")
    output.out.write(f"\n{output.paint('ERROR', '1;31')}  {plain(said)}\n")
    for line in str(error.get("stack") or "").strip().splitlines()[-STACK_LINES_SHOWN:]:
        output.out.write(f"  {plain(line)}\n")
