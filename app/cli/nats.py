"""`ironflow nats`: how other programs connect to NATS."""

from __future__ import annotations

import json
from pathlib import Path

import click

from app.cli.client import Session, connected
from app.cli.output import Output, plain
from app.settings import resolve


class NatsNotRunning(Exception):
    """No server with a NATS of its own runs over this folder."""

    code = "NATS_NOT_RUNNING"
    hint = "start one with `ironflow serve`, or name its folder with --data-dir"


@click.group("nats")
def command() -> None:
    """Print how other programs connect to NATS."""


@command.command("creds")
@connected
def creds(session: Session) -> None:
    """URL and credentials with which any NATS client follows what is published in the environment and publishes events
    there, as far as your key may. They count for as long as it does."""
    told = session.client.nats_credentials()
    if session.output.told("ironflow.nats_creds/v1", told):
        return
    lists = ("subscribe", "publish")
    session.output.fields([(name, plain(" ".join(told[name]) if name in lists else told[name])) for name in told])


@command.command("operator")
@click.option("--data-dir", default=None, help="The server's folder. Default .ironflow.  [IRONFLOW_DATA_DIR]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--verbose", "-v", is_flag=True, help="Show the details of unexpected errors.")
def operator(data_dir: str | None, as_json: bool, verbose: bool) -> None:
    """The same for who runs the server: for every environment, with JetStream. They are read from the server's folder,
    which only its owner may."""
    from app.bus.nats_server import credentials

    folder = Path(resolve({"data_dir": data_dir}).data_dir) / "nats"
    found = credentials(folder)
    if found is None:
        raise NatsNotRunning(f"there is no running NATS server in {folder}")
    told = {
        **found,
        "stream": "IRONFLOW",
        "subscribe": "ironflow.<environment>.events.>",
        "publish": "ironflow.default.<environment>.events.ingest.<name>",
    }
    output = Output.of_environment("json" if as_json else "table")
    if as_json:
        output.out.write(json.dumps({"schema": "ironflow.nats_operator/v1", **told}, indent=2) + "\n")
        return
    output.fields([(name, plain(value)) for name, value in told.items()])
