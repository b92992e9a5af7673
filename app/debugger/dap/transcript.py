"""A run as text: one line a record. It is the source that a debugger shows, and its lines are places to stop at."""

from __future__ import annotations

from app.debugger.marks import EDITED, STATUS
from app.debugger.recording import Recording
from ironflow.past import Record

MIME = "text/x-ironflow-run"


def text(recording: Recording) -> str:
    return "".join(f"{line(record)}\n" for record in recording.records)


def line(record: Record) -> str:
    edited = record.kind in ("step.patched", "step.injected")
    mark = EDITED if edited else STATUS[record.status][0] if record.status in STATUS else "·"
    told = record.duration_ms is None or record.kind == "step.completed"  # whose summary says how long it took
    took = "" if told else f"  {record.duration_ms} ms"
    return f"{record.position:>9}  {record.at:%H:%M:%S.%f}"[:-3] + f"  {mark} {record.summary}{took}"


def line_of(index: int, *, from_one: bool) -> int:
    """Of the record at a place."""
    return index + from_one


def index_of(line: int, *, from_one: bool) -> int:
    return line - from_one
