"""`ironflow dap`: runs in a debugger, recorded or live, by the Debug Adapter Protocol."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from app.debugger.dap.attaching import Place


@click.command("dap")
@click.option("--listen", metavar="HOST:PORT", help="Serve clients over TCP instead of standard input and output.")
@click.option("--token", help="What TCP clients say to attach; one is made up and printed if it is left out.")
@click.option("--server", help="The server that runs are on, if a client names none.")
@click.option("--env", "environment", help="The environment, if a client names none.")
@click.option("--trace", type=click.Path(path_type=Path), help="Write every message to this file, for reports.")
def command(
    listen: str | None, token: str | None, server: str | None, environment: str | None, trace: Path | None
) -> None:
    """Serve the Debug Adapter Protocol: step through runs, forwards and back, in an editor.

    An editor starts this command and speaks with it over standard input and output. See docs/how-to.
    """
    from app.debugger.dap import server as dap

    def open_(arguments: Mapping[str, Any]) -> Place:
        return _place(arguments, server, environment)

    if listen is None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # live runs are let go on the way out
        dap.serve_stdio(open_, trace=dap.Trace(trace), log=_log)
        return
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise click.UsageError("--listen takes HOST:PORT, such as 127.0.0.1:4711")
    with socket.create_server((host or "127.0.0.1", int(port))) as listening:
        told = token or secrets.token_urlsafe(16)
        address, number = listening.getsockname()[:2]
        click.echo(f"listening {address}:{number} token={told}", err=True)
        try:
            dap.serve_tcp(listening, open_, token=told, trace=dap.Trace(trace), log=_log)
        except KeyboardInterrupt:
            return


def _place(arguments: Mapping[str, Any], server: str | None, environment: str | None) -> Place:
    """Where the run is that a client names."""
    from app.cli.client import run_id, signed_in
    from app.debugger.dap.attaching import Place
    from app.debugger.dap.looking import Refused
    from app.debugger.sources import BundleSource, ServerChanges, ServerSource
    from ironflow import Client
    from ironflow.bundle import Bundle

    if path := arguments.get("bundle"):
        bundle = Bundle.open(str(path))
        return Place(BundleSource(bundle), None, bundle.run_id)
    function, given = arguments.get("function"), arguments.get("runId")
    if not function and (not isinstance(given, str) or not given):
        raise Refused("runId is missing: the id of a run, @last or @last-failed; or bundle: the path of one")
    url, found = signed_in(arguments.get("server") or server)
    key = found
    if named := arguments.get("tokenEnv"):
        key = os.environ.get(str(named))
        if not key:
            raise Refused(f"tokenEnv: the variable {str(named)[:80]!r} is not set where the adapter runs")
    client = Client(url, api_key=key, environment=arguments.get("environment") or environment)
    known = "" if function else run_id(client, str(given))
    return Place(ServerSource(client), ServerChanges(client), known, client, str(function or ""))


def _log(text: str) -> None:
    sys.stderr.write(f"ironflow dap: {text}\n")
