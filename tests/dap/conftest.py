"""Recorded runs, in bundles from each store, and a client that speaks with an adapter in this process."""

from __future__ import annotations

import importlib.util
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from app.debugger.dap.adapter import Adapter
from app.debugger.dap.attaching import Place
from app.debugger.dap.looking import Arguments
from app.debugger.sources import BundleSource, ServerChanges, ServerSource
from ironflow import Client
from ironflow.bundle import Bundle
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess


class Editor:
    """A client of an adapter. Every message is held against the protocol's own schema."""

    def __init__(self, open_: Callable[[Arguments], Place], *, token: str = "") -> None:
        self.events: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.everything: list[dict[str, Any]] = []
        self._sent: list[dict[str, Any]] = []
        self._seq = self._told = 0
        self._heard = threading.Condition()
        self.adapter = Adapter(self._hear, open_, token=token)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The response; its events are in `events`, in the order in which all came."""
        self._seq += 1
        told = {"seq": self._seq, "type": "request", "command": command, "arguments": arguments}
        with self._heard:
            self._sent.clear()
            self._told = 0
        self.adapter.handle(told)
        with self._heard:
            self.events = [message for message in self._sent if message["type"] == "event"]
            answers = [message for message in self._sent if message["type"] == "response"]
        return answers[0] if answers else {}

    def get(self, command: str, **arguments: Any) -> Any:
        """What a request is answered, which has to succeed."""
        answer = self.ask(command, **arguments)
        assert answer["success"], answer
        return answer.get("body")

    def refused(self, command: str, **arguments: Any) -> str:
        answer = self.ask(command, **arguments)
        assert not answer["success"]
        return str(answer["message"])

    def stop(self) -> dict[str, Any]:
        """Of the last request: where it led."""
        [body] = [event["body"] for event in self.events if event["event"] == "stopped"]
        return dict(body)

    def heard(self) -> list[dict[str, Any]]:
        """What came since it was last asked, or since the last request began."""
        with self._heard:
            found, self._told = self._sent[self._told :], len(self._sent)
            return found

    def until(self, name: str) -> dict[str, Any]:
        """The body of the first event of that name since the last request began."""
        with self._heard:
            assert self._heard.wait_for(lambda: any(one.get("event") == name for one in self._sent), 20), name
            return next(dict(one["body"]) for one in self._sent if one.get("event") == name)

    def attach(self, **arguments: Any) -> None:
        self.get("initialize", adapterID="ironflow", linesStartAt1=True)
        assert self.ask("attach", **arguments) == {}
        assert [event["event"] for event in self.events] == ["initialized"]
        self.ask("configurationDone")

    def line(self) -> int:
        """Of the transcript, where the top frame is."""
        return int(self.frames()[0]["line"])

    def frames(self) -> list[dict[str, Any]]:
        return list(self.get("stackTrace", threadId=1)["stackFrames"])

    def scope(self, name: str) -> dict[str, Any]:
        """The variables of a scope by name."""
        frame = self.frames()[0]["id"]
        [number] = [
            one["variablesReference"] for one in self.get("scopes", frameId=frame)["scopes"] if one["name"] == name
        ]
        return {one["name"]: one for one in self.get("variables", variablesReference=number)["variables"]}

    def number(self, name: str) -> int:
        """The reference of a scope."""
        scopes = self.get("scopes", frameId=self.frames()[0]["id"])["scopes"]
        return int(next(one["variablesReference"] for one in scopes if one["name"] == name))

    def say(self, text: str) -> str:
        return str(self.get("evaluate", expression=text, context="repl")["result"])

    def _hear(self, message: dict[str, Any]) -> None:
        told = json.loads(json.dumps({"seq": 1, **message}, default=str))
        name = message.get("event") or message["command"]
        if message["type"] == "response" and not message["success"]:
            kind = "ErrorResponse"
        else:
            kind = str(message["type"]).capitalize()
        definition = kind if kind == "ErrorResponse" else f"{name[0].upper()}{name[1:]}{kind}"
        validator(definition).validate(told)
        with self._heard:
            self._sent.append(told)
            self.everything.append(told)
            self._heard.notify_all()


@cache
def validator(definition: str) -> Any:
    schema = {"$ref": f"#/definitions/{definition}", "definitions": protocol()["definitions"]}
    return jsonschema.Draft4Validator(schema)


@cache
def protocol() -> dict[str, Any]:
    """The protocol's JSON schema, as debugpy has it."""
    found = importlib.util.find_spec("debugpy")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "_vendored" / "pydevd" / "_pydevd_bundle" / "_debug_adapter"
    schema: dict[str, Any] = json.loads((folder / "debugProtocol.json").read_text("utf-8"))
    return schema


@pytest.fixture(scope="package", params=["sqlite", "postgres"])
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One running server on each store for all that is debugged here; a test uses an `environment` of its own."""
    url = request.getfixturevalue("postgres").create_database() if request.param == "postgres" else None
    server = ServerProcess(data_dir=tmp_path_factory.mktemp("debugged") / "data", database_url=url)
    server.start()
    yield server
    server.close()


@pytest.fixture
def http(shared_server: ServerProcess, environment: str) -> Iterator[httpx.Client]:
    headers = {"X-Ironflow-Environment-ID": environment}
    with httpx.Client(base_url=shared_server.url, headers=headers, timeout=30, verify=False) as client:
        yield client


@pytest.fixture
def failed(http: httpx.Client) -> str:
    """A run whose second step failed twice, for good the second time."""
    return failed_run(http)


def failed_run(http: httpx.Client) -> str:
    worker = Puller(http)
    worker.register_function()
    worker.register()
    run_id = emit(http, {"order": {"id": 7, "lines": [1, 2, 3]}})
    for attempt in (1, 2):
        job = worker.job()
        boom = {"message": f"declined {attempt}", "code": "E", "retryable": attempt == 1}
        steps = [step(job, "fetch", {"amount": 99, "note": "x" * 200})] if attempt == 1 else []
        steps.append({**step(job, "charge"), "status": "failed", "error": boom})
        worker.report(job, "failed", steps=steps, step_offset=0, error=boom)
    run(http, run_id, wait=10)
    return run_id


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(shared_server.url, environment=environment) as made:
        yield made


@pytest.fixture
def editor(client: Client, failed: str) -> Editor:
    """Attached to the failed run on a server, at its beginning."""
    made = Editor(lambda arguments: Place(ServerSource(client), ServerChanges(client), arguments["runId"]))
    made.attach(runId=failed)
    return made


@pytest.fixture(scope="module")
def exported(shared_server: ServerProcess) -> Bundle:
    """Such a run in a bundle, for all tests of a file."""
    name = f"exported-{uuid.uuid4().hex[:8]}"
    with httpx.Client(base_url=shared_server.url, headers={"X-Ironflow-Environment-ID": name}, timeout=30) as http:
        run_id = failed_run(http)
    with Client(shared_server.url, environment=name) as client:
        return Bundle(client.runs.export(run_id))


@pytest.fixture
def offline(exported: Bundle) -> Editor:
    """Attached to it, at its beginning."""
    made = Editor(lambda arguments: Place(BundleSource(exported), None, exported.run_id))
    made.attach()
    return made
