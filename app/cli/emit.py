"""`ironflow emit`: one event, or a whole file of them."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import DURATION, data_of
from app.cli.output import Output

BATCH = 100
BATCHES_IN_FLIGHT = 4
FAILURES_SHOWN = 10


@dataclass
class Summary:
    events: int = 0
    duplicates: int = 0
    run_ids: list[str] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


@click.command("emit")
@click.argument("name", required=False)
@click.option("-d", "--data", help="JSON, @FILE, or - for standard input. Default null.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Lines of {"name": …, "data": …}.',
)
@click.option("--idempotency-key", help="Sent twice with one key, an event is recorded once.")
@click.option("--idempotency-prefix", help="With --file: each line's key is the prefix and its number.")
@click.option("--at", help="When its runs start: an instant such as 2026-01-31T12:00:00Z.")
@click.option("--delay", type=DURATION, help="How much later its runs start, such as 10m.")
@click.option("--tag", "tags", multiple=True, help="A tag of its runs; may be repeated.")
@click.option("--metadata", help="An object, as JSON, @FILE, or - for standard input.")
@click.option("--event-version", type=click.IntRange(1), help="The version of what it carries; 1 if not said.")
@click.option("--reemitted-from", metavar="EVENT_ID", help="The event that this one repeats, changed or not.")
@click.option("--dry-run", is_flag=True, help="Only tell what NAME would lead to now; nothing is recorded.")
@click.option("--wait", is_flag=True, help="Wait for the runs; exit code 8 if one failed.")
@click.option("--timeout", type=DURATION, default="60s", show_default=True, help="How long to wait.")
@connected
def command(
    session: Session,
    name: str | None,
    data: str | None,
    file: Path | None,
    idempotency_key: str | None,
    idempotency_prefix: str | None,
    at: str | None,
    delay: str | None,
    tags: tuple[str, ...],
    metadata: str | None,
    event_version: int | None,
    reemitted_from: str | None,
    dry_run: bool,
    wait: bool,
    timeout: str,
) -> int:
    """Emit the event NAME, or every line of a file. It is durable, and its runs exist, when the command returns."""
    from ironflow.durations import seconds

    if bool(name) == bool(file):
        raise click.UsageError("give either NAME or --file")
    if file and (at or delay or tags or metadata or event_version or reemitted_from):
        raise click.UsageError("--file goes without what is said of one event: its lines say it themselves")
    if dry_run:
        if name is None or at or delay or tags or wait:
            raise click.UsageError("--dry-run goes with NAME, and without --at, --delay, --tag and --wait")
        _rehearse(session, name, data_of(data), idempotency_key, _metadata(metadata), event_version)
        return 0
    started = time.perf_counter()
    if file:
        summary = _send_file(session, file, idempotency_prefix)
    else:
        assert name is not None
        emitted = session.client.emit(
            name,
            data_of(data),
            idempotency_key=idempotency_key,
            at=at,
            delay=delay,
            tags=tags,
            metadata=_metadata(metadata),
            version=event_version,
            reemitted_from=reemitted_from,
        )
        summary = Summary(1, int(emitted.duplicate), list(emitted.run_ids))
    summary.seconds = time.perf_counter() - started
    statuses = _wait(session, summary.run_ids, seconds(timeout)) if wait else Counter()
    _show(session.output, summary, statuses)
    if statuses["failed"] or statuses["paused"]:
        return 8
    return 9 if statuses["cancelled"] else int(bool(summary.failures))


def _metadata(text: str | None) -> dict[str, Any] | None:
    found = None if text is None else data_of(text)
    if not isinstance(found, dict | None):
        raise click.UsageError("""--metadata is an object, such as '{"tenant": "a"}'""")
    return found


def _rehearse(
    session: Session, name: str, data: Any, key: str | None, metadata: dict[str, Any] | None, version: int | None
) -> None:
    told = session.client.events.dry_run(name, data, idempotency_key=key, metadata=metadata, version=version)
    output = session.output
    if output.form in ("json", "jsonl"):
        output.json({"schema": "ironflow.emit_dry_run/v1", **told})
        return
    rows = [("function", one["function_id"], one["outcome"], one.get("run_id", "")) for one in told["functions"]]
    rows += [("wait", one["step_id"].partition(":")[2], "ends", one["run_id"]) for one in told["ends_waits"]]
    rows += [("run", "", "cancelled", run_id) for run_id in told["cancels"]]
    rows += [("projection", one, "folds it", "") for one in told["projections"]]
    rows += [("group", one, "gets it", "") for one in told["groups"]]
    if rows:
        output.table(("what", "name", "would be", "run"), rows)
    for one in told["schema"]["verdicts"]:
        if not one["fits"]:
            output.note(f"It does not fit schema version {one['version']} at {one['path']}: {one['problem']}")
    if told["duplicate"]:
        output.note("It is recorded already under this key: nothing would happen.")
    elif not rows:
        output.note("It would be recorded, and nobody waits for it.")
    output.note("Nothing was recorded.")


def _send_file(session: Session, file: Path, prefix: str | None) -> Summary:
    from ironflow.client import Emitted, chunks

    summary = Summary()
    size = file.stat().st_size
    with (
        file.open("rb") as lines,
        _progress(session.output, size) as advance,
        ThreadPoolExecutor(BATCHES_IN_FLIGHT) as pool,
    ):
        under_way: list[tuple[list[dict[str, Any]], Future[Any]]] = []

        def take_in(count: int) -> None:
            for batch, answers in under_way[:count]:
                for event, answer in zip(batch, answers.result(), strict=True):
                    advance(event["_bytes"])
                    if isinstance(answer, Emitted):
                        summary.events += 1
                        summary.duplicates += int(answer.duplicate)
                        summary.run_ids += answer.run_ids
                    else:
                        summary.failures.append({"line": event["_line"], "error": answer.message, "code": answer.code})
            del under_way[:count]

        for batch in chunks(_events(lines, prefix, summary), BATCH):
            sent = [{key: value for key, value in event.items() if key[0] != "_"} for event in batch]
            under_way.append((batch, pool.submit(session.client.emit_batch, sent)))
            if len(under_way) >= BATCHES_IN_FLIGHT:
                take_in(1)
        take_in(len(under_way))
    return summary


def _events(lines: Iterable[bytes], prefix: str | None, summary: Summary) -> Iterator[dict[str, Any]]:
    """The events of the lines, each with its line number and size; lines that are none go to the failures."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            if not isinstance(event, dict) or "name" not in event:
                raise ValueError('a line must be {"name": …, "data": …}')
        except ValueError as error:
            summary.failures.append({"line": number, "error": str(error), "code": "INVALID_ARGUMENT"})
            continue
        if prefix:
            event["idempotencyKey"] = f"{prefix}{number}"
        yield {**event, "_line": number, "_bytes": len(line)}


