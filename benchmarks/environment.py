"""What peers are installed into: folders under .bench/, by name and exact version, made anew when those change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
INSTALL_TIMEOUT_S = 600.0


def python(name: str, *packages: str) -> Path:
    """The Python of an environment with these packages, and what they bring at the versions of constraints.txt."""
    folder = FOLDER / name
    executable = folder / "bin" / "python"

    def install() -> None:
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(executable), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--only-binary", ":all:", "-c", str(CONSTRAINTS), *packages])

    once(folder, [sys.version, *packages, CONSTRAINTS.read_text()], install)
    return executable


def node(name: str, package: str) -> Path:
    """The folder of this npm package. No script of it is run."""
    folder = FOLDER / name
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"{package} needs npm: install Node 20, or leave it out with --systems")

    def install() -> None:
        quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        _run([npm, "install", "--prefix", str(folder), *quietly, package])

    once(folder, [package], install)
    return folder / "node_modules" / package.rpartition("@")[0]


def once(folder: Path, wanted: list[str], install: Callable[[], None]) -> None:
    """Anew if something else is wanted than what is there; the stamp is written last."""
    stamp = folder / ".ready"
    content = "\n".join(wanted)
    if stamp.exists() and stamp.read_text() == content:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install()
    stamp.write_text(content)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=INSTALL_TIMEOUT_S)
