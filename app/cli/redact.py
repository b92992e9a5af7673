"""`ironflow redact`: payloads go for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.given import confirm, yes_option


@click.command("redact")
@click.argument("id", metavar="EVENT|STEP|RUN")
@click.option("--reason", required=True, help="Why; kept in history.")
@yes_option
@connected
def command(session: Session, id: str, reason: str, yes: bool) -> None:
    """Replace the payloads of an event (evt_…), a step (run_…:NAME:0) or a run (run_…, @last) by placeholders with
    their hashes, for good. The history stays verifiable."""
    kind = _kind(id)
    named = run_id(session.client, id) if kind == "run" else id
    confirm(session.output, named, f"This removes the payloads of the {kind} {named} for good.", yes=yes)
    redact = {
        "event": session.client.events.redact,
        "step": session.client.runs.redact_step,
        "run": session.client.runs.redact,
    }[kind]
    _tell(session, kind, named, redact(named, reason=reason))


def _kind(id: str) -> str:
    if id.startswith("evt_"):
        return "event"
    if not id.startswith(("run_", "@last")):
        raise click.UsageError("Name an event (evt_…), a step (run_…:NAME:0) or a run (run_…).")
    return "step" if ":" in id else "run"


def _tell(session: Session, kind: str, id: str, done: Mapping[str, Any]) -> None:
    output = session.output
    if output.told("ironflow.redacted/v1", {"id": id, **done}):
        return
    output.done(f"{kind} {id} is redacted" if done["redacted"] else "nothing was left")
    if done["rebuilding"]:
        output.note(f"projections are rebuilt: {', '.join(done['rebuilding'])}")
    if "event_id" in done:
        output.note(f"its event started other runs too, and stays: ironflow redact {done['event_id']}")
