"""`ironflow run timeline, state, diff, compare, export, import`: the past of runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.output import Output, ago, plain

if TYPE_CHECKING:
    from ironflow.bundle import Bundle
    from ironflow.comparing import Difference, RunDiff, Side, StepDiff
    from ironflow.past import Record, RunState

VALUE_CHARS_SHOWN = 60
BAR_CHARS = 24
BUNDLES = Path(".ironflow/bundles")

_at = click.option("--at", help="As of a position of history, or a time: RFC 3339, or such as 15m.")
_from_file = click.option(
    "--from-file", "file", type=click.Path(dir_okay=False, path_type=Path), help="Of a bundle, without a server."
)


@click.command("timeline")
@click.argument("given", metavar="[ID]", required=False)
@_at
@_from_file
@click.option("--step", help="Of one step: its id, its id without the run, or its name.")
@click.option("--kind", help="Such as step.failed or step.*, several with commas.")
@click.option("--after", type=int, help="After a position.")
@click.option("--before", type=int, help="Before a position: the last of them.")
@click.option("--last", is_flag=True, help="The last ones, not the first.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@connected
def timeline(
    session: Session,
    given: str | None,
    at: str | None,
    file: Path | None,
    step: str | None,
    kind: str | None,
    after: int | None,
    before: int | None,
    last: bool,
    limit: int,
) -> None:
    """What happened to a run, in order, with a bar for when and how long."""
    output = session.output
    backward = last or before is not None
    following: int | None = None
    if (bundle := _bundle(given, file)) is not None:
        found = list(bundle.timeline(after=after, at=at, step=step, kind=kind))
        found = [one for one in found if before is None or one.position < before]
        records: Sequence[Record] = found[-limit:] if backward else found[:limit]
    else:
        found_id = run_id(session.client, str(given))
        page = session.client.runs.timeline_page(
            found_id, after=after, before=before, backward=backward, at=at, step=step, kind=kind, limit=limit
        )
        records, following = page.items, page.before if backward else page.after
    if output.form != "table":
        cursor = "" if following is None else str(following)
        items = [{**told(record), "id": record.position} for record in records]
        output.items("ironflow.timeline/v1", items, {}, next_cursor=cursor)
        return
    _show_timeline(output, records)
    if following is not None:
        output.note(f"more: --{'before' if backward else 'after'} {following}")


@click.command("state")
@click.argument("given", metavar="[ID]", required=False)
@_at
@_from_file
@click.option("--step", help="Only what this step had given, as JSON.")
@connected
def state(session: Session, given: str | None, at: str | None, file: Path | None, step: str | None) -> None:
    """A run as it was: its status, steps, waits, children and notes, and what happened next."""
    bundle = _bundle(given, file)
    found_id = "" if bundle is not None else run_id(session.client, str(given))
    output = session.output
    if step:
        one = bundle.step_output(step, at=at) if bundle else session.client.runs.step_output(found_id, step, at=at)
        output.json({"schema": "ironflow.step/v1", **told(one)} if output.form != "table" else one.output)
        return
    found = bundle.state(at=at) if bundle is not None else session.client.runs.state(found_id, at=at)
    if output.told("ironflow.state/v1", found.raw):
        return
    _show_state(output, found)


@click.command("diff")
@click.argument("given", metavar="ID")
@click.argument("a")
@click.argument("b", required=False)
@connected
def diff(session: Session, given: str, a: str, b: str | None) -> None:
    """What changed in a run between two positions or times A and B, by default now."""
    show_diff(session.output, session.client.runs.diff(run_id(session.client, given), a, b))


def show_diff(output: Output, found: RunDiff) -> None:
    """What changed in a run, in the form that was asked for."""
    if output.told("ironflow.diff/v1", told(found)):
        return
    output.fields([("From", _side(output, found.a)), ("To", _side(output, found.b))])
    _show_differences(output, found)


@click.command("compare")
@click.argument("given", metavar="ID")
@click.argument("other", required=False)
@_at
@click.option("--other-at", help="The other run as of a position or a time.")
@click.option("--all", "everything", is_flag=True, help="Show steps that are the same, too.")
@connected
def compare(
    session: Session, given: str, other: str | None, at: str | None, other_at: str | None, everything: bool
) -> None:
    """How run ID differs from OTHER, step by step: by default from the last run of its function that went well."""
    client, output = session
    found_id = run_id(client, given)
    if other is None:
        good = client.runs.last_good(found_id)
        if good is None:
            raise click.UsageError(
                f"no run of its function completed before {found_id}: give the OTHER to compare with"
            )
        other = str(good.run["id"])
    else:
        other = run_id(client, other)
    show_comparison(output, client.runs.compare(other, found_id, at=other_at, other_at=at, changed=not everything))


def show_comparison(output: Output, found: RunDiff) -> None:
    """How a run differs from another, in the form that was asked for."""
    if output.told("ironflow.comparison/v1", told(found)):
        return
    output.fields(
        [
            ("Other", _side(output, found.a)),
            ("Run", _side(output, found.b)),
            ("Diverges", _divergence(found.first_divergence)),
        ]
    )
    if found.steps:
        output.out.write("\n")
        output.table(
            ["step", "change", "other", "took", "run", "took", "began"],
            [_compared(output, one) for one in found.steps],
        )
    _show_differences(output, found)


@click.command("export")
@click.argument("given", metavar="ID")
@click.option("--file", "-f", type=click.Path(dir_okay=False, path_type=Path), help="By default ID.zip; - for stdout.")
@click.option("--scrub", multiple=True, metavar="NAME", help="Scrub members of that name, too: email, *phone* …")
@click.option("--keep-secrets", is_flag=True, help="Keep members that are named like secrets.")
@click.option("--no-payloads", is_flag=True, help="Leave out every payload.")
@connected
def export(
    session: Session, given: str, file: Path | None, scrub: tuple[str, ...], keep_secrets: bool, no_payloads: bool
) -> None:
    """Write a run into a bundle, to be read and debugged elsewhere. Secrets are scrubbed."""
    from ironflow.bundle import Bundle

    found_id = run_id(session.client, given)
    content = session.client.runs.export(found_id, scrub=scrub, keep_secrets=keep_secrets, payloads=not no_payloads)
    bundle = Bundle(content)
    if file == Path("-"):
        sys.stdout.buffer.write(content)
        return
    path = file or Path(f"{bundle.run_id}.zip")
    path.write_bytes(content)
    output = session.output
    if output.told("ironflow.export/v1", {"file": str(path), **_bundled(bundle)}):
        return
    output.done(f"Exported {bundle.run_id} to {path}", f"ironflow run state --from-file {path}")
    _show_verified(output, bundle)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=BUNDLES,
    show_default=True,
    help="Folder to keep it in.",
)
@connected
def import_bundle(session: Session, file: Path, into: Path) -> None:
    """Verify a bundle and keep it, read-only, to be read without a server."""
    from ironflow.bundle import Bundle

    content = file.read_bytes()
    bundle = Bundle(content)
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{bundle.run_id}.zip"
    kept = path.with_suffix(".part")
    kept.write_bytes(content)
    kept.chmod(0o444)
    kept.replace(path)
    output = session.output
    if output.told("ironflow.import/v1", {"file": str(path), **_bundled(bundle)}):
        return
    output.done(f"Imported {bundle.run_id}", f"ironflow run timeline --from-file {path}")
    _show_verified(output, bundle)


COMMANDS = (timeline, state, diff, compare, export, import_bundle)


def told(value: Any) -> Any:
    """A value of the SDK as JSON: what is empty is left out."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [told(one) for one in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    found = {one.name: told(getattr(value, one.name)) for one in fields(value)}
    return {name: one for name, one in found.items() if one is not None and one != ""}


