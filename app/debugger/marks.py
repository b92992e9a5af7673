"""How things look in a terminal: a status as an icon, the same in ASCII, and a colour; text that cannot drive it."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

STATUS = {
    "completed": ("✓", "[ok]", "32"),
    "failed": ("✕", "[x]", "31"),
    "cancelled": ("⊘", "[-]", "33"),
    "paused": ("‖", "[=]", "33"),
    "running": ("▸", "[>]", "36"),
    "waiting": ("…", "[~]", "36"),
    "sleeping": ("…", "[~]", "36"),
    "timed_out": ("✕", "[x]", "31"),
    "dead": ("⊘", "[-]", "33"),
    "active": ("✓", "[ok]", "32"),
    "accepted": ("✓", "[ok]", "32"),
    "held": ("‖", "[=]", "33"),
    "rejected": ("⊘", "[-]", "31"),
    "waiting_for_capacity": ("○", "[.]", "36"),
}

EDITED = "◇"
"""Of an output that a person gave."""


COLORS = {"31": "red", "32": "green", "33": "yellow", "36": "cyan"}
"""Those of the statuses, as they are called."""


def plain(text: str) -> str:
    """The text with control characters made visible, so that data cannot drive the terminal."""
    return _CONTROL.sub(lambda char: f"\\x{ord(char[0]):02x}", text)
