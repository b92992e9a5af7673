"""`ironflow run logs`: what the code of a run logged."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.output import Output, plain
from app.cli.past import told
from app.debugger.lines import below, said

if TYPE_CHECKING:
    from ironflow.logs import LogLine

COLORS = {"debug": "2", "info": "36", "warning": "33", "error": "31"}
STEP_CHARS = 20
ENDED = frozenset(("completed", "failed", "cancelled"))


@click.command("logs")
@click.argument("given", metavar="ID")
@click.option("--step", help="Of one step: its id, its id without the run, or its name.")
@click.option("--level", type=click.Choice(tuple(COLORS)), help="Of that level or a graver one.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is logged, until the run has ended.")
@click.option("--limit", type=click.IntRange(1), help="At most so many lines.")
@connected
def command(session: Session, given: str, follow: bool, limit: int | None, **chosen: Any) -> None:
    """What the code of a run logged, a line a line: when, how grave, in which step, and what.

    Lines are recorded with the result of their step, or with what follows them between steps. With --json one object;
    with -o jsonl, and with --json while it follows, one object a line.
    """
    output = session.output
    found = run_id(session.client, given)
    lines = _followed(session, found, chosen) if follow else session.client.runs.logs(found, **chosen)
    if limit is not None:
        lines = itertools.islice(lines, limit)
    if output.form == "json" and not follow:
        output.items("ironflow.logs/v1", [_item(line) for line in lines], {})
        return
    nothing = True
    for line in lines:
        nothing = False
        if output.form == "table":
            _show(output, line)
        else:
            output.out.write(f"{line.place if output.form == 'id' else json.dumps(_item(line), ensure_ascii=False)}\n")
        if follow:
            output.out.flush()
    if nothing and output.form == "table":
        output.note("nothing was logged: ctx.log.info(…), or any logger of the standard library, inside a function")


def _followed(session: Session, found: str, chosen: dict[str, Any]) -> Iterator[LogLine]:
    """The lines there are, then those that come, up to the run's end."""
    runs = session.client.runs
    newest = runs.timeline_page(found, backward=True, limit=1).newest.position
    ended = runs.state(found, at=newest, outputs=False, steps=False).status in ENDED
    yield from runs.logs(found, at=newest, **chosen)
    if ended:
        return
    with session.client.subscribe(f"system.run.{found}.>", after=newest) as subscription:
        for event in subscription:
            verb = event.topic.removeprefix(f"system.run.{found}.")
            if verb == "updated" and event.data.get("change") == "logged":
                yield from runs.logs(found, after=event.position - 1, at=event.position, **chosen)
            elif verb in ENDED:
                return


def _item(line: LogLine) -> dict[str, Any]:
    item = {name: one for name, one in told(line).items() if one not in (0, False) or name in ("index", "execution")}
    source = {"path": item.pop("source"), "line": item.pop("source_line", 0)} if line.source else {}
    return {"id": line.place, **item, **({"source": source} if source else {})}


def _show(output: Output, line: LogLine) -> None:
    level = output.paint(line.level.upper().ljust(7), COLORS[line.level])
    step = output.paint(plain(line.path or "-").ljust(STEP_CHARS), "2")
    output.out.write(f"{line.time:%H:%M:%S.%f}"[:12] + f"  {level}  {step}  {said(line)}\n")
    for part in below(line):
        output.out.write(output.paint(f"    {part}\n", "2"))
