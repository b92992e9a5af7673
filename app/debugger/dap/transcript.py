"""A run as text: one line a record. It is the source that a debugger shows, and its lines are places to stop at."""

from __future__ import annotations

from app.debugger.recording import Recording
from ironflow.past import Record

MIME = "text/x-ironflow-run"

_MARKS = {
    "completed": "✓",
    "failed": "✕",
    "cancelled": "⊘",
    "paused": "‖",
    "waiting": "⧗",
    "sleeping": "⧗",
    "running": "▶",
}


def text(recording: Recording) -> str:
    return "".join(f"{line(record)}\n" for record in recording.records)


def line(record: Record) -> str:
    mark = "◇" if record.kind in ("step.patched", "step.injected") else _MARKS.get(record.status, "·")
    took = f"  {record.duration_ms} ms" if record.duration_ms is not None else ""
    return f"{record.position:>9}  {record.at:%H:%M:%S.%f}"[:-3] + f"  {mark} {record.summary}{took}"


def line_of(index: int, *, from_one: bool) -> int:
    """Of the record at a place."""
    return index + from_one


def index_of(line: int, *, from_one: bool) -> int:
    return line - from_one
