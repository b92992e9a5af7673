"""A file of GitHub webhooks, one a line."""

from __future__ import annotations

import json
from pathlib import Path

NAME = Path("shared", "data", "github-webhooks.ndjson")
REAL = next((folder / NAME for folder in Path(__file__).parents if (folder / NAME).exists()), NAME)
"""Beside the checkout or further up, where somebody has put them."""


def write(path: Path, *, count: int = 240) -> Path:
    """The real ones where they are at hand, else `count` made-up ones of the same shapes."""
    if REAL.exists():
        path.write_bytes(REAL.read_bytes())
        return path
    lines = []
    for number in range(count):
        kind = ("issues.opened", "pull_request.opened", "pull_request.labeled", "push")[number % 4]
        noun, _, action = kind.partition(".")
        data: dict[str, object] = {"action": action, "sender": {"login": "octo", "id": number}}
        if noun == "issues":
            data["issue"] = {"number": number, "title": f"Error number {number}", "body": "It fails. " * 40}
        elif noun == "pull_request":
            data["pull_request"] = {"number": number, "title": "Update", "additions": number, "deletions": 1}
        lines.append(json.dumps({"name": f"github.{kind}", "data": data}))
    path.write_text("\n".join(lines) + "\n")
    return path
