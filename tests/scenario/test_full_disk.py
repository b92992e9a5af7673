"""A disk that fills up beneath a server: what would be written is refused, reading goes on, and so does the server when
there is room again. The disk is a small one in memory, in mounts of the server's own, which takes root in most
containers. Postgres' disk is Postgres' business; what it says of it is told alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.readme import wait_until
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow

DISK = 'mount -t tmpfs -o size=32m none "$0" && exec "$@"'
BLOCK = bytes(4096)
EVENTS_MAX = 50


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    if not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody have mounts of their own")
    made = tmp_path / "disk"
    made.mkdir()
    return made


@contextmanager
def filled(server: ServerProcess, disk: Path) -> Iterator[None]:
    """In here there is no room on the server's disk."""
    file = Path(f"/proc/{server.pid}/root{disk}/filling")
    handle = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        with suppress(OSError):
            while os.write(handle, BLOCK):
                pass
        assert os.statvfs(file).f_bavail == 0
        yield
    finally:
        os.close(handle)
        file.unlink()


def test_a_full_disk_is_told_and_outlived(start_server: Callable[..., ServerProcess], disk: Path) -> None:
    command = ("unshare", "--mount", "sh", "-c", DISK, str(disk), sys.executable, "-m", "app")
    server = start_server(data_dir=disk / "data", command=command)
    with httpx.Client(base_url=server.url, timeout=30) as http:

        def emitted() -> httpx.Response:
            return http.post("/api/v1/events", json={"name": "order.placed", "data": "x" * 2_000})

        acknowledged = [emitted().raise_for_status().json()["event_id"]]

        with filled(server, disk):
            for _ in range(EVENTS_MAX):  # what was allocated before takes a few
                refused = emitted()
                if not refused.is_success:
                    break
                acknowledged.append(refused.json()["event_id"])
            assert (refused.status_code, refused.json()["code"]) == (507, "STORAGE_FULL")
            assert refused.json()["hint"]
            assert _listed(http) == acknowledged
            assert http.get("/ready").status_code == 503
            assert http.get("/health").status_code == 200

        acknowledged.append(emitted().raise_for_status().json()["event_id"])
        wait_until(lambda: http.get("/ready").is_success, "it was never ready again")
        assert _listed(http) == acknowledged


def _listed(http: httpx.Client) -> list[str]:
    """The ids of all events, oldest first."""
    found = http.get("/api/v1/events", params={"limit": 2 * EVENTS_MAX}).raise_for_status().json()["events"]
    return [event["id"] for event in found][::-1]
