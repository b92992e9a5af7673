"""A nats-server of its own, for nodes that share one. Its ports file is waited for, without anybody to tell."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import resources
from tests.support import reaper

START_TIMEOUT_S = 30
KILL_TIMEOUT_S = 30
ASK_S = 0.05


@contextmanager
def running(folder: Path, address: str = "127.0.0.1") -> Iterator[str]:
    """The URL of a server with JetStream at that address, for as long as the block lasts."""
    folder.mkdir()
    options = ["-js", "-a", address, "-p", "-1", "-sd", str(folder), "--ports_file_dir", str(folder)]
    process = subprocess.Popen(
        [resources.nats_server(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    reaper.adopt(process.pid)
    try:
        yield _url(folder / f"nats-server_{process.pid}.ports")
    finally:
        process.kill()
        process.wait(KILL_TIMEOUT_S)
        reaper.release(process.pid)


def _url(ports: Path) -> str:
    for _ in range(int(START_TIMEOUT_S / ASK_S)):
        if ports.exists() and (told := ports.read_text()):
            url: str = json.loads(told)["nats"][0]
            return url
        threading.Event().wait(ASK_S)
    raise RuntimeError("nats-server did not come up")
