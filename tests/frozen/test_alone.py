"""The file on a machine that has nothing else: a root with the C library, zlib, and the file in it."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.frozen.test_serve import EXECUTABLE
from tests.support import reaper

pytestmark = pytest.mark.frozen

LIBRARIES = (
    "ld-linux-*.so.*",
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libz.so.1",
)
"""What docs/how-to/install.md says that it needs: glibc in its parts, and zlib."""

INTO = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" /ironflow "$@"'
PATIENCE_S = 60


class Machine:
    """Runs the file in its root, in mounts of its own. Nothing of our environment is there but a home."""

    def __init__(self, root: Path) -> None:
        separate = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if not shutil.which("unshare") or subprocess.run([*separate, "true"], capture_output=True).returncode:
            pytest.skip("this system lets nobody have mounts of their own")
        self._command = [*separate, "sh", "-c", INTO, str(root)]
        self._started: list[subprocess.Popen[bytes]] = []
        self._environment = {"PATH": os.environ["PATH"], "HOME": "/home"}  # the path of `mount`; there it leads nowhere

    def run(self, *arguments: str) -> str:
        command = [*self._command, *arguments]
        shown = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=PATIENCE_S)
        assert shown.returncode == 0, f"{arguments}: {shown.stdout}{shown.stderr}"
        return shown.stdout

    def serve(self) -> tuple[subprocess.Popen[bytes], str]:
        """The server, and its URL."""
        command = [*self._command, "serve", "--port", "0", "--grpc-port", "0"]
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        reaper.adopt(process.pid)
        self._started.append(process)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], PATIENCE_S)[0], "it was never ready"
        return process, process.stdout.readline().decode().split()[1]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait(PATIENCE_S)
            reaper.release(process.pid)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "root"
    for name in ("proc", "dev", "tmp", "home", "lib", "lib64"):
        (root / name).mkdir(parents=True)
    for library in _found(LIBRARIES):
        shutil.copy(library, root / "lib")
        shutil.copy(library, root / "lib64")
    shutil.copy(EXECUTABLE, root / "ironflow")
    made = Machine(root)
    yield made
    made.close()


def _found(patterns: Sequence[str]) -> Iterator[Path]:
    loaded = re.search(r"(/\S*)/libc[.-]", Path("/proc/self/maps").read_text())
    assert loaded is not None
    for pattern in patterns:
        found = next((one for folder in (Path(loaded[1]), Path("/lib64")) for one in folder.glob(pattern)), None)
        assert found is not None or pattern.startswith(("libdl", "libpthread", "librt", "libutil")), pattern
        if found is not None:  # the parts are one file in newer releases
            yield found


def test_it_serves_demonstrates_and_keeps_where_nothing_else_is(machine: Machine) -> None:
    server, url = machine.serve()

    machine.run("demo", "--once")
    sent = json.loads(machine.run("emit", "order.placed", "-d", '{"id": 1}', "--json"))
    inspected = machine.run("inspect", "@last-failed")
    page = _get(url)
    [script, *_] = re.findall(r'src="(/assets/[^"]+\.js)"', page)
    assert _get(f"{url}{script}")
    assert "Documentation" in _get(f"{url}/docs")
    runs = json.loads(machine.run("run", "list", "--json"))["items"]
    server.terminate()
    assert server.wait(PATIENCE_S) == 0

    server, _ = machine.serve()
    again = json.loads(machine.run("run", "list", "--json"))["items"]
    events = json.loads(machine.run("event", "list", "--json"))["items"]
    server.terminate()
    assert server.wait(PATIENCE_S) == 0

    assert sent["events"] == 1
    assert "failed" in inspected
    assert len(runs) >= 6
    assert {run["id"] for run in runs} <= {run["id"] for run in again}
    assert events[0]["name"] == "order.placed"
    assert json.loads(machine.run("history", "verify", "--json"))["ok"]


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        text: str = answer.read().decode()
        return text
