"""A small program packed as `make binary` packs ours, so that what the launcher promises is tested in no time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onefile
import pytest

from app.resources import VERSION

BUILD = Path(__file__).parents[2] / "build"

PROGRAM = """#!/bin/sh
here=$(dirname "$0")
case "$1" in
    where) echo "$here" ;;
    pid) echo $$ ;;
    wait) echo "$here"; read line; cat "$here/data/greeting" ;;
    *) cat "$here/data/greeting"; printf ' %s' "$@"; echo; exit 7 ;;
esac
"""


@dataclass
class Packed:
    """A packed program, and the cache directory that it is given. Nothing else of our environment reaches it."""

    file: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "IRONFLOW_CACHE_DIR": str(self.cache), **self.environment}

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(self.file), *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, **options)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen([str(self.file), *arguments], env=self.env, **pipes, **options)

    def where(self) -> Path:
        """Where it is unpacked to."""
        shown = self.run("where")
        assert shown.returncode == 0, shown.stderr
        return Path(shown.stdout.strip())

    def versions(self) -> Sequence[str]:
        """What is in the cache, by name, the lock left out."""
        return sorted(path.name for path in self.cache.iterdir() if path.name != ".lock")


@pytest.fixture(scope="session")
def launcher() -> Path:
    return onefile.compile_launcher(BUILD / "launcher", version=VERSION, work=BUILD / "zstd")


@pytest.fixture
def pack(launcher: Path, tmp_path: Path) -> Any:
    """`pack("one")` packs the program with another greeting; the same cache for each."""

    def packed(greeting: str = "hello", *, more: bytes = b"") -> Packed:
        folder = tmp_path / f"program-{greeting}"
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "greeting").write_text(greeting)
        (folder / "data" / "more").write_bytes(more)
        (folder / "data" / "same").symlink_to("greeting")
        (folder / "ironflow").write_text(PROGRAM)
        (folder / "ironflow").chmod(0o755)
        out = onefile.pack(folder, launcher=launcher, out=tmp_path / f"ironflow-{greeting}", level=3)
        return Packed(out, tmp_path / "cache")

    return packed
