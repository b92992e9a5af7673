"""`ironflow inspect`: the debugger in the terminal; in plain lines or as JSON where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli import credentials, inspect_lines
from app.cli.client import Session, connected, run_id
from app.cli.past import show_comparison, show_diff
from app.production import is_production

if TYPE_CHECKING:
    from app.debugger.recording import Recording, Source
    from app.debugger.session import Changes
    from ironflow.bundle import Bundle

SCREEN_MIN = (60, 16)
_NO_PLACE = "--at {} is neither a position nor a time, such as 2829 or 15m"


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
@click.option(
    "--theme", type=click.Choice(["dark", "light", "terminal"]), default="dark", show_default=True, help="Colours."
)
@click.option("--read-only", is_flag=True, help="Without the keys that change runs.")
@click.option("--write", is_flag=True, help="With them from the first on, in an environment called production, too.")
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
    write: bool,
    as_lines: bool,
    jsonl: bool,
) -> None:
    """Step through a recorded run, forwards and back, and change what happens next of it.

    RUN_ID may be @last or @last-failed, or - to read it from stdin; without one you choose. Where there is no terminal
    for it (or TERM=dumb, CI, or less than 60x16), and with --plain, it is told in lines. `?` shows the keys, which
    keys.toml in the folder of your settings may change. In an environment called production, prod or live (or with
    that word in its name), the keys that change runs have to be allowed first, by `W`.
    """
    from app.debugger.recording import Recording
    from app.debugger.sources import BundleSource, ServerChanges, ServerSource

    client, output = session
    client.via = "tui"
    output.form = "jsonl" if jsonl else output.form
    speed = _speed(replay)
    _check_together(
        given=given,
        file=file,
        at=at,
        follow=follow,
        replay=replay,
        compare=compare,
        read_only=read_only,
        write=write,
        form=output.form,
    )
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
        if bundle is None:
            from app.debugger.tui import happenings

            how |= {"client": client, "happenings": happenings.of_server(client.awaited)}
            how["arrivals"] = happenings.of_runs(client.awaited)
            how["locked"] = changes is not None and not write and is_production(client.environment)
        _show_on_screen(source, changes, found, **how)
    elif other is not None:
        _compare(session, source, found, other, at, offline=file is not None)
    else:
        recording = Recording(source, found)
        index = recording.last if at is None else _place(recording, at)
        if speed is not None:
            inspect_lines.replay(output, recording, 0 if at is None else index, speed)
        else:
            inspect_lines.tell(output, recording, index, file, steps=not follow)
        if follow:
            inspect_lines.follow(session, recording)


def _check_together(
    *,
    given: str | None,
    file: Path | None,
    at: str | None,
    follow: bool,
    replay: str | None,
    compare: str | None,
    read_only: bool,
    write: bool,
    form: str,
) -> None:
    """What does not go together is refused before anything is asked."""
    if read_only and write:
        raise click.UsageError("give either --read-only or --write")
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


def _speed(text: str | None) -> float | None:
    from app.debugger.playing import parsed

    if text is None:
        return None
    try:
        return parsed(text)
    except ValueError as error:
        raise click.UsageError(f"--replay {text}: {error}; the ID of a run stands before it") from None


def _compare(session: Session, source: Source, found: str, other: str, at: str | None, *, offline: bool) -> None:
    """What the screen would show beside each other: two positions of a run, or two runs."""
    client, output = session
    if other.isdecimal():
        if offline:
            from app.debugger.recording import Recording

            recording = Recording(source, found)
            here = recording.last if at is None else _place(recording, at)
            inspect_lines.compare(output, recording, recording.index_of(int(other)), here)
            return
        show_diff(output, client.runs.diff(found, int(other), at))
        return
    if not other:
        good = client.runs.last_good(found)
        if good is None:
            raise click.UsageError(f"no run of its function completed before {found}: give the RUN to compare with")
        other = str(good.run["id"])
    show_comparison(output, client.runs.compare(other, found, other_at=at, changed=True))


def _has_screen() -> bool:
    """Whether there is a terminal that the debugger can be shown on."""
    size = shutil.get_terminal_size()
    large = size.columns >= SCREEN_MIN[0] and size.lines >= SCREEN_MIN[1]
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    terminals = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))  # it is drawn on the last
    return terminals and large and not dumb
