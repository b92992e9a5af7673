"""`make bench-peers`: comparable products from their own packages, in environments of their own under .bench/.

    python -m benchmarks.peers [--seconds S]

DBOS (its Python package, in process, on SQLite and on the same sort of Postgres), with runs of five steps that return
about 100 bytes, closed loop, as `make bench`. Restate is not here yet.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from tests.support.postgres import Cluster

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench"
DBOS = "dbos==3.4.0"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case")
    seconds = str(parser.parse_args().seconds)
    python = environment("dbos", DBOS)
    with tempfile.TemporaryDirectory(prefix="ironflow-peers-") as folder, Cluster(durable=True) as cluster:
        place = Path(folder)
        print("\n".join([*machine.describe(), *machine.floor(place, cluster.create_database())]), flush=True)
        program = str(Path(__file__).parent / "peer_dbos.py")
        for url in (f"sqlite:///{place}/dbos.sqlite", cluster.create_database()):
            subprocess.run([python, program, url, seconds], check=True, timeout=600)


def environment(name: str, *packages: str) -> str:
    """The Python of a virtual environment with those packages, made once."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / ".ready").touch()
    return str(python)


if __name__ == "__main__":
    main()
