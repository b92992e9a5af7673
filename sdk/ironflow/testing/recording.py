"""Recorded runs as `GET /api/v1/runs/{id}/recording` tells them: what a worker would be handed, and how the run ended.

A bundle is a file of them, one JSON object a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ironflow.assignment import Assignment
from ironflow.pushing import Refused, assignment

SCHEMA = "ironflow.recording/v1"


class BadRecording(ValueError):
    """It is no recording; the message says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Recording:
    """`assignment` is what an execution would be handed, with every step that is recorded. `output` is the run's if it
    completed, `error` why it failed or was paused. `told` is all of it as JSON."""

    assignment: Assignment
    status: str
    function_version: int
    output: Any
    error: Mapping[str, Any] | None
    told: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        return self.assignment.run_id

    @property
    def function_id(self) -> str:
        return self.assignment.function_id


def of(told: Any) -> Recording:
    """The recording that a JSON object tells. Raises BadRecording."""
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise BadRecording(f'this is no recording of a run: "schema" is not {SCHEMA!r}')
    try:
        given = assignment(json.dumps(told).encode())
    except Refused as refused:
        raise BadRecording(str(refused)) from None
    status, error = told.get("status"), told.get("error")
    if not isinstance(status, str) or not isinstance(error, dict | None):
        raise BadRecording("status must be a text, and error an object or null")
    return Recording(given, status, int(told.get("function_version") or 0), told.get("output"), error, told)


def read(lines: Iterable[str]) -> Iterator[Recording]:
    """The recordings of a bundle, in order; empty lines are skipped. Raises BadRecording that names the line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield of(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise BadRecording(f"line {number}: {error}") from None
