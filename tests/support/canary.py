"""Canaries: values that must be nowhere in clear, and where they were found."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import httpx


def forms(value: str) -> Iterable[bytes]:
    """How a value could have been written down."""
    raw = value.encode()
    return (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:-4])


def holding(folder: Path, value: str) -> list[Path]:
    """Files in which the value can be read. What runs there may remove some meanwhile: those have nothing."""
    wanted = list(forms(value))
    found = []
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            with suppress(FileNotFoundError):
                content = path.read_bytes() if path.is_file() else b""
                if any(form in content for form in wanted):
                    found.append(path)
    return found


def until_published(http: httpx.Client, position: int) -> None:
    """Returns once NATS has everything up to the position: another process acts, and has nothing to signal with."""
    for _ in range(600):
        [line] = [line for line in http.get("/metrics").text.splitlines() if line.startswith("ironflow_nats_position ")]
        if float(line.split()[1]) >= position:
            return
        time.sleep(0.05)
    raise AssertionError("NATS was not filled")