@contextlib.contextmanager
def _progress(output: Output, size: int) -> Iterator[Any]:
    """A bar over the file's bytes, on a terminal only."""
    if not sys.stderr.isatty() or output.form != "table":
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("emitting", total=size)
        yield lambda count: progress.advance(task, count)


def _wait(session: Session, run_ids: list[str], timeout_s: float) -> Counter[str]:
    from ironflow.errors import Timeout

    until = time.monotonic() + timeout_s
    statuses: Counter[str] = Counter()
    for run_id in run_ids:
        try:
            run = session.client.runs.wait(run_id, timeout_s=max(0.0, until - time.monotonic()))
            statuses[run["status"]] += 1
        except Timeout:
            statuses["unfinished"] += 1
        except KeyboardInterrupt:
            session.output.note("")
            session.output.note("stopped waiting; the runs go on. See `ironflow run list`")
            break
    return statuses


def _show(output: Output, summary: Summary, statuses: Counter[str]) -> None:
    if output.form in ("json", "jsonl"):
        output.json(
            {
                "schema": "ironflow.emit/v1",
                "events": summary.events,
                "duplicates": summary.duplicates,
                "runs": len(summary.run_ids),
                "run_ids": summary.run_ids,
                "failures": summary.failures,
                "statuses": dict(statuses),
                "seconds": round(summary.seconds, 3),
            }
        )
        return
    if output.form == "id":
        output.out.write("".join(f"{run_id}\n" for run_id in summary.run_ids))
        return
    again = f", {summary.duplicates} known already" if summary.duplicates else ""
    tick = "✓" if output.unicode else "[ok]"
    rate = f"{summary.events / summary.seconds:,.0f} events/s" if summary.seconds else ""
    output.out.write(f"{tick} {summary.events} events{again}, {len(summary.run_ids)} runs started   {rate}\n")
    for failure in summary.failures[:FAILURES_SHOWN]:
        output.error(f"line {failure['line']}: {failure['error']}", code=failure["code"])
    if len(summary.failures) > FAILURES_SHOWN:
        output.note(f"… and {len(summary.failures) - FAILURES_SHOWN} more lines refused")
    if statuses:
        output.out.write("  " + ", ".join(f"{count} {output.status(name)}" for name, count in statuses.items()) + "\n")
    elif summary.run_ids:
        output.note("  See them with: ironflow run list")
