"""`ironflow why`: what caused something, back to where it began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.output import ago, plain


@click.command("why")
@click.argument("stream")
@click.option("--at", help="The state at a position of history, or at a time; default now.")
@click.option("--step", help="Of a run: what made this step what it was; its id, its id without the run, or its name.")
@click.option("--effects", is_flag=True, help="Show what came of it, too.")
@connected
def command(session: Session, stream: str, at: str | None, step: str | None, effects: bool) -> None:
    """What caused the last change of STREAM, step by step back to where it began.

    STREAM is run/ID, event/ID, entity/TYPE/ID, kv/BUCKET/KEY or any other of `ironflow history list`; NOUN:REST will do
    as well, and so will the ids of runs and events alone, @last and @last-failed.
    """
    client, output = session
    stream = run_id(client, stream)
    position = _position_of_step(session, stream, step, at) if step else _position(session, stream, at)
    lineage = client.history.lineage(position)
    if output.told("ironflow.lineage/v1", lineage):
        return
    for depth, entry in enumerate([lineage["entry"], *lineage["causes"]]):
        mark = "" if not depth else "  " * (depth - 1) + ("└ " if output.unicode else "\\ ")
        output.out.write(plain(f"{mark}{told(entry)}") + "\n")
    if effects:
        output.out.write(output.paint("\nWhat came of it", "1") + "\n")
        _show_effects(session, lineage["effects"], 0)
        if not lineage["effects"]:
            output.out.write("nothing that history knows of\n")
    if lineage["truncated"]:
        output.note("there is more than is shown: go on with the last one's stream and --at its position")


def told(entry: dict[str, Any]) -> str:
    """An entry in one line."""
    about = subject(entry)
    by = f"by {entry['actor']}" if entry["actor"] else ""
    parts = (str(entry["position"]), entry["kind"], about, entry["stream"], ago(entry["recorded_at"]), by)
    return "  ".join(part for part in parts if part)


def subject(entry: Mapping[str, Any]) -> str:
    """What an entry is about: the name of the event, function or step."""
    data = entry["data"]
    named = (
        (data.get(field) for field in ("name", "function_id", "step_id", "reason")) if isinstance(data, dict) else ()
    )
    return next((str(one) for one in named if one), "")


def _show_effects(session: Session, effects: list[dict[str, Any]], depth: int) -> None:
    for effect in effects:
        session.output.out.write(plain("  " * depth + told(effect["entry"])) + "\n")
        _show_effects(session, effect["effects"], depth + 1)


def _position_of_step(session: Session, run: str, step: str, at: str | None) -> int:
    """Of the entry that made the step what it was. Raises NotFound."""
    found = run_id(session.client, run.removeprefix("run/").removeprefix("run:"))
    return session.client.runs.step_output(found, step, at=at).position


def _position(session: Session, stream: str, at: str | None) -> int:
    """Of the stream's last entry as of `at`. Raises NotFound."""
    from ironflow.errors import NotFound

    client = session.client
    if stream.startswith(("evt_", "event/", "event:")):
        return int(client.events.get(stream[6:] if stream.startswith("event") else stream)["position"])
    noun, colon, rest = stream.partition(":")
    name = f"run/{stream}" if stream.startswith("run_") else f"{noun}/{rest}" if colon and "/" not in noun else stream
    page = client.history.list(stream=name, direction="backward", limit=1, at=at)
    if not page.items:
        raise NotFound(
            f"{name} has no entry", code="NOT_FOUND", hint="`ironflow history list` shows the streams there are"
        )
    return int(page.items[0]["position"])