def _bundle(given: str | None, file: Path | None) -> Bundle | None:
    """The bundle that is meant; None for a run on the server."""
    from ironflow.bundle import Bundle

    if (given is None) == (file is None):
        raise click.UsageError("give either the ID of a run, or --from-file")
    if file is None:
        return None
    try:
        return Bundle.open(file)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None


def _show_timeline(output: Output, records: Sequence[Record]) -> None:
    from app.debugger.gantt import bars, offset

    if not records:
        output.note("no such records")
        return
    drawn = bars(records, width=BAR_CHARS, unicode=output.unicode)
    columns: dict[str, list[str]] = {
        "position": [str(record.position) for record in records],
        "after": [offset(record, records[0].at) for record in records],
        "when": drawn,
        "status": [output.status(record.status) if record.status else "" for record in records],
        "what": [record.summary for record in records],
        "by": [record.actor for record in records],
    }
    workers = [record.worker_id for record in records]
    if len({*workers} - {""}) > 1:  # else the first line that tells it is enough
        columns["worker"] = workers
    shown = {heading: cells for heading, cells in columns.items() if any(cells)}
    output.table(list(shown), list(zip(*shown.values(), strict=True)))


def _show_state(output: Output, found: RunState) -> None:
    error = found.error or {}
    later = f", {found.behind} later" if found.behind else ""
    output.fields(
        [
            ("Run", found.id),
            ("Function", f"{found.function_id} (version {found.function_version})"),
            ("As of", f"position {found.position}, entry {found.record.version} of {found.newest.version}{later}"),
            ("Status", output.status(found.status)),
            ("Attempt", f"{found.attempt} of {found.max_attempts}"),
            ("Worker", found.worker_id),
            ("Paused", found.pause_reason),
            ("Error", f"{error.get('code', '')}: {error.get('message', '')}" if error else ""),
            ("Last", f"{found.record.summary}  {ago(told(found.at))}"),
            ("Next", f"{found.next.position}  {found.next.summary}" if found.next else ""),
        ]
    )
    _section(
        output,
        ["#", "step", "status", "attempt", "took", "position", "output"],
        [
            [
                str(step.sequence),
                step.path,
                output.status(step.status),
                str(step.attempt),
                f"{step.duration_ms} ms",
                str(step.position),
                _value((step.error or {}).get("message") if step.error else step.output),
            ]
            for step in found.steps
        ],
    )
    waits = [[wait.path, wait.event or wait.function_id or wait.type, told(wait.until) or ""] for wait in found.waits]
    _section(output, ["waits", "for", "until"], waits)
    children = [[one.run_id, one.function_id, one.path, output.status(one.status)] for one in found.children]
    _section(output, ["child", "function", "step", "status"], children)
    notes = [[name, _value(note.value), str(note.position)] for name, note in found.notes.items()]
    _section(output, ["note", "value", "position"], notes)
    payloads = [[name, _value(getattr(found, name), 200)] for name in ("input", "output")]
    _section(output, ["payload", "value"], [row for row in payloads if row[1] != "null"])


