"""`ironflow breaker`: push endpoints that fail, and are left alone for a while."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.output import ago


@click.group("breaker")
def command() -> None:
    """List and reset the circuit breakers of push endpoints."""


@command.command("list")
@connected
def list_breakers(session: Session) -> None:
    """Every push function's endpoint, and whether it is called."""
    session.output.items(
        "ironflow.breakers/v1",
        [{"id": breaker["key"], **breaker} for breaker in session.client.breakers.list()],
        {
            "key": lambda breaker: breaker["key"],
            "function": lambda breaker: breaker["function_id"],
            "state": lambda breaker: breaker["state"],
            "failures": lambda breaker: str(breaker["consecutive_fails"]),
            "last failure": lambda breaker: ago(breaker["last_failure"]) if "last_failure" in breaker else "",
            "endpoint": lambda breaker: breaker["endpoint"],
            "reason": lambda breaker: breaker.get("last_error", ""),
        },
        empty="no push functions: register one with an endpoint",
    )


@command.command("reset")
@click.argument("name", metavar="KEY|FUNCTION")
@connected
def reset_breaker(session: Session, name: str) -> None:
    """Call the endpoint again at once."""
    breaker = session.client.breakers.reset(name)
    fact = f"{breaker['function_id']} is called again at {breaker['endpoint']}"
    session.output.outcome("ironflow.breaker/v1", breaker, fact)
