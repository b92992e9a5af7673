"""The saga of a recorded run: the steps that it undid, newest first, and how that stood at a place.

What a compensation was registered for is not recorded before it runs. Those of a run that never undid anything are not
known.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.debugger.recording import Recording
from ironflow.past import Record

TO_BE_UNDONE = "to be undone"


def undoes(record: Record) -> str:
    """The name of the step that a compensation undoes; "" of what is none."""
    return record.compensation_for


def done_at(recording: Recording, index: int) -> int | None:
    """Where the step was done that the compensation at a place undoes."""
    name = undoes(recording.records[index])
    for place in range(index - 1, -1, -1):
        record = recording.records[place]
        if record.name == name and record.status == "completed":
            return place
    return None


def stack(recording: Recording, index: int) -> Mapping[str, str]:
    """By the name of each step that was done by a place and is undone by then or later, how that stood."""
    found: dict[str, str] = {}
    for place in recording.places.compensations:
        record, done = recording.records[place], done_at(recording, place)
        if done is None or done > index:
            continue
        found.setdefault(undoes(record), TO_BE_UNDONE)
        if place <= index:
            failed = f"failed: {record.message}" if record.status == "failed" else record.status
            found[undoes(record)] = "undone" if record.status == "completed" else failed
    return found
