"""`ironflow serve`."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from app.cli import debugging, early
from app.settings import SETTINGS, Settings, SettingsError, resolve

DAP_HOST = "127.0.0.1"


class PortTaken(Exception):
    """Somebody else listens there."""

    hint = ""

    def __init__(self, host: str, port: int, flag: str = "--port") -> None:
        super().__init__(f"port {port} on {host} is in use")
        other = f"{flag} {port + 10}" + (f" --grpc-port {port + 11}" if flag == "--port" else "")
        self.hint = f"stop the other program, or take another port: ironflow serve {other}"
        self.code = "PORT_IN_USE"


def _flags(command: Callable[..., Any]) -> Callable[..., Any]:
    for setting in reversed(SETTINGS):
        if setting.secret:
            continue
        shown = f"{setting.help}  [{setting.variable}]"
        if setting.name in ("dev", "insecure", "always_replay"):
            command = click.option(setting.flag, setting.name, is_flag=True, default=None, help=shown)(command)
        else:
            default = getattr(Settings(), setting.name)
            shown += f"  (default {default})" if default != "" else ""
            command = click.option(setting.flag, setting.name, default=None, metavar="VALUE", help=shown)(command)
    return command


_SECRETS = {one.variable: one.help for one in SETTINGS if one.secret} | {
    "IRONFLOW_MASTER_KEY": "The master key itself, instead of its file."
}
_EPILOG = "\b\nSecrets are not given on the command line, where others could read them:\n" + "\n".join(
    f"  {variable}\n      {help}" for variable, help in _SECRETS.items()
)


@click.command("serve", epilog=_EPILOG)
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path),
    help="Settings as YAML: kind Server, Cluster or Platform; see `ironflow validate`.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show the details of unexpected errors.")
@_flags
def command(file: Path | None, verbose: bool, **flags: Any) -> int:
    """Start the server: HTTP, gRPC, its own NATS, SQLite or Postgres. Ctrl-C stops it; runs go on at the next start."""
    started = time.perf_counter()
    settings = resolve(flags, file=file)
    with listen(settings.host, settings.port) as listening, ExitStack() as beside:
        debuggers = (
            beside.enter_context(listen(DAP_HOST, settings.dap_port, "--dap-port")) if settings.dap_port else None
        )
        from app.boot import serve

        def ready(url: str, grpc_address: str, link: str) -> None:
            if debuggers is not None:
                beside.enter_context(debugging.adapter(debuggers, url))
            terminal = sys.stdout.isatty()
            print(
                banner(settings, url, grpc_address, time.perf_counter() - started, link)
                if terminal
                else f"ready {url} grpc={grpc_address}",
                flush=True,
            )

        return serve(settings, listening=listening, ready=ready)


def listen(host: str, port: int, flag: str = "--port") -> socket.socket:
    """A listening socket that nobody shares; `flag` is what chose its port. Raises PortTaken, SettingsError."""
    listening = early.take(host, port)
    if listening is None:
        listening = _bound(host, port, flag)
        listening.listen(early.BACKLOG)
    listening.setblocking(False)
    return listening


def _bound(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    early.prepare(listening)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        if error.errno == 98:
            raise PortTaken(host, port, flag) from None
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="choose --host and --port"
        ) from None
    return listening


def banner(settings: Settings, url: str, grpc_address: str, seconds: float, link: str = "") -> str:
    """What a person sees when everything is up."""
    from app.resources import VERSION

    data = settings.database_url.rpartition("@")[2] if settings.database_url else f"{settings.data_dir}/ironflow.db"
    lines = [
        f"  ▣ Ironflow {VERSION}{' · dev' if settings.dev else ''}   ready in {seconds:.1f} s",
        "",
        f"    API      {url}/api/v1     health /health · metrics /metrics",
        f"    Workers  {grpc_address} (gRPC)",
        *([f"    Editors  {DAP_HOST}:{settings.dap_port} (DAP; an API key is the token)"] if settings.dap_port else []),
        f"    Data     {data}",
        f"    NATS     {settings.nats_url or 'our own, on loopback'}",
        _access(settings, link),
        "",
        "    Next     ironflow emit order.placed -d '{\"id\": 1}'",
        "    Stop     Ctrl-C   (runs go on at the next start)",
    ]
    return "\n".join(lines)


def _access(settings: Settings, link: str) -> str:
    """Who may come in. The link is for a terminal only: what goes into a file may be read by others."""
    if settings.dev:
        return "    Access   ⚠ everybody on this machine, unasked: --dev is for development only"
    ways = "once, within 15 minutes; programs on this machine find their key by themselves"
    return f"    Sign in  {link}\n             ({ways})"
