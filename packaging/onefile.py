"""One file out of a folder: a launcher, the folder's files compressed behind it, and the list of them.

The launcher (launcher/launcher.c) says what the file is made of and what it promises; this module writes what it reads.
It is compiled by the C compiler that comes with Zig, a wheel like any other: static, the same on every machine.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import zstandard

LAUNCHER = Path(__file__).parent / "launcher"
MAGIC = b"ironflow-pack-1\n"
TARGET = f"{os.uname().machine}-linux-musl"
WINDOW_LOG = 23
"""8 MiB of memory to unpack: more makes the file 2 % smaller and the first start twice as long."""
PAGE = 4096


class Member(NamedTuple):
    """A line of the manifest. `kind`: f, d or l; `detail`: a file's SHA-256, a link's target, or `-`."""

    kind: str
    mode: int
    size: int
    detail: str
    path: str

    @property
    def line(self) -> str:
        return f"{self.kind} {self.mode:o} {self.size} {self.detail} {self.path}\n"


def compile_launcher(out: Path, *, version: str, work: Path) -> Path:
    """The launcher of that version as a static executable at `out`; the one that is there, if it was made of the
    same."""
    zstd = _zstd_source(work)
    flags = ["-target", TARGET, "-static", "-O2", "-s", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
    flags.append(f'-DVERSION="{version}"')
    strict = ["-Wall", "-Wextra", "-Werror", f"-isystem{zstd}", "-fno-sanitize=all"]
    sources = [LAUNCHER / "launcher.c", LAUNCHER / "sha256.c", zstd / "zstd.c"]
    made_of = hashlib.sha256(" ".join([metadata.version("ziglang"), *flags, *strict]).encode())
    for path in sorted([*LAUNCHER.iterdir(), *sources]):
        made_of.update(path.read_bytes())
    stamp = out.with_suffix(".made-of")
    if not (out.exists() and stamp.exists() and stamp.read_text() == made_of.hexdigest()):
        _run("ziglang", "cc", *flags, *strict, *map(str, sources), "-o", str(out))
        stamp.write_text(made_of.hexdigest())
    return out


def pack(folder: Path, *, launcher: Path, out: Path, level: int = 19) -> Path:
    """The single file at `out`. It is the same, byte for byte, for the same folder and launcher."""
    members = list(_members(folder))
    manifest = "".join(member.line for member in members).encode()
    start = launcher.read_bytes()
    start += bytes(-len(start) % PAGE)
    payload = _compressed((folder / one.path for one in members if one.kind == "f"), level)
    footer = struct.pack("<QQQ", len(start), len(payload), len(manifest)) + hashlib.sha256(manifest).digest() + MAGIC
    scratch = out.with_name(f".{out.name}.tmp")
    scratch.write_bytes(start + payload + manifest + footer)
    scratch.chmod(0o755)
    scratch.replace(out)
    return out


def _members(folder: Path, below: str = "") -> Iterator[Member]:
    for path in sorted((folder / below).iterdir()):
        name = f"{below}{path.name}"
        if any(character in name for character in " \n\\"):
            raise ValueError(f"{name!r}: such a name cannot be packed")
        if path.is_symlink():
            yield Member("l", 0o777, 0, str(path.readlink()), name)
        elif path.is_dir():
            yield Member("d", 0o700, 0, "-", name)
            yield from _members(folder, f"{name}/")
        else:
            content = path.read_bytes()
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield Member("f", mode, len(content), hashlib.sha256(content).hexdigest(), name)


def _compressed(files: Iterator[Path], level: int) -> bytes:
    """One zstd frame with a checksum over all of the files."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=WINDOW_LOG, write_checksum=1, threads=os.cpu_count() or 1
    )
    into = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(into, closefd=False) as writer:
        for path in files:
            writer.write(path.read_bytes())
    return into.getvalue()


def _zstd_source(work: Path) -> Path:
    """A folder with zstd.c and zstd.h: they come with the source of the Python package that compresses."""
    name = f"zstandard-{zstandard.__version__}"
    folder = work / name / "zstd"
    if not (folder / "zstd.c").exists():
        work.mkdir(parents=True, exist_ok=True)
        wanted = f"zstandard=={zstandard.__version__}"
        _run("pip", "download", "--quiet", "--no-deps", "--no-binary", "zstandard", "--dest", str(work), wanted)
        with tarfile.open(work / f"{name}.tar.gz") as archive:
            archive.extractall(work, filter="data")
    return folder


def _run(*arguments: str) -> None:
    command: Sequence[str] = [sys.executable, "-m", *arguments]
    subprocess.run(command, check=True)