def _section(output: Output, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        output.out.write("\n")
        output.table(headings, rows)


def _show_differences(output: Output, found: RunDiff) -> None:
    if found.same:
        output.note("nothing differs")
        return
    if found.run:
        output.out.write(f"\n{output.paint('RUN', '1')}\n")
        show_each(output, found.run)
    for step in found.steps:
        if step.changes:
            output.out.write(f"\n{output.paint(plain(step.path), '1')}  {step.change}\n")
            show_each(output, step.changes)
    if found.truncated:
        output.note("there are more differences than are shown")


def show_each(output: Output, changes: Sequence[Difference]) -> None:
    """A difference a line."""
    arrow = "→" if output.unicode else "->"
    shown: dict[str, tuple[str, str, Callable[[Difference], str]]] = {
        "add": ("+", "32", lambda one: _value(one.after)),
        "remove": ("-", "31", lambda one: _value(one.before)),
        "replace": ("~", "33", lambda one: f"{_value(one.before)} {arrow} {_value(one.after)}"),
    }
    for one in changes:
        sign, color, value = shown[one.op]
        output.out.write(output.paint(plain(f"  {sign} {one.path or '/'}  {value(one)}"), color) + "\n")


def _side(output: Output, side: Side) -> str:
    took = "" if side.duration_ms is None else f", {side.duration_ms} ms"
    return f"{side.run_id}  {side.function_id}@{side.function_version}  position {side.position}  {side.status}{took}"


def _divergence(path: str | None) -> str:
    return "nowhere" if path is None else path or "at its input"


def _compared(output: Output, one: StepDiff) -> list[str]:
    before, after = one.before, one.after
    return [
        one.path,
        one.change,
        output.status(before.status) if before else "",
        f"{before.duration_ms} ms" if before else "",
        output.status(after.status) if after else "",
        f"{after.duration_ms} ms" if after else "",
        f"+{after.began_after_ms} ms" if after and after.began_after_ms is not None else "",
    ]


def _bundled(bundle: Bundle) -> dict[str, Any]:
    return {"run_id": bundle.run_id, "verified": told(bundle.verified)}


def _show_verified(output: Output, bundle: Bundle) -> None:
    verified = bundle.verified
    out = f"{verified.scrubbed} scrubbed, {verified.redacted} redacted"
    output.note(f"  {verified.hold} of {verified.entries} entries give their digest; {out}")
    output.note(f"  Last digest {verified.last_digest} at position {verified.last_position}")


def _value(value: Any, chars: int = VALUE_CHARS_SHOWN) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= chars else f"{text[: chars - 1]}…"
