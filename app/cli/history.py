"""`ironflow history`: whether history is what was recorded."""

from __future__ import annotations

import click

from app.cli.offline import progress, store_options, with_store
from app.cli.output import Output


@click.group("history")
def command() -> None:
    """Verify history, or show where it ends."""


@command.command("verify")
@store_options
def verify_history(data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> int:
    """Walk the digest chain of every entry. Exit code 1, and the first bad position, if one was changed.

    Reads a snapshot; the server may run meanwhile.
    """
    from app.history.verify import verify

    output = Output.of_environment("json" if as_json else "table")
    report = with_store(data_dir, database_url, lambda storage: verify(storage, progress(output)))
    if as_json:
        told = {
            "entries": report.entries,
            "digest": report.digest,
            "bad_position": report.bad_position,
            "reason": report.reason,
        }
        output.json({"schema": "ironflow.verify/v1", "ok": report.bad_position is None, **told})
    elif report.bad_position is None:
        output.out.write(
            f"{'✓' if output.unicode else '[ok]'} {report.entries:,} entries hold   digest {report.digest}\n"
        )
    else:
        output.error(
            f"history does not hold from position {report.bad_position} on: {report.reason}",
            hint=f"restore a backup; the last good digest is {report.digest} at position {report.entries}",
        )
    return 0 if report.bad_position is None else 1


@command.command("checkpoint")
@store_options
def checkpoint(data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> None:
    """Print the last position and digest, to keep where nobody can change it."""
    from storage import history

    output = Output.of_environment("json" if as_json else "table")
    position, digest = with_store(data_dir, database_url, lambda storage: storage.read(history.head))
    if as_json:
        output.json({"schema": "ironflow.checkpoint/v1", "position": position, "digest": digest.hex()})
    else:
        output.out.write(f"{position} {digest.hex()}\n")
