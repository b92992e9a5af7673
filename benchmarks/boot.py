"""`make bench-boot`: how soon the executable is there, what it weighs, beside Restate's server in the same minutes.

    python -m benchmarks.boot [--rounds N] [--systems executable,checkout,restate]

Cold is the first start of a file that was never unpacked; warm is every later one. A start is on a new data directory,
with its own nats-server. What is told of it, counted from the moment that the process is made:

    accepts    a connection is taken
    health     GET /health is answered with 200
    all up     the server says that it is ready: store, HTTP, gRPC (ours); its admin face is healthy (Restate)
    CPU        the processor time of the server's process until then
    REST       GET /ready, asked the moment after, is answered: what answers is loaded for it
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from benchmarks import environment, machine, network, peer_restate
from benchmarks.process import ROOT, child
from benchmarks.subject import cpu_of
from tests.support.ports import free_port

EXECUTABLE = ROOT / "dist" / "ironflow"
TIMEOUT_S = 60.0
POLL_S = 0.0005
MIB = 1 << 20

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boot")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--systems", default="executable,checkout,restate")
    options = parser.parse_args()
    systems = options.systems.split(",")
    if "executable" in systems and not EXECUTABLE.exists():
        raise SystemExit("there is no dist/ironflow: make binary")
    print("\n".join(machine.describe()))
    with tempfile.TemporaryDirectory(prefix="ironflow-bench-") as folder:
        place = Path(folder)
        starts = _starts(systems, place)
        seen: dict[str, list[Figures]] = {name: [] for name in starts}
        for _ in range(options.rounds):
            for name, start in starts.items():
                seen[name].append(start())
    for name, some in seen.items():
        print(f"\n{name}")
        for figure in some[0]:
            values = [figures[figure] for figures in some]
            print(f"  {figure:<24} {min(values):8,.0f} least  {statistics.median(values):8,.0f} median")


def _starts(systems: Sequence[str], place: Path) -> Mapping[str, Callable[[], Figures]]:
    """What is measured once a round, by name."""
    plain = {"PATH": os.environ["PATH"]}
    found: dict[str, Callable[[], Figures]] = {}
    if "executable" in systems:
        warm = {**plain, "IRONFLOW_CACHE_DIR": str(place / "cache")}
        subprocess.run([EXECUTABLE, "--version"], env=warm, check=True, stdout=subprocess.DEVNULL)
        command = [str(EXECUTABLE)]
        found["executable, cold"] = lambda: _first(command, plain, place)
        found["executable, warm"] = lambda: {**_ours(command, warm, place), "file MiB": EXECUTABLE.stat().st_size / MIB}
    if "checkout" in systems:
        found["checkout"] = lambda: _ours([sys.executable, "-m", "app"], plain, place)
    if "restate" in systems:
        package = peer_restate.SERVER.format(machine=peer_restate.MACHINES[platform.machine()])
        binary = environment.node("restate-server", package) / "bin" / "restate-server"
        network.leave()  # it asks GitHub for its latest release at each start
        found[f"restate-server {peer_restate.VERSION}"] = lambda: _restate(binary, plain, place)
    return found


def _first(command: Sequence[str], plain: Mapping[str, str], place: Path) -> Figures:
    """Of an executable that has to unpack itself."""
    cache = place / "cold"
    try:
        return _ours(command, {**plain, "IRONFLOW_CACHE_DIR": str(cache)}, place)
    finally:
        shutil.rmtree(cache)


def _ours(command: Sequence[str], given: Mapping[str, str], place: Path) -> Figures:
    begun = time.perf_counter()
    subprocess.run([*command, "--version"], env=given, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    figures = {"--version ms": _ms(begun)}
    if "cold" in given.get("IRONFLOW_CACHE_DIR", ""):
        shutil.rmtree(given["IRONFLOW_CACHE_DIR"])
    port, data = free_port(), place / "data"
    flags = ["--port", str(port), "--grpc-port", "0", "--data-dir", str(data), "--dev"]
    begun = time.perf_counter()
    with child(
        [*command, "serve", *flags], log_file=place / "log", environment=given, directory=data, talks=True
    ) as it:
        figures |= _until_healthy(begun, port, "/health")
        assert it.stdout is not None
        _await_ready(it.stdout)
        figures["all up ms"] = _ms(begun)
        figures["CPU ms"] = cpu_of(it.pid)() * 1_000
        _until_healthy(begun, port, "/ready")
        figures["REST ms"] = _ms(begun)
        figures |= _resident(it.pid)
    return figures


def _restate(binary: Path, given: Mapping[str, str], place: Path) -> Figures:
    begun = time.perf_counter()
    subprocess.run([binary, "--version"], env=given, check=True, stdout=subprocess.DEVNULL)
    figures = {"--version ms": _ms(begun)}
    folder = place / "restate"
    folder.mkdir()
    command = [str(binary), *peer_restate.FLAGS, "--base-dir", str(folder)]
    begun = time.perf_counter()
    with child(command, log_file=place / "log", environment={**given, **peer_restate.SETTINGS}, directory=folder) as it:
        figures |= _until_healthy(begun, 8080, "/restate/health")
        _until_healthy(begun, 9070, "/health")
        figures["all up ms"] = _ms(begun)
        figures["CPU ms"] = cpu_of(it.pid)() * 1_000
        figures |= _resident(it.pid)
    return {**figures, "file MiB": binary.stat().st_size / MIB}


def _until_healthy(begun: float, port: int, path: str) -> Figures:
    """When it took a connection, and when it answered with 200."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            _patience(begun)
    accepts = _ms(begun)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT_S):
                return {"accepts ms": accepts, "health ms": _ms(begun)}
        except (urllib.error.URLError, ConnectionError):
            _patience(begun)


def _patience(begun: float) -> None:
    if time.perf_counter() - begun > TIMEOUT_S:
        raise TimeoutError("it did not come up")
    time.sleep(POLL_S)


def _await_ready(output: IO[str]) -> None:
    for line in output:
        if line.startswith("ready "):
            return
    raise RuntimeError("it ended instead of becoming ready")


def _resident(pid: int) -> Figures:
    """Memory of the process and of its children, by name."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = {"server": _rss(pid)}
    sizes |= {Path(f"/proc/{one}/comm").read_text().strip(): _rss(int(one)) for one in children}
    return {f"resident {name} MiB": size / MIB for name, size in sizes.items()}


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _ms(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000


if __name__ == "__main__":
    main()
