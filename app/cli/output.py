"""How commands speak: results on stdout, everything else on stderr; tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import click

from app.debugger.marks import STATUS
from app.debugger.marks import plain as plain


@dataclass
class Output:
    """`form` is table, json, jsonl or id."""

    form: str = "table"
    color: bool = False
    unicode: bool = True
    width: int = 100
    out: TextIO = sys.stdout
    err: TextIO = sys.stderr

    @classmethod
    def of_environment(cls, form: str = "table", color: str = "auto") -> Output:
        """As terminal, NO_COLOR, FORCE_COLOR, TERM and the encoding say."""
        env = os.environ
        wanted = sys.stdout.isatty() and env.get("TERM") != "dumb" and not env.get("NO_COLOR")
        wanted = wanted or bool(env.get("FORCE_COLOR"))
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        width = os.get_terminal_size().columns if sys.stdout.isatty() else 0
        return cls(form, color == "always" or (wanted and color == "auto"), utf8, width, sys.stdout, sys.stderr)

    def json(self, content: Any) -> None:
        self.out.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def told(self, schema: str, content: Mapping[str, Any], *, name: str = "schema") -> bool:
        """True if that was all, for a program: it is told in JSON. Else nothing was, and people are to be told by
        whoever asks. `name` is where the schema stands, for content that has one of its own."""
        if self.form == "table":
            return False
        self.json({name: schema, **content})
        return True

    def outcome(self, schema: str, content: Mapping[str, Any], fact: str, following: str = "") -> None:
        """What was changed: for programs as JSON, for people as `done` says it."""
        if not self.told(schema, content):
            self.done(fact, following)

    def items(
        self,
        schema: str,
        items: Sequence[Mapping[str, Any]],
        columns: Mapping[str, Callable[[Mapping[str, Any]], str]],
        *,
        next_cursor: str = "",
        total: int | None = None,
        empty: str = "nothing found",
    ) -> None:
        """A list, in the form that was asked for. `columns` maps a heading to what it shows of an item."""
        if self.form == "json":
            content: dict[str, Any] = {"schema": schema, "items": list(items), "next_cursor": next_cursor or None}
            self.json({**content, "total": total} if total is not None else content)
        elif self.form == "jsonl":
            for item in items:
                self.out.write(json.dumps(item, ensure_ascii=False) + "\n")
        elif self.form == "id":
            for item in items:
                self.out.write(f"{item['id']}\n")
        elif not items:
            self.note(empty)
        else:
            self.table(list(columns), [[show(item) for show in columns.values()] for item in items])
            if next_cursor:
                self.note(f"more: --cursor {next_cursor}")

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns under a bold heading, numbers to the right, no lines."""
        cells = [[plain(cell) for cell in row] for row in rows]
        widths = [max(len(_bare(row[i])) for row in [list(headings), *cells]) for i in range(len(headings))]
        numeric = [
            all(re.fullmatch(r"[\d.,]*( ?m?s|%)?", _bare(row[i])) for row in cells) for i in range(len(headings))
        ]
        self._line([self.paint(h.upper(), "1") for h in headings], widths, numeric)
        for row in cells:
            self._line([self._painted_status(cell) for cell in row], widths, numeric)

    def fields(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and values, one a line; those without a value are left out."""
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            if value:
                self.out.write(f"{self.paint(name.ljust(width), '2')}  {self._painted_status(plain(value))}\n")

    def status(self, name: str) -> str:
        """A status as icon and word."""
        icon, ascii_icon, _ = STATUS.get(name, ("·", "[?]", ""))
        return f"{icon if self.unicode else ascii_icon} {name}"

    def done(self, fact: str, following: str = "") -> None:
        """What was changed, and what can be done next; for people only."""
        if self.form == "table":
            self.out.write(f"{'✓' if self.unicode else '[ok]'} {plain(fact)}\n")
            if following:
                self.note(f"  Next: {following}")

    def note(self, text: str) -> None:
        self.err.write(plain(text) + "\n")

    def error(self, message: str, *, code: str = "", hint: str = "") -> None:
        if self.form in ("json", "jsonl") or "--json" in sys.argv:
            self.err.write(json.dumps({"error": {"code": code, "message": message, "hint": hint}}) + "\n")
            return
        cross = "✕" if self.unicode else "[x]"
        self.err.write(f"{self.paint(cross, '31')} {plain(message)}\n")
        if hint:
            self.err.write(f"  Try: {plain(hint)}\n")

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text

    def _painted_status(self, cell: str) -> str:
        icon, _, word = cell.partition(" ")
        known = STATUS.get(word)
        return self.paint(cell, known[2]) if known and icon in known[:2] else cell

    def _line(self, cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> None:
        padded = []
        for cell, width, right in zip(cells, widths, numeric, strict=True):
            space = " " * (width - len(_bare(cell)))
            padded.append(space + cell if right else cell + space)
        self.out.write("  ".join(padded).rstrip() + "\n")


def _bare(text: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", text)


def ago(instant: str | None, now: datetime | None = None) -> str:
    """`12s ago`, `in 3m`, or nothing."""
    if not instant:
        return ""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(instant)).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if size >= length:
            return f"{int(size / length)}{unit} ago" if seconds >= 0 else f"in {int(size / length)}{unit}"
    return "now"


def duration(start: str | None, end: str | None) -> str:
    """The time between two instants, in a fitting unit."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds * 1_000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every client command takes."""
    for option in (
        click.option("--server", "-s", help="URL of the server; else IRONFLOW_SERVER_URL, else the local one."),
        click.option("--env", "-e", "environment", help="Environment; default `default`."),
        click.option(
            "--as-org", "as_org", default="", metavar="ORG", help="Act in that organization, for the platform."
        ),
        click.option(
            "--output",
            "-o",
            "form",
            type=click.Choice(["table", "json", "jsonl", "id"]),
            default="table",
            help="How to print; default a table.",
        ),
        click.option("--json", "as_json", is_flag=True, help="The same as -o json."),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="auto, the default: on a terminal, unless NO_COLOR is set.",
        ),
        click.option("--verbose", "-v", is_flag=True, help="Show the details of unexpected errors."),
    ):
        command = option(command)
    return command
