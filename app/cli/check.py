"""`ironflow check`: recorded runs against the code of now."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli import junit
from app.cli.client import Session, connected
from app.cli.given import DURATION
from app.cli.output import plain
from app.cli.recordings import chosen_runs, functions_of

if TYPE_CHECKING:
    from ironflow.function import Function
    from ironflow.testing import Recording, Verdict

SHOWN = 20


@click.command("check")
@click.argument("where", metavar="MODULE[:FUNCTIONS]")
@click.option("--runs", metavar="FILTER", help="Ids, or such as status=failed,since=1d,function=order.")
@click.option("--last", default=100, show_default=True, type=click.IntRange(1, 100_000), help="The newest of them.")
@click.option("--file", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="From a bundle.")
@click.option("--junit", "report", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report.")
@click.option("--ignore-output", is_flag=True, help="What a run returns may differ.")
@click.option("--timeout", type=DURATION, default="10s", show_default=True, help="How long one replay may take.")
@connected
def command(
    session: Session,
    where: str,
    runs: str | None,
    last: int,
    path: Path | None,
    report: Path | None,
    ignore_output: bool,
    timeout: str,
) -> int:
    """Replay recorded runs against the functions in MODULE: their steps are answered from history, none is run.

    Shows for each run the first place where the code does not do what history has. Exit code 1 if there is one, 2 if
    there was nothing to check. A run that failed and would now go further is `changed`, and no failure.

    The runs are the newest of those functions, or those of a file that `ironflow run recordings` wrote.
    """
    from ironflow.durations import seconds

    functions = [*functions_of(where).values()]
    if path is not None and runs:
        raise click.UsageError("give either --file or --runs")
    recorded = _of_file(path) if path is not None else _of_server(session, functions, runs, last)
    began = time.monotonic()
    verdicts = asyncio.run(_checked(functions, recorded, ignore_output, seconds(timeout)))
    took_s = time.monotonic() - began
    if report is not None:
        cases = [
            junit.Case(one.function_id, one.run_id, "" if one.passed else str(one), one.outcome == "error")
            for one in verdicts
        ]
        junit.write(report, "ironflow check", cases, took_s=took_s)
    _show(session, verdicts, took_s)
    if not verdicts:
        return 2
    return 0 if all(one.passed for one in verdicts) else 1


async def _checked(
    functions: Iterable[Function], recorded: Iterable[Recording], ignore_output: bool, limit_s: float
) -> list[Verdict]:
    from ironflow.testing import checks

    return [one async for one in checks(functions, recorded, ignore_output=ignore_output, limit_s=limit_s)]


def _of_server(session: Session, functions: Iterable[Function], runs: str | None, last: int) -> Iterator[Recording]:
    from ironflow.testing import recording

    for run in chosen_runs(session.client, runs, last, functions=[function.id for function in functions]):
        yield recording.of(session.client.runs.recording(run["id"]))


def _of_file(path: Path) -> Iterator[Recording]:
    from ironflow.testing import BadRecording, recording

    with path.open(encoding="utf-8") as lines:
        try:
            yield from recording.read(lines)
        except (BadRecording, UnicodeDecodeError) as error:
            raise click.UsageError(f"{path}: {error}") from None


def _show(session: Session, verdicts: list[Verdict], took_s: float) -> None:
    counts = Counter(one.outcome for one in verdicts)
    output = session.output
    if output.form != "table":
        items = [{"id": one.run_id, **asdict(one)} for one in verdicts]
        if output.form == "json":
            totals = {name: counts.get(name, 0) for name in ("same", "changed", "diverged", "error")}
            output.json({"schema": "ironflow.check/v1", "items": items, "counts": totals})
        else:
            output.items("ironflow.check/v1", items, {})
        return
    different = [one for one in verdicts if one.outcome != "same"]
    for one in different[:SHOWN]:
        mark = output.status("failed" if not one.passed else "paused").split(" ")[0]
        output.out.write(f"{mark} {plain(one.run_id)}  {plain(one.function_id)}  {one.outcome}\n")
        output.fields([("  history has", one.recorded), ("  the code has", one.requested), ("  at", one.location)])
    if len(different) > SHOWN:
        output.note(f"… and {len(different) - SHOWN} more: --json shows all")
    if not verdicts:
        output.note("nothing to check: no run matches")
        return
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    output.out.write(f"{len(verdicts)} runs: {told}   in {took_s:.1f} s\n")
