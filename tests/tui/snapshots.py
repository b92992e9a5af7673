"""Screens as SVG, kept in the folder `snapshots` and held against what is drawn: each text, its place and its look.

    RENEW_SNAPSHOTS=1 pytest tests/tui/test_snapshots.py       writes them anew; look at what `git diff` has of them

The files are for eyes too: a browser shows them. What is compared is read out of them, so that names of classes and
fonts, which the library that draws them chooses, do not matter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "snapshots"
RENEWING = bool(os.environ.get("RENEW_SNAPSHOTS"))

_STYLE = re.compile(r"\.terminal-r(\d+) \{ ([^}]*) \}")
_TEXT = re.compile(r'<text class="terminal-r(\d+)" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>')
_BACKGROUND = re.compile(r'<rect fill="(#[0-9a-f]{6})" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"')


class Drawn(NamedTuple):
    """What is drawn at a place: text with its look, or a background of a width."""

    y: float
    x: float
    what: str
    look: str


def normalised(svg: str) -> str:
    """Without what changes from one drawing to the next: the prefix of its names, and what loads fonts."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def drawn(svg: str) -> Sequence[Drawn]:
    """All of it, from top to bottom."""
    looks: Mapping[str, str] = {number: look.strip() for number, look in _STYLE.findall(svg)}
    texts = [Drawn(float(y), float(x), unescape(text), looks[look]) for look, x, y, text in _TEXT.findall(svg)]
    grounds = [Drawn(float(y), float(x), width, color) for color, x, y, width in _BACKGROUND.findall(svg)]
    return sorted(texts + grounds)


def lines(svg: str) -> str:
    """The text alone, for a message that people read."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for _, x, y, text in _TEXT.findall(svg):
        rows.setdefault(float(y), []).append((float(x), unescape(text).replace("\xa0", " ")))
    return "\n".join("".join(text for _, text in sorted(row)) for _, row in sorted(rows.items()))


def differs(name: str, svg: str) -> str:
    """How a screen differs from the one that is kept, for people; "" if it does not."""
    svg = normalised(svg)
    path = FOLDER / f"{name}.svg"
    if RENEWING:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(svg, "utf-8")
    if not path.exists():
        return f"{name}: there is none yet, RENEW_SNAPSHOTS=1 writes it"
    kept = path.read_text("utf-8")
    if drawn(kept) == drawn(svg):
        return ""
    if lines(kept) == lines(svg):
        other = set(drawn(svg)) ^ set(drawn(kept))
        return f"{name}: the same text looks otherwise: {sorted(other)[:4]}"
    return f"{name}: was\n{lines(kept)}\nand is\n{lines(svg)}"
