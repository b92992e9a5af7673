"""`ironflow function`: what workers registered."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.output import ago


@click.group("function")
def command() -> None:
    """List and read functions."""


@command.command("list")
@connected
def list_functions(session: Session) -> None:
    """Every function of the environment."""
    session.output.items(
        "ironflow.functions/v1",
        session.client.functions.list(),
        {
            "id": lambda function: function["id"],
            "triggers": lambda function: ", ".join(trigger["event"] for trigger in function["triggers"]),
            "version": lambda function: str(function["version"]),
            "status": lambda function: function["status"],
            "registered": lambda function: ago(function["updated_at"]),
        },
        empty="no functions: start a worker that registers some",
    )


@command.command("get")
@click.argument("function_id", metavar="ID")
@connected
def get_function(session: Session, function_id: str) -> None:
    """One function."""
    function = session.client.functions.get(function_id)
    output = session.output
    if output.form != "table":
        output.json({"schema": "ironflow.function/v1", **function})
        return
    retry = function["retry"]
    triggers = [t["event"] + (f" if {t['expression']}" if t.get("expression") else "") for t in function["triggers"]]
    output.fields(
        [
            ("Function", function["id"]),
            ("Name", function["name"]),
            ("Version", str(function["version"])),
            ("Status", function["status"]),
            ("Triggers", ", ".join(triggers)),
            ("Endpoint", function.get("endpoint_url", "") if function["preferred_mode"] == "push" else ""),
            ("Retry", f"{retry['max_attempts']} attempts, then {retry['on_exhausted']}"),
            ("Timeout", f"{function['timeout_ms'] / 1_000:g} s"),
            ("Registered", f"{function['updated_at']}  ({ago(function['updated_at'])})"),
            ("About", function["description"]),
        ]
    )
