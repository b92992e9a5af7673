"""What is loaded when: the command line and a server start quickly because they leave the rest out."""

from __future__ import annotations

import json
import subprocess
import sys

COMMAND_LINE = {"app", "click"}
"""Of packages that are not Python's own, all that `ironflow --help` loads."""

FIRST = COMMAND_LINE | {"granian", "msgspec", "structlog", "typing_extensions", "uvloop"}
"""Before /health answers: what binds, forks nats-server and serves HTTP, and logging."""

SERVER = FIRST | {"apsw", "cronsim", "falcon", "google", "grpc", "ironflow", "prometheus_client", "storage"}
"""All that a server on SQLite has when it is ready."""

TOOLS = {"cython_runtime", "grpc_tools"}
"""grpc looks for its compiler, which the executable does not have; compiled modules share the other."""

COMMAND = "importlib.import_module('app.cli.main')"
LIGHT = f"""{COMMAND}
import socket, app.cli.early, app.cli.serve, app.logs, app.boot, uvloop
app.boot._HttpServer(app.boot.Gate(), socket.socket(), app.settings.Settings())"""
WHOLE = f"""{LIGHT}
import storage.sqlite, app.server, app.faces, app.bus.bus"""


def loaded(code: str) -> set[str]:
    """Packages outside Python's library that a process of its own has loaded after this code."""
    program = f"""import importlib, json, sys
before = set(sys.modules)
{code}
found = {{name.partition(".")[0] for name, module in sys.modules.items() if module and name not in before}}
print(json.dumps(sorted(found - set(sys.stdlib_module_names))))"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return {name for name in json.loads(shown.stdout) if not name.startswith("_")} - TOOLS


def test_the_command_line_loads_click_and_no_more() -> None:
    assert loaded(COMMAND) == COMMAND_LINE


def test_what_answers_first_loads_no_framework() -> None:
    assert loaded(LIGHT) == FIRST


def test_a_server_loads_nothing_that_it_can_be_ready_without() -> None:
    """Not Postgres' driver, which only a server on Postgres has; nor NATS' client, YAML, CEL, JSON Schema, HTTP
    clients, cryptography, rich."""
    assert loaded(WHOLE) == SERVER
