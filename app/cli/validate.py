"""`ironflow validate`: whether a settings file can be used, without starting anything."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.output import Output
from app.settings import check


@click.command("validate")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(file: Path, as_json: bool) -> int:
    """Check a settings file as `ironflow serve -f FILE` would read it: every problem with its line and what to do.

    Environment variables are filled in as they are set here. Exit code 10 if something is wrong.
    """
    kind, problems = check(file)
    output = Output.of_environment("json" if as_json else "table")
    if as_json:
        told = [problem._asdict() for problem in problems]
        output.json({"schema": "ironflow.validate/v1", "ok": not problems, "kind": kind, "problems": told})
    elif problems:
        for line, message, hint in problems:
            output.out.write(f"{file}:{line}: {message}\n    {hint}\n")
    else:
        output.done(f"{file} is a {kind} that can be started")
    return 10 if problems else 0
