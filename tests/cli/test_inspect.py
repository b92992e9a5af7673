"""`ironflow inspect` where there is no screen: what people and programs are told, word for word."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import httpx
import pytest

from app.cli import inspect
from tests.support import forked
from tests.support.puller import Puller, emit, run, step
from tests.support.server import ServerProcess

Ironflow = Callable[..., subprocess.CompletedProcess[str]]

FAILED = """\
Run       RUN
Function  greet (version 1)
Status    ✕ failed
Attempt   2 of 3
As of     position 8, record 8 of 8

POSITION  STATUS       STEP    ATTEMPT  DURATION  NOTE
       3  ✓ completed  fetch         1      5 ms
       4  ✕ failed     charge        1      5 ms  E: declined 1
       7  ✕ failed     charge        2      5 ms  E: declined 2

ERROR  E: declined 2

Next: ironflow inspect RUN --at 7
Next: ironflow why RUN --step charge
Next: ironflow run patch RUN charge -d JSON --plan
Next: ironflow run resume RUN --reason "…"
"""

EARLIER = """\
Run       RUN
Function  greet (version 1)
Status    ▸ running
Attempt   1 of 3
As of     position 3, record 3 of 8, 5 later

POSITION  STATUS       STEP   ATTEMPT  DURATION  NOTE
       3  ✓ completed  fetch        1      5 ms

Next: ironflow inspect RUN --at 1
Next: ironflow inspect RUN
Next: ironflow run fork RUN --at 3 --reason "…"
"""


@pytest.fixture
def told(server: ServerProcess, environment: str) -> dict[str, str]:
    told = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_ENV": environment, "PYTHONIOENCODING": "utf-8"}
    told.pop("CI", None)
    return told


@pytest.fixture
def ironflow(told: dict[str, str], tmp_path: Path) -> Ironflow:
    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return forked.run(arguments, env={**told, **environment}, cwd=tmp_path)

    return call


@pytest.fixture
def failed(http: httpx.Client) -> str:
    """A run whose second step failed twice, for good the second time."""
    worker = Puller(http)
    worker.register_function()
    worker.register()
    run_id = emit(http, {"order": {"id": 7}})
    for attempt in (1, 2):
        job = worker.job()
        boom = {"message": f"declined {attempt}", "code": "E", "retryable": attempt == 1}
        steps = [step(job, "fetch", {"amount": 99})] if attempt == 1 else []
        steps.append({**step(job, "charge"), "status": "failed", "error": boom})
        worker.report(job, "failed", steps=steps, step_offset=0, error=boom)
    run(http, run_id, wait=10)
    return run_id


def positions(ironflow: Ironflow, run_id: str) -> list[str]:
    return ironflow("run", "timeline", run_id, "-o", "id").stdout.split()


def golden(text: str, run_id: str, places: list[str]) -> str:
    """The text with the run's id and its positions as they would be in a history that has nothing else."""
    numbers = {place: str(number) for number, place in enumerate(places, 1)}

    def replaced(found: re.Match[str]) -> str:
        before, place = found.groups()
        number = numbers.get(place, place)
        return f"{before}{number}" if before.strip() else f"{number:>8}"

    text = re.sub(r"(position |--at |^ *)(\d+)\b", replaced, text, flags=re.MULTILINE)
    return text.replace(run_id, "RUN")


def test_a_failed_run_in_lines(ironflow: Ironflow, failed: str) -> None:
    shown = ironflow("inspect", failed)

    assert golden(shown.stdout, failed, positions(ironflow, failed)) == FAILED
    assert (shown.returncode, shown.stderr) == (0, "")


def test_as_of_a_position_or_a_time(ironflow: Ironflow, failed: str) -> None:
    places = positions(ironflow, failed)

    earlier = ironflow("inspect", failed, "--at", places[2]).stdout

    assert golden(earlier, failed, places) == EARLIER
    assert "record 1 of 8" in ironflow("inspect", failed, "--at", "5m").stdout
    refused = ironflow("inspect", failed, "--at", "soon")
    assert (refused.returncode, "neither a position nor a time" in refused.stderr) == (2, True)


def test_played_it_is_told_a_line_a_record(ironflow: Ironflow, failed: str) -> None:
    places = positions(ironflow, failed)

    played = ironflow("inspect", failed, "--replay", "64").stdout
    refused = ironflow("inspect", "--replay", failed)

    assert [line.split()[0] for line in played.splitlines()] == ["POSITION", *places]
    assert (refused.returncode, "the ID of a run stands before it" in refused.stderr) == (2, True)


def test_compared_it_is_told_what_differs(ironflow: Ironflow, failed: str) -> None:
    places = positions(ironflow, failed)

    since = ironflow("inspect", failed, "--compare", places[2])
    other = json.loads(ironflow("inspect", failed, "--compare", failed, "--json").stdout)
    nothing = ironflow("inspect", failed, "--compare")

    assert "charge" in since.stdout
    assert (other["schema"], other["same"]) == ("ironflow.comparison/v1", True)
    assert (nothing.returncode, "no run of its function completed before" in nothing.stderr) == (2, True)


def test_one_document_or_the_records(ironflow: Ironflow, failed: str) -> None:
    document = json.loads(ironflow("inspect", failed, "--json").stdout)
    records = [json.loads(line) for line in ironflow("inspect", failed, "--jsonl").stdout.splitlines()]

    assert (document["schema"], document["status"], document["behind"]) == ("ironflow.inspect/v1", "failed", 0)
    assert document["error"]["message"] == "declined 2"
    assert [(one["step"], one["attempt"], one["status"]) for one in document["steps"]] == [
        ("fetch", 1, "completed"),
        ("charge", 1, "failed"),
        ("charge", 2, "failed"),
    ]
    assert [str(record["position"]) for record in records] == positions(ironflow, failed)


