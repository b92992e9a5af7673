"""The executable that we run from, if it is one: packaging/launcher/launcher.c says what the file is made of."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"ironflow-pack-1\n"
_FOOTER = struct.Struct(f"<QQQ32s{len(MAGIC)}s")


def unpacked() -> tuple[Path, Path] | None:
    """The file, and the folder that it was unpacked into; None where we do not run from one."""
    file = os.environ.get("IRONFLOW_EXECUTABLE", "")
    if not file or not getattr(sys, "frozen", False):
        return None
    return Path(file), Path(sys.executable).parent


def changed(file: Path, folder: Path) -> Iterator[str]:
    """Files of the folder that are not, byte for byte, what the executable packs. Raises OSError, and ValueError if it
    packs nothing."""
    for line in _manifest(file).splitlines():
        kind, _, _, digest, name = line.split(" ", 4)
        if kind == "f":
            path = folder / name
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield name


def _manifest(file: Path) -> str:
    with file.open("rb") as packed:
        end = packed.seek(-_FOOTER.size, os.SEEK_END)
        _, _, size, digest, magic = _FOOTER.unpack(packed.read(_FOOTER.size))
        if magic != MAGIC or size > end:
            raise ValueError(f"{file} is not Ironflow's executable")
        packed.seek(end - size)
        manifest = packed.read(size)
    if hashlib.sha256(manifest).digest() != digest:
        raise ValueError(f"{file} is damaged")
    return manifest.decode()
