"""Replay check: recorded runs against the code of now, offline, without side effects.

    same      the code takes the recorded steps and ends as the run did
    changed   the run failed or was paused; the code takes the recorded steps, and then goes another way
    diverged  the code does not take the steps that history has, or ends otherwise than the run that completed
    error     it could not be told: the code did not come to an end, or there is no such function

An unfinished run is the same if the code takes what is recorded of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ironflow import jsonvalue
from ironflow.assignment import Recorded
from ironflow.function import Function
from ironflow.reports import RunFailed
from ironflow.testing import recording as recordings
from ironflow.testing.recording import Recording
from ironflow.testing.replaying import LIMIT_S, Replayed, Replayer

Outcome = Literal["same", "changed", "diverged", "error"]
SHOWN_CHARS = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the code makes of one recorded run. Unless it is the same: what is `recorded`, what the code asks for or
    does instead (`requested`), and where (`file:line`, as near as it is known)."""

    run_id: str
    function_id: str
    outcome: Outcome
    recorded: str = ""
    requested: str = ""
    location: str = ""

    @property
    def passed(self) -> bool:
        """Whether the code keeps to what was recorded."""
        return self.outcome in ("same", "changed")

    def __str__(self) -> str:
        told = f"{self.run_id} ({self.function_id}): {self.outcome}"
        if self.outcome == "same":
            return told
        return f"{told}\n  history has  {self.recorded}\n  the code has {self.requested}\n  at {self.location}"


async def checks(
    functions: Iterable[Function],
    recorded: Iterable[Recording],
    *,
    ignore_output: bool = False,
    limit_s: float = LIMIT_S,
) -> AsyncIterator[Verdict]:
    """A verdict for each recording, in order. With `ignore_output` it does not matter what a run returns."""
    known = {function.id: function for function in functions}
    replayer = Replayer(limit_s=limit_s)
    try:
        for one in recorded:
            function = known.get(one.function_id)
            if function is None:
                yield _unknown(one, known)
            else:
                yield verdict(one, await replayer.replay(function, one), ignore_output=ignore_output)
    finally:
        replayer.close()


def check(function: Function, recorded: Recording | Mapping[str, Any], *, ignore_output: bool = False) -> Verdict:
    """The verdict on one recorded run, for tests without an event loop; in one, use `checks`. Raises BadRecording."""
    given = recorded if isinstance(recorded, Recording) else recordings.of(recorded)

    async def one() -> Verdict:
        async for found in checks([function], [given], ignore_output=ignore_output):
            return found
        raise AssertionError("one recording gives one verdict")

    return asyncio.run(one())


def verdict(recording: Recording, replayed: Replayed, *, ignore_output: bool = False) -> Verdict:
    """What a replay means for the recorded run."""

    def differs(outcome: Outcome, recorded: str, requested: str, where: str = "") -> Verdict:
        place = shown_path(where or replayed.location)
        return Verdict(recording.run_id, recording.function_id, outcome, recorded, requested, place)

    failed, asked, missed = replayed.failed, replayed.asked, replayed.missed
    if replayed.stuck:
        return differs("error", _end(recording), "does not come to an end: it waits for something that is no step")
    if failed is not None and (divergence := failed.divergence) is not None:
        step = _name(recording, divergence.step_id)
        return differs(
            "diverged", f"{step} as {divergence.recorded}", f"{step} as {divergence.requested}", divergence.location
        )
    if missed is not None:
        if asked is not None and asked.expected is not None:
            return differs("diverged", _step(recording, asked.expected), _asked(recording, replayed), asked.location)
        return differs("diverged", _step(recording, missed), _ending(replayed))
    if asked is not None:
        outcome = _beyond(recording)
        if outcome is not None:
            return differs(outcome, _end(recording), _asked(recording, replayed), asked.location)
    elif (outcome := _ended(recording, replayed, ignore_output)) is not None:
        return differs(outcome, _end(recording), _ending(replayed))
    return Verdict(recording.run_id, recording.function_id, "same")


def shown_path(place: str) -> str:
    """The place, from the working directory if it lies there."""
    here = f"{Path.cwd()}/"
    return place.removeprefix(here)


def _beyond(recording: Recording) -> Outcome | None:
    """What it means that the code asks for a step after all that are recorded."""
    if recording.status == "completed":
        return "diverged"
    if recording.status in ("failed", "paused") and recording.error is not None:
        return "changed"
    return None


def _ended(recording: Recording, replayed: Replayed, ignore_output: bool) -> Outcome | None:
    """What it means that the code ends like this, after all that is recorded."""
    completed, failed = replayed.completed, replayed.failed
    match recording.status:
        case "completed":
            if completed is None:
                return "diverged"
            same = ignore_output or jsonvalue.decode(completed.output) == recording.output
            return None if same else "diverged"
        case "failed" | "paused" if recording.error is not None:
            if failed is not None and failed.failure.message == recording.error.get("message"):
                return None
            return "changed"
        case _:
            return None


def _unknown(recording: Recording, known: Mapping[str, Function]) -> Verdict:
    return Verdict(
        recording.run_id,
        recording.function_id,
        "error",
        f"a run of {recording.function_id!r}",
        f"no such function, but {', '.join(map(repr, known)) or 'none'}",
    )


def _step(recording: Recording, step: Recorded) -> str:
    state = ", which failed" if step.failed else ""
    return f"{_name(recording, step.step_id)} ({step.kind or 'step'}){state}"


def _asked(recording: Recording, replayed: Replayed) -> str:
    assert replayed.asked is not None
    return f"{_name(recording, replayed.asked.step_id)} ({replayed.asked.kind})"


def _end(recording: Recording) -> str:
    if recording.status == "completed":
        return f"the end: returned {_shown(recording.output)}"
    error = recording.error
    told = f": {error.get('message', '')}" if error else ""
    return f"the end: {recording.status}{told}"[:SHOWN_CHARS]


def _ending(replayed: Replayed) -> str:
    match replayed.completed, replayed.failed:
        case (None, RunFailed(failure=failure)):
            return f"the end: failed: {failure.message}"[:SHOWN_CHARS]
        case (None, _):
            return "the end: it asks for no further step"
        case (completed, _):
            return f"the end: returned {_shown(jsonvalue.decode(completed.output))}"


def _shown(value: Any) -> str:
    text = jsonvalue.encode(value).decode()
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _name(recording: Recording, step_id: str) -> str:
    """The step as its code names it, with its number if it is not the first of that name."""
    path = step_id.removeprefix(f"{recording.run_id}:")
    name, _, number = path.rpartition(":")
    name = re.sub(r"\\(.)", r"\1", name)
    return f"step {name!r}" if number == "0" else f"step {name!r} #{number}"
