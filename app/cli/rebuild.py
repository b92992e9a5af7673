"""`ironflow rebuild`: the derived tables anew from history."""

from __future__ import annotations

import click

from app.cli.offline import progress, store_options, with_store
from app.cli.output import Output


@click.command("rebuild")
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a table is not what history says.")
@store_options
def command(check: bool, data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> int:
    """Make the derived tables anew from history. One transaction: a running server waits for it."""
    from app.history.fold import Fold
    from app.history.rebuild import rebuild
    from app.node import nouns
    from app.search.derived import DerivedFailures

    output = Output.of_environment("json" if as_json else "table")
    report = with_store(
        data_dir,
        database_url,
        lambda storage: rebuild(
            storage, Fold(nouns()), check=check, derived=[DerivedFailures()], progress=progress(output)
        ),
    )
    if as_json:
        told = {
            "entries": report.entries,
            "rows": report.rows,
            "differing": list(report.differing),
            "checked_only": check,
        }
        output.json({"schema": "ironflow.rebuild/v1", **told})
    else:
        rows = ", ".join(f"{noun} {count:,}" for noun, count in report.rows.items())
        tick = "✓" if output.unicode else "[ok]"
        if not report.differing:
            output.out.write(f"{tick} {report.entries:,} entries give exactly what is there: {rows}\n")
        elif check:
            output.error(
                f"not what history says: {', '.join(report.differing)}", hint="stop the server, then: ironflow rebuild"
            )
        else:
            output.out.write(
                f"{tick} rebuilt from {report.entries:,} entries: {rows}   changed: {', '.join(report.differing)}\n"
            )
    return int(check and bool(report.differing))
