"""Children of a benchmark: killed when it is done with them, and when it is itself killed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import reaper

ROOT = Path(__file__).parents[1]
STOP_TIMEOUT_S = 30.0


@contextmanager
def child(
    command: Sequence[str],
    *,
    log_file: Path,
    environment: Mapping[str, str],
    directory: Path | None = None,
    talks: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """A running process. What it writes goes to `log_file`, but its output to the caller if it `talks`; `directory` is
    removed after it."""
    with log_file.open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else log,
            stderr=log,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
    reaper.adopt(process.pid, directory)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=STOP_TIMEOUT_S)
        reaper.release(process.pid)
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
