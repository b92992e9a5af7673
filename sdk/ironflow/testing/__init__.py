"""Test functions without a server, and with one.

`await run(function, data)` executes a function in this process: time is virtual, steps, events and child functions are
what you give. `check(function, recording)` replays a recorded run. `fold(projection, events)` folds a projection.
`ironflow_server` is a pytest fixture: a real server of your own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ironflow.testing.bench import run, run_blocking
from ironflow.testing.checking import Verdict, check, checks
from ironflow.testing.projected import fold
from ironflow.testing.recording import BadRecording, Recording
from ironflow.testing.result import Incoming, Logged, Result, StepTaken

if TYPE_CHECKING:
    from ironflow.testing.server import Server, ironflow_server

__all__ = [
    "BadRecording",
    "Incoming",
    "Logged",
    "Recording",
    "Result",
    "Server",
    "StepTaken",
    "Verdict",
    "check",
    "checks",
    "fold",
    "ironflow_server",
    "run",
    "run_blocking",
]


def __getattr__(name: str) -> Any:
    if name not in ("Server", "ironflow_server"):  # the fixture needs pytest
        raise AttributeError(f"module 'ironflow.testing' has no attribute {name!r}")
    return getattr(importlib.import_module("ironflow.testing.server"), name)
