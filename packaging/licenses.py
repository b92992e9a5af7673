"""The licences of everything that is inside the executable, as one text."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import ziglang
import zstandard
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PRODUCT = "ironflow-platform"
EXTRA = "server"
RULE = "\n" + "=" * 100 + "\n"
UNNAMED = "see its text"
SYSTEM = {
    "bzip2": "libbz2-1.0",
    "GCC's runtime": "libgcc-s1",
    "libffi": "libffi8",
    "libuuid": "libuuid1",
    "OpenSSL": "libssl3",
    "SQLite": "libsqlite3-0",
    "xz": "liblzma5",
    "zlib": "zlib1g",
}
"""Libraries of the system that Python's own modules need and PyInstaller takes along, by their packages in Debian."""
_LICENSE_FILE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)


def write(out: Path) -> Path:
    """The text at `out`. Raises LookupError for a part whose licence is not found."""
    parts = [*_python(), *_distributions(), *_dashboard(), *_system(), *_launcher()]
    contents = "".join(f"  {name:<32} {license}\n" for name, license, _ in parts)
    texts = "".join(f"{RULE}{name} · {license}\n\n{text}\n" for name, license, text in parts)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f"What Ironflow's executable is made of, besides its own code:\n\n{contents}{texts}", "utf-8")
    return out


def _python() -> Iterator[tuple[str, str, str]]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield f"Python {version}", "PSF-2.0", _python_license()


def _python_license() -> str:
    import site

    for folder in (
        Path(site.__file__).parent,
        Path(sys.base_prefix),
        Path("/usr/share/doc") / f"python3.{sys.version_info.minor}",
    ):
        for name in ("LICENSE.txt", "LICENSE", "copyright"):
            if (folder / name).exists():
                return (folder / name).read_text("utf-8")
    raise LookupError("Python's licence is not beside its library")


def _distributions() -> Iterator[tuple[str, str, str]]:
    for name in sorted(_closure(), key=str.lower):
        found = metadata.distribution(name)
        files = [file for file in found.files or () if _LICENSE_FILE.search(file.name) and ".dist-info" in str(file)]
        if not files:
            files = [file for file in found.files or () if _LICENSE_FILE.match(file.name)]
        license = _named(found.metadata)
        if not files and license == UNNAMED:
            raise LookupError(f"{name} does not say under which licence it is")
        text = "\n\n".join(Path(str(file.locate())).read_text("utf-8", errors="replace") for file in files)
        yield f"{found.name} {found.version}", license, text or "(its package has no text of it)"


def _named(told: metadata.PackageMetadata) -> str:
    """The licence in a word, as the package's metadata has it."""
    given = [told[key].strip() for key in ("License-Expression", "License") if key in told]
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")]
    short = [value for value in (*given, ", ".join(classified)) if value and "\n" not in value and len(value) < 60]
    return short[0] if short else UNNAMED


def _closure() -> set[str]:
    """Every distribution that the server needs, itself left out."""
    found: set[str] = set()
    due = [Requirement(f"{PRODUCT}[{EXTRA}]")]
    while due:
        wanted = due.pop()
        for text in metadata.requires(wanted.name) or ():
            requirement = Requirement(text)
            extras = wanted.extras or {""}
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
                continue
            name = canonicalize_name(requirement.name)
            if name not in found or requirement.extras:
                found.add(name)
                due.append(requirement)
    return found


def _dashboard() -> Iterator[tuple[str, str, str]]:
    """What npm installed and esbuild may have put into the dashboard: all that is not for development only."""
    static = Path(__file__).parents[1] / "static"
    locked = json.loads((static / "package-lock.json").read_text("utf-8"))["packages"]
    for path, package in sorted(locked.items()):
        if not path or package.get("dev") or package.get("optional"):
            continue
        name = f"{path.removeprefix('node_modules/')} {package['version']}"
        files = sorted(file for file in (static / path).iterdir() if _LICENSE_FILE.match(file.name))
        if not files and "license" not in package:
            raise LookupError(f"{name} does not say under which licence it is")
        text = "\n\n".join(file.read_text("utf-8") for file in files)
        yield name, package.get("license", UNNAMED), text or "(its package has no text of it)"


def _system() -> Iterator[tuple[str, str, str]]:
    for name, package in SYSTEM.items():
        file = Path("/usr/share/doc") / package / "copyright"
        yield name, UNNAMED, file.read_text("utf-8") if file.exists() else "(where it was built there is no text of it)"


def _launcher() -> Iterator[tuple[str, str, str]]:
    folder = Path(ziglang.__file__).parent / "lib" / "libc" / "musl"
    yield "musl", "MIT", (folder / "COPYRIGHT").read_text("utf-8")
    zstd = metadata.distribution("zstandard")
    [file] = [file for file in zstd.files or () if file.name == "LICENSE"]
    yield (
        f"zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))}",
        "BSD-3-Clause",
        Path(str(file.locate())).read_text("utf-8"),
    )
