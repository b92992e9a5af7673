"""What is loaded when: the command line and a server start quickly because they leave the rest out."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from app import faces
from app.api import http, table

COMMAND_LINE = {"app", "click"}
"""Of packages that are not Python's own, all that `ironflow --help` loads."""

FIRST = COMMAND_LINE | {"granian", "msgspec", "typing_extensions", "uvloop"}
"""Before /health answers: what binds, forks nats-server and serves HTTP."""

READY = FIRST | {"apsw", "cronsim", "google", "grpc", "storage", "structlog"}
"""All that a server on SQLite has when it is ready."""

OWN_MAX = 370
"""Modules of ours that a server has when it is ready, of some 450 that it comes to load."""

TOOLS = {"cython_runtime", "grpc_tools"}
"""grpc looks for its compiler, which the executable does not have; compiled modules share the other."""

COMMAND = "importlib.import_module('app.cli.main')"
LIGHT = f"""{COMMAND}
import socket, app.cli.early, app.cli.serve, app.boot, uvloop
app.boot.HttpServer(app.boot.Gate(), socket.socket(), app.settings.Settings())"""
SERVER = f"""{COMMAND}
import os, signal, socket, sys, tempfile, app.cli.early, app.cli.serve, app.boot

def ready(*told):
    print(json.dumps([name for name, module in sys.modules.items() if module]))
    os.kill(os.getpid(), signal.SIGTERM)

with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
    listening.setblocking(False)
    settings = app.settings.Settings(grpc_port=0, data_dir=folder, dev=True)
    app.boot.serve(settings, listening=listening, ready=ready)"""


WATCHING = """import asyncio, threading, app.events.watching, app.runs.watching

class Elsewhere:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("app.") and threading.current_thread() is not threading.main_thread():
            raise AssertionError(f"a thread loads {name}")

class Empty:
    async def read(self, reads):
        return reads(None)

sys.meta_path.insert(0, Elsewhere())
asyncio.run(app.%s)
print(json.dumps(list(sys.modules)))"""
"""Nothing watched, by a process that has no CEL yet; a module of ours that a thread loads is an error."""


def loaded(code: str) -> set[str]:
    """Packages outside Python's library that a process of its own has loaded after this code."""
    return packages(run(f"{code}\nprint(json.dumps([name for name, module in sys.modules.items() if module]))"))


def run(code: str) -> set[str]:
    """The names of modules that a process of its own prints, without those that it began with."""
    program = f"import importlib, json, sys\nprint(json.dumps(list(sys.modules)))\n{code}"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    before, after = (set(json.loads(line)) for line in shown.stdout.splitlines())
    return after - before


def packages(modules: Iterable[str]) -> set[str]:
    found = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    return {name for name in found if not name.startswith("_")} - TOOLS


def test_the_command_line_loads_click_and_no_more() -> None:
    assert loaded(COMMAND) == COMMAND_LINE


def test_the_text_of_an_annotation_is_compiled_once() -> None:
    """What `import_less` relies on is no promise of Python's."""
    code = "typing.ForwardRef('int').__forward_code__"
    program = f"import app.__main__, typing\napp.__main__.import_less()\nprint(json.dumps([str({code} is {code})]))"

    assert run(program) == {"True"}


def test_what_answers_first_loads_no_framework() -> None:
    assert loaded(LIGHT) == FIRST


def test_a_server_loads_nothing_that_it_can_be_ready_without() -> None:
    """Not Postgres' driver, which only a server on Postgres has; nor Falcon and what answers REST, the messages of gRPC
    and their services, NATS' client, YAML, CEL, JSON Schema, HTTP clients, cryptography, rich."""
    modules = run(SERVER)

    assert packages(modules) == READY
    assert modules & {*faces.LIBRARIES, *faces.LATER, *(f"app.api.{name}" for name in table.MODULES)} == set()
    assert len([name for name in modules if name.startswith(("app.", "storage."))]) <= OWN_MAX


@pytest.mark.parametrize(
    "call",
    [
        "events.watching.EventWatching(Empty()).values('default', [], [])",
        "runs.watching.Watching(Empty(), None).values('default', '', [], [])",
    ],
)
def test_what_is_evaluated_in_a_thread_was_loaded_before_on_the_event_loop(call: str) -> None:
    assert "app.cel" in run(WATCHING % call)


@pytest.mark.parametrize("name", [*faces.LIBRARIES, *faces.LATER])
def test_what_is_loaded_later_is_there(name: str) -> None:
    assert importlib.import_module(name)


@pytest.mark.parametrize("module", table.MODULES)
def test_a_module_of_rest_has_routes_where_the_table_says_and_nowhere_else(module: str) -> None:
    services: Any = MagicMock()

    routes = table.Table(services).of(module)

    assert {table.part_of(route.path) for route in routes} == set(table.MODULES[module])


def test_the_table_has_every_module_with_routes() -> None:
    having = {path.stem for path in Path(http.__file__).parent.glob("*.py") if "\ndef routes(" in path.read_text()}

    assert having == set(table.MODULES)


def test_every_route_is_found_by_a_path_of_its() -> None:
    services: Any = MagicMock()
    routes = table.Table(services).whole()
    router = http.Router(table.Table(services).at)

    found = {route.path: router.find(re.sub(r"{[^}]+}", "x", route.path)) for route in routes}

    assert {path: told and told[3] for path, told in found.items()} == {path: path for path in found}
