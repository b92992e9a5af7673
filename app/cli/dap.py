"""`ironflow dap`: runs in a debugger, recorded or live, by the Debug Adapter Protocol."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from app.debugger.dap.attaching import Place
    from ironflow import Client


@click.command("dap")
@click.option("--listen", metavar="HOST:PORT", help="Serve clients over TCP instead of standard input and output.")
@click.option("--token", help="What TCP clients say to attach; one is made up and printed if it is left out.")
@click.option("--server", help="The server that runs are on, if a client names none.")
@click.option("--env", "environment", help="The environment, if a client names none.")
@click.option("--socket", "number", type=int, hidden=True)
@click.option("--trace", type=click.Path(path_type=Path), help="Write every message to this file, for reports.")
@click.option("--log-file", type=click.Path(path_type=Path), help="Write to this file what goes to standard error.")
def command(
    listen: str | None,
    token: str | None,
    server: str | None,
    environment: str | None,
    number: int | None,
    trace: Path | None,
    log_file: Path | None,
) -> None:
    """Serve the Debug Adapter Protocol: step through runs, forwards and back, in an editor.

    An editor starts this command and speaks with it over standard input and output. See docs/how-to.
    """
    from app.debugger.dap import server as dap

    def log(text: str) -> None:
        if log_file is None:
            _log(text)
            return
        with log_file.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")

    def open_(arguments: Mapping[str, Any]) -> Place:
        return _place(arguments, server, environment)

    if number is not None:
        _beside(socket.socket(fileno=number), str(server))
        return
    if listen is None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # live runs are let go on the way out
        dap.serve_stdio(open_, trace=dap.Trace(trace), log=log)
        return
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise click.UsageError("--listen takes HOST:PORT, such as 127.0.0.1:4711")
    with socket.create_server((host or "127.0.0.1", int(port))) as listening:
        told = token or secrets.token_urlsafe(16)
        address, bound = listening.getsockname()[:2]
        click.echo(f"listening {address}:{bound} token={told}", err=True)
        try:
            dap.serve_tcp(listening, open_, token=told, trace=dap.Trace(trace), log=log)
        except KeyboardInterrupt:
            return


def _beside(listening: socket.socket, url: str) -> None:
    """Be the adapter of a server, which ends standard input when it does: see app/cli/debugging.py."""
    from app.debugger.dap import server as dap

    def open_(arguments: Mapping[str, Any]) -> Place:
        return _place_on(url, arguments)

    def serve() -> None:
        dap.serve_tcp(listening, open_, token="", trace=dap.Trace(None), log=_log)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, whose server ends in order
    listening.setblocking(True)
    threading.Thread(target=serve, name="dap", daemon=True).start()
    sys.stdin.buffer.read()


def _place_on(url: str, arguments: Mapping[str, Any]) -> Place:
    """Where the run is on the one server there is, for whoever has a key of it; nothing of this machine is told."""
    from app.debugger.dap.looking import Refused
    from ironflow import Client

    for name in ("bundle", "tokenEnv"):
        if arguments.get(name):
            raise Refused(f"{name} is of the machine that an adapter runs on: this one has the runs of {url}")
    client = Client(url, api_key=str(arguments.get("token") or ""), environment=arguments.get("environment"))
    return _found(client, arguments)._replace(files=False)


def _place(arguments: Mapping[str, Any], server: str | None, environment: str | None) -> Place:
    """Where the run is that a client names."""
    from app.cli.client import signed_in
    from app.debugger.dap.attaching import Place
    from app.debugger.dap.looking import Refused
    from app.debugger.sources import BundleSource
    from ironflow import Client
    from ironflow.bundle import Bundle

    if path := arguments.get("bundle"):
        bundle = Bundle.open(str(path))
        return Place(BundleSource(bundle), None, bundle.run_id)
    url, found = signed_in(arguments.get("server") or server)
    key = found
    if named := arguments.get("tokenEnv"):
        key = os.environ.get(str(named))
        if not key:
            raise Refused(f"tokenEnv: the variable {str(named)[:80]!r} is not set where the adapter runs")
    client = Client(url, api_key=key, environment=arguments.get("environment") or environment)
    return _found(client, arguments)


def _found(client: Client, arguments: Mapping[str, Any]) -> Place:
    """The run that is named, or the function to start one of."""
    from app.cli.client import run_id
    from app.debugger.dap.attaching import Place
    from app.debugger.dap.looking import Refused
    from app.debugger.sources import ServerChanges, ServerSource

    function, given = arguments.get("function"), arguments.get("runId")
    if not function and (not isinstance(given, str) or not given):
        client.close()
        raise Refused("runId is missing: the id of a run, @last or @last-failed; or bundle: the path of one")
    known = "" if function else run_id(client, str(given))
    return Place(ServerSource(client), ServerChanges(client), known, client, str(function or ""))


def _log(text: str) -> None:
    sys.stderr.write(f"ironflow dap: {text}\n")
