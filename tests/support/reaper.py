"""Children of a test run never outlive it, not even when pytest is killed with SIGKILL.

One small process per test process reads from a pipe whose only other end is ours. Each child, with its directory, is
announced on the pipe; when the pipe closes, however that came about, whatever was not taken back is killed and removed.
(PR_SET_PDEATHSIG would not do: it follows the thread that started the child, and it cannot remove a directory.)
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

_reaper: subprocess.Popen[str] | None = None


def adopt(pid: int, directory: Path | None = None) -> None:
    """Kill `pid`, with its group if it leads one, and remove `directory` when this process is gone."""
    _tell({"adopt": pid, "directory": str(directory) if directory else None})


def release(pid: int) -> None:
    """`pid` has ended and been waited for: forget it and its directory."""
    _tell({"release": pid})


def _tell(message: dict[str, object]) -> None:
    pipe = _started().stdin
    assert pipe is not None
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def _started() -> subprocess.Popen[str]:
    global _reaper
    if _reaper is None:
        # A session of its own: Ctrl-C at the terminal must not reach it before it has done its work.
        _reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        atexit.register(_finish, _reaper)
    return _reaper


def _finish(reaper: subprocess.Popen[str]) -> None:
    assert reaper.stdin is not None
    reaper.stdin.close()
    reaper.wait(timeout=30)


def reap(orders: IO[str]) -> None:
    """Follow `orders` to their end, then kill and remove what is left of them."""
    left: dict[int, str | None] = {}
    for line in orders:
        order = json.loads(line)
        if "adopt" in order:
            left[order["adopt"]] = order["directory"]
        else:
            left.pop(order["release"], None)
    for pid, directory in left.items():
        with contextlib.suppress(ProcessLookupError):
            _kill(pid)
        if directory:
            shutil.rmtree(directory, ignore_errors=True)


def _kill(pid: int) -> None:
    """SIGQUIT, which Postgres answers by ending its own children, and SIGKILL if that was not enough. What is left of
    its group goes too: servers such as Granian have their work done by children that outlive them."""
    handle = os.pidfd_open(pid)
    leads = os.getpgid(pid) == pid
    for number in (signal.SIGQUIT, signal.SIGKILL):
        signal.pidfd_send_signal(handle, number)
        if _ended(handle, timeout_s=5.0):
            break
    if leads:
        os.killpg(pid, signal.SIGKILL)


def _ended(handle: int, *, timeout_s: float) -> bool:
    import select

    return bool(select.select([handle], [], [], timeout_s)[0])


if __name__ == "__main__":
    reap(sys.stdin)
