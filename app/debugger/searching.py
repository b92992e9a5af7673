"""Where a recording has a text: in what is said of a record, or in what a step gave."""

from __future__ import annotations

import json
from collections.abc import Collection
from itertools import chain

from app.debugger.recording import STEPS_WHOLE_MAX, Recording


def next_place(recording: Recording, sought: str, here: int) -> int | None:
    """The next place after here that has it, in either case of letters, beginning anew at the end; None if none has.
    Outputs are looked into up to STEPS_WHOLE_MAX steps. Raises what the SDK raises."""
    sought = sought.lower()
    given = _given(recording, sought)
    for index in chain(range(here + 1, len(recording.records)), range(here + 1)):
        record = recording.records[index]
        said = f"{record.name}\n{record.summary}\n{record.message}\n{record.reason}".lower()
        if sought in said or index in given:
            return index
    return None


def _given(recording: Recording, sought: str) -> Collection[int]:
    """The places where steps ended whose outputs have it."""
    places = recording.outputs(recording.last)
    if len(places) > STEPS_WHOLE_MAX:
        return ()
    values = recording.values(recording.last)
    return {at for name, at in places.items() if sought in json.dumps(values[name], ensure_ascii=False).lower()}
