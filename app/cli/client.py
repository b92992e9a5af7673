"""What client commands share: the SDK's client, the output, and ids as people write them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from app.cli.output import Output, options

if TYPE_CHECKING:
    from ironflow import Client


class Session(NamedTuple):
    client: Client
    output: Output


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the common options and, as its first argument, a Session."""

    @options
    @functools.wraps(command)
    def run(
        *args: Any,
        server: str | None,
        environment: str | None,
        as_org: str,
        form: str,
        as_json: bool,
        color: str,
        verbose: bool,
        **kwargs: Any,
    ) -> Any:
        from ironflow import Client

        output = Output.of_environment("json" if as_json else form, color)
        url, token = signed_in(server)
        with Client(url, api_key=token, environment=environment, organization=as_org) as client:
            return command(Session(client, output), *args, **kwargs)

    return run


def signed_in(server: str | None) -> tuple[str | None, str | None]:
    """The server, and the token of `ironflow login` there, where nothing else says who one is."""
    from app.cli import credentials
    from ironflow import discovery

    found = discovery.find(server)
    token = "" if found.api_key else credentials.token_for(found.url)
    return (found.url, token) if token else (server, None)


def run_id(client: Client, given: str) -> str:
    """The id meant by an id, a unique beginning of one, @last or @last-failed. Raises NotFound."""
    from ironflow.errors import NotFound

    if given not in ("@last", "@last-failed"):
        return given
    page = client.runs.list(limit=1, status="failed" if given == "@last-failed" else None)
    if not page.items:
        raise NotFound(f"there is no run for {given}", code="RUN_NOT_FOUND", hint="emit an event that starts one")
    return str(page.items[0]["id"])
