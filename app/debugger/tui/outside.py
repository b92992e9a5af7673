"""What is shown outside of the debugger: text in the user's pager or editor, and places in the dashboard."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

from textual.app import App, SuspendNotSupported


class NotShown(Exception):
    """Why it cannot be shown, for people."""


def view(app: App[None], text: str, name: str) -> None:
    """Show text in $PAGER, else $EDITOR, else less; the debugger comes back when that ends. Raises NotShown."""
    _run(app, os.environ.get("PAGER") or os.environ.get("EDITOR") or "less", text, name)


def edited(app: App[None], text: str, name: str) -> str:
    """Text as it is after $VISUAL, $EDITOR or vi. Raises NotShown."""
    return _run(app, os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi", text, name)


def _run(app: App[None], program: str, text: str, name: str) -> str:
    with tempfile.TemporaryDirectory(prefix="ironflow-") as folder:
        file = Path(folder) / name
        file.write_text(text, "utf-8")
        try:
            with app.suspend():
                done = subprocess.run([*shlex.split(program), str(file)], check=False)
        except SuspendNotSupported:
            raise NotShown("this terminal cannot be given to another program") from None
        except (OSError, ValueError) as error:
            raise NotShown(f"{program} cannot be started: {error}") from None
        if done.returncode:
            raise NotShown(f"{program} ended with {done.returncode}")
        return file.read_text("utf-8")


def url(server: str, environment: str, run_id: str, position: int) -> str:
    """Of a place of a run in the dashboard."""
    named = {} if environment == "default" else {"env": environment}
    return f"{server.rstrip('/')}/runs/{quote(run_id, safe='')}?{urlencode({'at': position, **named})}"
