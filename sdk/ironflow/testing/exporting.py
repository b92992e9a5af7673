"""A recorded run as a test: one pytest file that holds the recording and replays it against the code."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ironflow import jsonvalue
from ironflow.function import Function
from ironflow.testing import recording as recordings
from ironflow.testing.checking import Verdict, verdict
from ironflow.testing.recording import Recording
from ironflow.testing.redaction import Redactor
from ironflow.testing.replaying import Replayed, Replayer

_TEMPLATE = '''\
"""{title}

Exported by `ironflow run export-test`: the run is replayed by the code of now, its steps are answered from the
recording, and nothing is done. {redacted}
"""

import json

from ironflow.testing import check
from {module} import {imported}

RECORDING = json.loads(
    r"""
{recording}
"""
)


def test_{name}():
    verdict = check({function}, RECORDING)

    assert verdict.outcome == "same", str(verdict)
'''


class NotReproduced(Exception):
    """The code does not replay the run as it was recorded, so the test would fail."""

    def __init__(self, verdict: Verdict, *, redacted: bool) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.redacted = redacted


@dataclass(frozen=True, slots=True)
class Exported:
    """The file's text, and how many values were redacted in it."""

    text: str
    redacted: int


def export(
    function: Function, recording: Recording, *, module: str, attribute: str, redact: Sequence[str], keep: Sequence[str]
) -> Exported:
    """A test of the run. `attribute` is where the module has the function: a name, or an expression that begins with
    one. What the run returned is what the code makes of the redacted recording. Raises NotReproduced if the code goes
    another way than the run, by itself or because of the redaction."""
    before = _verdict(function, recording)
    if before.outcome != "same":
        raise NotReproduced(before, redacted=False)
    redactor = Redactor(extra=redact, keep=keep)
    redacted = recordings.of(redactor(recording.told))
    told = dict(redacted.told)
    if redactor.count:
        replayed = _replay(function, redacted)
        if replayed.completed is not None and redacted.status == "completed":
            told["output"] = jsonvalue.decode(replayed.completed.output)
        elif replayed.failed is not None and redacted.error is not None:
            told["error"] = {**redacted.error, "message": replayed.failed.failure.message}
        after = _verdict(function, recordings.of(told))
        if after.outcome != "same":
            raise NotReproduced(after, redacted=True)
    _forget_stacks(told)
    return Exported(_text(recording, told, module, attribute, redactor.count), redactor.count)


def _text(recording: Recording, told: dict[str, Any], module: str, attribute: str, redacted: int) -> str:
    name = re.sub(r"\W+", "_", f"{recording.function_id}_{recording.run_id}").strip("_").lower()
    values = "value was" if redacted == 1 else "values were"
    return _TEMPLATE.format(
        title=f"Run {recording.run_id} of {recording.function_id} ({recording.status}).",
        redacted=f"{redacted} {values} redacted." if redacted else "Nothing was redacted.",
        module=module,
        imported=re.match(r"\w+", attribute)[0],  # type: ignore[index]
        function=attribute,
        name=name,
        recording=json.dumps(told, indent=1),
    )


def _forget_stacks(told: dict[str, Any]) -> None:
    """They are long, name paths of other machines, and matter to no replay."""
    for error in (told.get("error"), *(step.get("error") for step in told.get("steps", ()))):
        if isinstance(error, dict):
            error.pop("stack", None)


def _replay(function: Function, recording: Recording) -> Replayed:
    replayer = Replayer()
    try:
        return asyncio.run(replayer.replay(function, recording))
    finally:
        replayer.close()


def _verdict(function: Function, recording: Recording) -> Verdict:
    return verdict(recording, _replay(function, recording))