def test_a_bundle_needs_no_server(ironflow: Ironflow, failed: str) -> None:
    places = positions(ironflow, failed)
    ironflow("run", "export", failed, "--file", "run.zip")

    shown = ironflow("inspect", "--from-file", "run.zip", IRONFLOW_SERVER_URL="http://127.0.0.1:9")

    offline = {"IRONFLOW_SERVER_URL": "http://127.0.0.1:9"}
    since = ironflow("inspect", "--from-file", "run.zip", "--compare", places[0], "--at", places[2], **offline)
    told = json.loads(ironflow("inspect", "--from-file", "run.zip", "--compare", places[0], "--json", **offline).stdout)
    other = ironflow("inspect", "--from-file", "run.zip", "--compare", failed, **offline)

    assert f"To    position {places[2]}" in since.stdout
    assert "+ /fetch" in since.stdout
    assert (told["schema"], told["a"]["position"], told["same"]) == ("ironflow.inspect_diff/v1", int(places[0]), False)
    assert (other.returncode, "a bundle has one run" in other.stderr) == (2, True)
    above, _, _ = golden(shown.stdout, failed, places).partition("\nNext: ")
    assert above == FAILED.partition("\nNext: ")[0]
    assert f"Next: ironflow inspect --from-file run.zip --at {places[6]}\n" in shown.stdout


def test_following_ends_with_the_run(
    ironflow: Ironflow, told: dict[str, str], http: httpx.Client, tmp_path: Path
) -> None:
    worker = Puller(http)
    worker.register_function()
    worker.register()
    run_id = emit(http, {})
    job = worker.job()
    command = [sys.executable, "-m", "app", "inspect", run_id, "--follow", "--plain"]
    with subprocess.Popen(command, env=told, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        head = [next(following.stdout) for _ in range(9)]
        worker.report(job, "progress", steps=[step(job, "fetch", 1)])
        assert next(following.stdout).split()[1:] == ["✓", "completed", "fetch", "1", "5", "ms"]
        worker.report(job, "completed", step_offset=1, output="ok")
        rest = following.stdout.read()
        assert following.wait(timeout=30) == 0

    assert head[6].split() == ["POSITION", "STATUS", "STEP", "ATTEMPT", "DURATION", "NOTE"]
    assert rest.endswith("run completed\n")


class Terminal:
    """A pseudo-terminal that a command has in place of ours."""

    def __init__(self, told: dict[str, str], *arguments: str, term: str, size: tuple[int, int]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        env = {name: value for name, value in told.items() if name not in ("COLUMNS", "LINES")}
        command = [sys.executable, "-m", "app", "inspect", *arguments]
        env |= {"TERM": term, "NO_COLOR": "1"}
        self.process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(timeout=30)
        os.close(self._ours)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def seen(self, until: str = "") -> str:
        """All that was written so far, once it has a text, or has ended."""
        while not until or until.encode() not in self._seen:
            assert select.select([self._ours], [], [], 30)[0], f"nothing more came after {self._seen[-2_000:]!r}"
            try:
                more = os.read(self._ours, 65_536)
            except OSError:  # the other end is closed
                more = b""
            if not more:
                break
            self._seen += more
        return self._seen.decode(errors="replace")


@pytest.mark.parametrize(
    ("term", "size", "arguments"),
    [("dumb", (40, 120), ()), ("xterm", (40, 120), ("--plain",))],
)
def test_a_terminal_that_will_not_do_is_told_in_lines(
    told: dict[str, str], failed: str, term: str, size: tuple[int, int], arguments: tuple[str, ...]
) -> None:
    with Terminal(told, failed, *arguments, term=term, size=size) as terminal:
        text = terminal.seen()
        assert terminal.process.wait(timeout=30) == 0

    assert "\x1b" not in text
    assert "declined 2" in text


def test_a_terminal_that_will_do_has_the_screen_and_is_left_as_it_was(told: dict[str, str], failed: str) -> None:
    with Terminal(told, failed, term="xterm-256color", size=(24, 80)) as terminal:
        terminal.seen("declined 2")
        terminal.press("q")
        text = terminal.seen()
        assert terminal.process.wait(timeout=30) == 0

    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1
    assert "fetch" in text


@pytest.mark.parametrize(
    ("has_screen", "size", "environment", "piped"),
    [
        (True, (60, 16), {}, ""),
        (False, (59, 16), {}, ""),
        (False, (60, 15), {}, ""),
        (False, (120, 40), {"TERM": "dumb"}, ""),
        (False, (120, 40), {"CI": "true"}, ""),
        (False, (120, 40), {}, "stdin"),
        (False, (120, 40), {}, "stdout"),
        (False, (120, 40), {}, "stderr"),
    ],
)
def test_where_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, has_screen: bool, size: tuple[int, int], environment: dict[str, str], piped: str
) -> None:
    with monkeypatch.context() as patched:  # what runs the tests asks for the size of the terminal too
        for name in ("stdin", "stdout", "stderr"):
            patched.setattr(sys, name, SimpleNamespace(isatty=lambda name=name: name != piped))
        patched.setattr(shutil, "get_terminal_size", lambda: os.terminal_size(size))
        for name, value in {"TERM": "xterm", "CI": "", **environment}.items():
            patched.setenv(name, value)
        found = inspect._has_screen()

    assert found is has_screen


def test_what_cannot_be_shown_is_explained(ironflow: Ironflow) -> None:
    nothing = ironflow("inspect")
    missing = ironflow("inspect", "run_00000000000000000000000000")

    assert (nothing.returncode, "@last-failed" in nothing.stderr) == (2, True)
    assert missing.returncode == 3
