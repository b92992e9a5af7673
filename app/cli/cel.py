"""`ironflow cel`: try CEL expressions as policies, triggers and filters use them."""

from __future__ import annotations

import json

import click

from app.cli.client import Session, connected
from app.cli.given import document
from app.cli.output import plain


@click.group("cel")
def command() -> None:
    """Evaluate CEL expressions."""


@command.command("eval", epilog="DATA is a JSON object, @FILE, or - for standard input.")
@click.argument("expression")
@click.option("--data", "-d", default="{}", help="The variables, by name.")
@connected
def evaluate(session: Session, expression: str, data: str) -> None:
    """The value of EXPRESSION. Exit code 10 if it cannot be evaluated."""
    found = session.client.cel(expression, document(data, what="--data"))
    if session.output.told("ironflow.cel/v1", found):
        return
    session.output.out.write(plain(json.dumps(found["value"], ensure_ascii=False)) + "\n")
    session.output.note(f"{found['cost']} of {found['cost_max']} steps")
