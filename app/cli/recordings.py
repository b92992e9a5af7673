"""Recorded runs as commands choose and get them, and `ironflow run export`, `ironflow run export-test`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected, run_id

if TYPE_CHECKING:
    from ironflow import Client
    from ironflow.function import Function

PAGE = 200
FILTERS = {
    "function": "function_id",
    "status": "status",
    "event": "event_id",
    "since": "since",
    "until": "until",
    "search": "search",
}


def chosen_runs(
    client: Client, runs: str | None, last: int, *, functions: Sequence[str] = ()
) -> Iterator[Mapping[str, Any]]:
    """The newest `last` runs that the filter chooses, of the functions if any are given: in lists' shape, or only with
    an id where ids are given. Raises UsageError for what is no filter."""
    named = [one.strip() for one in (runs or "").split(",") if one.strip()]
    if named and all("=" not in one for one in named):
        yield from ({"id": run_id(client, one)} for one in named)
        return
    wanted = _filter(named)
    if "function_id" in wanted or not functions:
        yield from _listed(client, wanted, last)
        return
    found = [run for function in functions for run in _listed(client, {**wanted, "function_id": function}, last)]
    yield from sorted(found, key=lambda run: str(run["id"]), reverse=True)[:last]  # ids are ordered by time


def _filter(named: Sequence[str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for one in named:
        name, _, value = one.partition("=")
        if "=" not in one and wanted:  # statuses have commas between them too
            last = list(wanted)[-1]
            wanted[last] = f"{wanted[last]},{one}"
        elif name not in FILTERS or not value:
            raise click.UsageError(
                f"{one!r} is no filter: give ids, or such as status=failed,since=1d ({', '.join(FILTERS)})"
            )
        else:
            wanted[FILTERS[name]] = value
    return wanted


def _listed(client: Client, wanted: Mapping[str, Any], last: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while len(found) < last:
        page = client.runs.list(**wanted, limit=min(PAGE, last - len(found)), cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if not cursor:
            break
    return found


@click.command("recordings")
@click.argument("runs", required=False)
@click.option("--last", default=100, show_default=True, type=click.IntRange(1, 100_000), help="The newest of them.")
@connected
def recordings(session: Session, runs: str | None, last: int) -> None:
    """Print recordings of runs, one JSON object a line, for `ironflow check --file`.

    RUNS are ids with commas between, or a filter such as function=order,status=completed,since=1d.
    """
    count = 0
    for run in chosen_runs(session.client, runs, last):
        session.output.out.write(json.dumps(session.client.runs.recording(run["id"]), ensure_ascii=False) + "\n")
        count += 1
    if not count:
        session.output.note("no run matches")


@click.command("export-test")
@click.argument("given", metavar="ID")
@click.argument("where", metavar="MODULE[:FUNCTIONS]")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Write it there instead of to stdout.")
@click.option("--redact", multiple=True, metavar="PATTERN", help="Redact these keys or paths too: data.customer.*")
@click.option("--keep", multiple=True, metavar="PATTERN", help="Do not redact these keys or paths.")
@connected
def export_test(
    session: Session, given: str, where: str, path: Path | None, redact: tuple[str, ...], keep: tuple[str, ...]
) -> int:
    """Write a run as a pytest file: it replays the run against the function in MODULE, and asserts that it takes the
    same steps and ends the same.

    Passwords, tokens, addresses and the like are redacted, the same value everywhere by the same stand-in. Exit code 1
    if the code does not replay the run even now.
    """
    from ironflow.testing import recording
    from ironflow.testing.exporting import NotReproduced
    from ironflow.testing.exporting import export as exported

    functions = functions_of(where)
    run = recording.of(session.client.runs.recording(run_id(session.client, given)))
    attribute = next((name for name, function in functions.items() if function.id == run.function_id), None)
    if attribute is None:
        known = ", ".join(repr(function.id) for function in functions.values())
        raise click.UsageError(f"{where} has no function {run.function_id!r}, but {known}")
    module = where.partition(":")[0]
    try:
        test = exported(functions[attribute], run, module=module, attribute=attribute, redact=redact, keep=keep)
    except NotReproduced as error:
        hint = "leave the value that matters with --keep PATTERN" if error.redacted else "mend the code, or the run"
        session.output.error(f"the code does not replay it{' redacted' if error.redacted else ''}: {error}", hint=hint)
        return 1
    if path is None:
        session.output.out.write(test.text)
    else:
        path.write_text(test.text, "utf-8")
        values = "value" if test.redacted == 1 else "values"
        session.output.done(f"Wrote {path}, {test.redacted} {values} redacted", f"pytest {path}")
    return 0


@click.command("similar")
@click.argument("given", metavar="ID")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 100), help="At most so many.")
@connected
def similar(session: Session, given: str, limit: int) -> None:
    """What the last failure of a run resembles: its group, the nearest failures, and what helped then."""
    from app.cli.failures import show_repairs

    found = session.client.runs.similar(run_id(session.client, given), limit=limit)
    output = session.output
    if output.told("ironflow.similar/v1", found):
        return
    group = found["group"]
    output.fields(
        [
            ("Failure", group["title"]),
            ("Group", f"{group['fingerprint']}: {group['failures']} failures of {group['runs']} runs"),
            ("Nearness", found.get("nearness_note", "")),
        ]
    )
    if found["neighbours"]:
        output.out.write("\n")
        output.table(
            ["run", "nearness", "function", "step", "status", "message"],
            [
                [
                    one["run_id"],
                    f"{one['similarity']:.2f}",
                    one["function_id"],
                    one["step"],
                    output.status(one["run_status"]),
                    one["message"][:60],
                ]
                for one in found["neighbours"]
            ],
        )
    show_repairs(output, found["repairs"])
    output.note(f"  The group: ironflow failures get {group['fingerprint']}")


def functions_of(where: str) -> Mapping[str, Function]:
    """The functions there. Raises UsageError."""
    from ironflow.loading import NotFunctions, functions_at

    try:
        return functions_at(where)
    except NotFunctions as error:
        raise click.UsageError(str(error)) from None
