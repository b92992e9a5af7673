"""`ironflow sql`: ask history and what is derived from it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import DURATION, raw
from app.durations import parse_duration
from app.errors import InvalidArgument

CELL_CHARS_MAX = 60

_FORMULA = re.compile(r"[=+\-@\t\r]")


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--param",
    "-p",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="What :NAME stands for; may be repeated. JSON, else text.",
)
@click.option("--timeout", type=DURATION, default="5s", show_default=True, help="At most 30s.")
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(1, 10_000), help="Rows.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV (RFC 4180).")
@connected
def command(session: Session, query: str | None, params: Sequence[str], timeout: str, limit: int, as_csv: bool) -> None:
    """Ask with SQL, read-only; without a QUERY: what can be asked for. @FILE reads a file, - standard input.

    \b
    ironflow sql "select name, count(*) from events group by name"
    ironflow sql "select * from runs where status = :status" -p status=failed --csv
    """
    if query is None:
        _list_views(session)
        return
    try:
        text, timeout_ms = raw(query).decode(), parse_duration(timeout, field="timeout") // 1000
    except UnicodeDecodeError:
        raise click.UsageError("the query is not UTF-8") from None
    except InvalidArgument as error:
        raise click.UsageError(str(error)) from None
    table = session.client.sql(text, dict(map(_param, params)), timeout_ms=timeout_ms, max_rows=limit)
    output = session.output
    if as_csv:
        writer = csv.writer(output.out)
        writer.writerow(table.columns)
        writer.writerows([_csv_cell(value) for value in row] for row in table.rows)
    elif output.form == "json":
        output.json(
            {"schema": "ironflow.sql/v1", "columns": table.columns, "rows": table.rows, "truncated": table.truncated}
        )
    elif output.form == "jsonl":
        for row in table:
            output.out.write(json.dumps(row, ensure_ascii=False) + "\n")
    elif output.form == "id":
        for values in table.rows:
            output.out.write(f"{_shown(values[0])}\n")
    else:
        output.table(table.columns, [[_cell(value) for value in row] for row in table.rows])
        output.note(f"{len(table)} row{'' if len(table) == 1 else 's'}")
    if table.truncated:
        output.note("there are more: add a condition, or --limit (at most 10000)")


def _list_views(session: Session) -> None:
    session.output.items(
        "ironflow.sql_views/v1",
        [{**view, "id": view["name"]} for view in session.client.views()],
        {
            "view": lambda view: view["name"],
            "has": lambda view: view["about"],
            "columns": lambda view: ", ".join(view["columns"]),
        },
    )


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--param {text!r} has no value: NAME=VALUE")
    try:
        known = json.loads(value)
    except ValueError:
        return name, value
    return name, value if isinstance(known, dict | list) else known


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _cell(value: Any) -> str:
    text = _shown(value)
    return text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…"


def _csv_cell(value: Any) -> str:
    """Text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    text = _shown(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text
