"""`ironflow inspect`: the debugger in the terminal; in plain lines or as JSON where there is none."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import credentials
from app.cli.client import Session, connected, run_id
from app.cli.output import Output, plain
from app.cli.past import show_comparison, show_diff, told

if TYPE_CHECKING:
    from app.debugger.recording import Recording, Source
    from app.debugger.session import Changes
    from app.debugger.steps import Shown
    from ironflow.bundle import Bundle
    from ironflow.past import Record, RunState

SCREEN_MIN = (60, 16)
STACK_LINES_SHOWN = 12
_NO_PLACE = "--at {} is neither a position nor a time, such as 2829 or 15m"
ENDED = ("completed", "failed", "cancelled")


@click.command("inspect")
@click.argument("given", metavar="[RUN_ID]", required=False)
@click.option("--at", help="As of a position of history, or a time: RFC 3339, or such as 15m.")
@click.option(
    "--from-file", "file", type=click.Path(dir_okay=False, path_type=Path), help="Of a bundle, without a server."
)
@click.option("--follow", "-f", is_flag=True, help="Take up what happens, as it happens.")
@click.option(
    "--replay",
    "replay",
    is_flag=False,
    flag_value="1",
    metavar="[SPEED]",
    help="Play it from its beginning, or from --at: 1, or 2 for twice as fast.",
)
@click.option(
    "--compare",
    is_flag=False,
    flag_value="",
    metavar="[RUN|POSITION]",
    help="Beside another run, by default the last good one; or what changed since a position of this one.",
)
@click.option("--theme", type=click.Choice(["dark", "light", "terminal"]), default="dark", show_default=True)
@click.option("--read-only", is_flag=True, help="Without the keys that change runs.")
@click.option("--plain", "as_lines", is_flag=True, help="Lines of text, though this is a terminal.")
@click.option("--jsonl", is_flag=True, help="The records, one a line.")
@connected
def command(
    session: Session,
    given: str | None,
    at: str | None,
    file: Path | None,
    follow: bool,
    replay: str | None,
    compare: str | None,
    theme: str,
    read_only: bool,
    as_lines: bool,
    jsonl: bool,
) -> None:
    """Step through a recorded run, forwards and back, and change what happens next of it.

    RUN_ID may be @last or @last-failed, or - to read it from stdin; without one you choose. Where there is no terminal
    for it (or TERM=dumb, CI, or less than 60x16), and with --plain, it is told in lines. `?` shows the keys, which
    keys.toml in the folder of your settings may change.
    """
    from app.debugger.recording import Recording
    from app.debugger.sources import BundleSource, ServerChanges, ServerSource

    client, output = session
    output.form = "jsonl" if jsonl else output.form
    speed = _speed(replay)
    _check_together(given=given, file=file, at=at, follow=follow, replay=replay, compare=compare, form=output.form)
    bundle = None if file is None else _bundle(file)
    source = ServerSource(client) if bundle is None else BundleSource(bundle)
    if given == "-":
        given = sys.stdin.readline().strip()
    found = bundle.run_id if bundle is not None else run_id(client, given) if given else ""
    other = run_id(client, compare) if compare else compare
    on_screen = output.form == "table" and not as_lines and _has_screen()
    if not found and not on_screen:
        raise click.UsageError("give the ID of a run, @last or @last-failed: `ironflow run list` shows them")
    if on_screen:
        changes = None if bundle is not None or read_only else ServerChanges(client)
        how: dict[str, Any] = {"at": at, "following": follow, "playing": speed, "compare": other, "look": theme}
        _show_on_screen(source, changes, found, client=None if bundle else client, **how)
    elif other is not None:
        _compare(session, found, other, at, file)
    else:
        recording = Recording(source, found)
        index = recording.last if at is None else _place(recording, at)
        if speed is not None:
            _replay(output, recording, 0 if at is None else index, speed)
        else:
            _tell(output, recording, index, file, steps=not follow)
        if follow:
            _follow(session, recording)


def _check_together(
    *,
    given: str | None,
    file: Path | None,
    at: str | None,
    follow: bool,
    replay: str | None,
    compare: str | None,
    form: str,
) -> None:
    """What does not go together is refused before anything is asked."""
    if given is not None and file is not None:
        raise click.UsageError("give either the ID of a run, or --from-file")
    if follow and (file is not None or at is not None or form == "json"):
        raise click.UsageError("--follow goes with neither --from-file, --at nor --json: --jsonl tells what happens")
    if replay is not None and (follow or form == "json"):
        raise click.UsageError("--replay goes with neither --follow nor --json: --jsonl tells what happened")
    if compare is not None and (follow or replay is not None):
        raise click.UsageError("--compare goes with neither --follow nor --replay")
    if compare is not None and file is not None and not compare.isdecimal():
        raise click.UsageError("a bundle has one run: --compare takes a position of it, or needs a server")


def _bundle(file: Path) -> Bundle:
    from ironflow.bundle import Bundle

    try:
        return Bundle.open(file)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None


def _place(recording: Recording, at: str) -> int:
    try:
        return recording.place(at)
    except ValueError:
        raise click.UsageError(_NO_PLACE.format(at)) from None


def _show_on_screen(source: Source, changes: Changes | None, found: str, *, at: str | None, **how: Any) -> None:
    from app.debugger.tui.app import Inspector
    from app.debugger.tui.keymap import BadKeys, read

    try:
        keymap = read(credentials.folder() / "keys.toml")
    except BadKeys as error:
        raise click.UsageError(str(error)) from None
    inspector = Inspector(source, changes, found, at=at, keymap=keymap, **how)
    inspector.run()
    if isinstance(inspector.refused, ValueError):
        raise click.UsageError(_NO_PLACE.format(at))
    if inspector.refused is not None:
        raise inspector.refused


def _tell(output: Output, recording: Recording, index: int, file: Path | None, *, steps: bool) -> None:
    match output.form:
        case "jsonl":
            _records(output, recording.records[: index + 1])
        case "table":
            _show(output, recording, index, file, steps=steps)
        case _:
            output.json(_document(recording, index, file))


def _speed(text: str | None) -> float | None:
    from app.debugger.playing import parsed

    if text is None:
        return None
    try:
        return parsed(text)
    except ValueError as error:
        raise click.UsageError(f"--replay {text}: {error}; the ID of a run stands before it") from None


def _compare(session: Session, found: str, other: str, at: str | None, file: Path | None) -> None:
    """What the screen would show beside each other: two positions of a run, or two runs."""
    client, output = session
    if other.isdecimal():
        if file is not None:
            raise click.UsageError("what changed in a bundle needs a terminal: --compare with --plain needs a server")
        show_diff(output, client.runs.diff(found, int(other), at))
        return
    if not other:
        good = client.runs.last_good(found)
        if good is None:
            raise click.UsageError(f"no run of its function completed before {found}: give the RUN to compare with")
        other = str(good.run["id"])
    show_comparison(output, client.runs.compare(other, found, other_at=at, changed=True))


def _replay(output: Output, recording: Recording, index: int, speed: float) -> None:
    """The records from a place on, a line each, with the time between them that there was."""
    from app.debugger.playing import pause_s

    records = recording.records
    if output.form == "table":
        _line(output, "POSITION", "STATUS", "STEP", "ATTEMPT", "DURATION", "NOTE")
    for at in range(index, len(records)):
        if at > index:
            time.sleep(pause_s(records[at - 1], records[at], speed))
        if output.form == "jsonl":
            _records(output, [records[at]])
        else:
            _line(output, *_lines(output, [records[at]])[0])
        output.out.flush()


def _has_screen() -> bool:
    """Whether there is a terminal that the debugger can be shown on."""
    size = shutil.get_terminal_size()
    large = size.columns >= SCREEN_MIN[0] and size.lines >= SCREEN_MIN[1]
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    terminals = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))  # it is drawn on the last
    return terminals and large and not dumb


def _document(recording: Recording, index: int, file: Path | None) -> dict[str, Any]:
    from app.debugger.steps import Steps

    state = recording.state(index)
    return {
        "schema": "ironflow.inspect/v1",
        "run_id": recording.run_id,
        "function_id": state.function_id,
        "function_version": state.function_version,
        "status": state.status,
        "attempt": state.attempt,
        "max_attempts": state.max_attempts,
        "position": recording.records[index].position,
        "newest_position": recording.records[-1].position,
        "behind": recording.last - index,
        "error": state.error,
        "steps": [
            {
                "position": one.position,
                "status": one.status,
                "step": one.row.name,
                "path": one.row.path,
                "attempt": one.row.attempt,
                "duration_ms": one.duration_ms,
                "note": one.note,
                "edited": one.edited,
            }
            for one in Steps(recording).all(index)
        ],
        "next": _following(recording, state, index, file),
    }


def _show(output: Output, recording: Recording, index: int, file: Path | None, *, steps: bool) -> None:
    """`steps`: those too, and not only what stands above and below them."""
    from app.debugger.steps import Steps

    state, record = recording.state(index), recording.records[index]
    later = f", {recording.last - index} later" if index < recording.last else ""
    output.fields(
        [
            ("Run", recording.run_id),
            ("Function", f"{state.function_id} (version {state.function_version})"),
            ("Status", output.status(state.status)),
            ("Attempt", f"{state.attempt} of {state.max_attempts}"),
            ("As of", f"position {record.position}, record {index + 1} of {recording.last + 1}{later}"),
            ("Paused", state.pause_reason),
        ]
    )
    output.out.write("\n")
    if not steps:
        _line(output, "POSITION", "STATUS", "STEP", "ATTEMPT", "DURATION", "NOTE")
        for line in _lines(output, recording.records[: index + 1]):
            _line(output, *line)
        return
    known = Steps(recording)
    rows = [_cells(output, one, known.label(one.row)) for one in known.all(index)]
    output.table(["position", "status", "step", "attempt", "duration", "note"], rows)
    _show_error(output, state)
    output.out.write("\n")
    for one in _following(recording, state, index, file):
        output.out.write(f"Next: {plain(one)}\n")


def _show_error(output: Output, state: RunState) -> None:
    if not state.error:
        return
    error = state.error
    said = f"{error.get('code', '')}: {error.get('message', '')}".removeprefix(": ")
    output.out.write(f"\n{output.paint('ERROR', '1;31')}  {plain(said)}\n")
    for line in str(error.get("stack") or "").strip().splitlines()[-STACK_LINES_SHOWN:]:
        output.out.write(f"  {plain(line)}\n")


def _following(recording: Recording, state: RunState, index: int, file: Path | None) -> Sequence[str]:
    """Commands that make sense from here."""
    given = f"--from-file {shlex.quote(str(file))}" if file is not None else recording.run_id
    before = next(iter(recording.boundaries(index, -1)), None)
    looks = [] if before is None else [f"ironflow inspect {given} --at {recording.records[before].position}"]
    if file is not None:
        return looks
    if index < recording.last:
        fork = f'ironflow run fork {given} --at {recording.records[index].position} --reason "…"'
        return [*looks, f"ironflow inspect {given}", fork]
    match state.status:
        case "failed" | "paused":
            names = [one.name for one in recording.records[: index + 1] if one.kind == "step.failed"]
            step = shlex.quote(names[-1]) if names else ""
            why = [f"ironflow why {given} --step {step}"] if step else [f"ironflow why {given}"]
            patch = [f"ironflow run patch {given} {step} -d JSON --plan"] if step else []
            return [*looks, *why, *patch, f'ironflow run resume {given} --reason "…"']
        case "completed" | "cancelled":
            return [*looks, f'ironflow run replay {given} --reason "…"']
        case _:
            return [*looks, f"ironflow inspect {given} --follow --plain"]


def _follow(session: Session, recording: Recording) -> None:
    """Tell what happens to a run until it has ended: a line, or an object, a record."""
    output = session.output
    if recording.status(recording.last) in ENDED:
        return
    after = recording.records[-1].position
    with session.client.subscribe(f"system.run.{recording.run_id}.>", after=after) as subscription:
        for _ in subscription:
            new = recording.refresh()
            records = recording.records[len(recording.records) - new :]
            if output.form == "jsonl":
                _records(output, records)
            else:
                for line in _lines(output, records):
                    _line(output, *line)
            output.out.flush()
            if recording.status(recording.last) in ENDED:
                return


def _records(output: Output, records: Sequence[Record]) -> None:
    for record in records:
        output.out.write(json.dumps(told(record), ensure_ascii=False) + "\n")


def _lines(output: Output, records: Sequence[Record]) -> Sequence[Sequence[str]]:
    """Records, each as a line of the same columns as steps have."""
    from app.debugger.steps import note

    return [
        [
            str(record.position),
            output.status(record.status) if record.status else "",
            record.name,
            str(record.attempt or ""),
            _took(record.duration_ms) if record.step_id else "",
            note(record) if record.step_id else record.summary,
        ]
        for record in records
    ]


def _cells(output: Output, one: Shown, label: str) -> list[str]:
    return [
        str(one.position),
        output.status(one.status),
        label,
        str(one.row.attempt or ""),
        _took(one.duration_ms),
        one.note,
    ]


def _line(output: Output, position: str, status: str, step: str, attempt: str, took: str, note: str) -> None:
    """Widths are fixed, since nobody knows what comes."""
    text = f"{position:>8}  {status:<14}  {step:<24}  {attempt:>7}  {took:>9}  {note}"
    output.out.write(plain(text).rstrip() + "\n")


def _took(duration_ms: int | None) -> str:
    if duration_ms is None:
        return ""
    return f"{duration_ms} ms" if duration_ms < 10_000 else f"{duration_ms / 1_000:.1f} s"
