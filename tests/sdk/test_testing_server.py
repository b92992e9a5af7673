"""The fixture that starts a real server, as a user's test has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ironflow import Context, Retry, function
from ironflow.errors import InvalidArgument
from ironflow.testing import Server, ironflow_server
from ironflow.testing.server import executable, serving

__all__ = ["ironflow_server"]  # pytest finds it by its name


async def test_a_function_runs_on_the_server_of_the_fixture(ironflow_server: Server) -> None:
    @function("greet", triggers=["user.came"])
    async def greet(ctx: Context) -> str:
        return await ctx.step.run("greet", lambda: f"hello {ctx.event.data['name']}")

    async with ironflow_server.working([greet], environment="of-this-test") as client:
        emitted = await client.emit("user.came", {"name": "you"})
        run = await client.runs.wait(emitted.run_ids[0])

    assert (run["status"], run["output"]) == ("completed", "hello you")


async def test_a_worker_that_the_server_refuses_is_told(ironflow_server: Server) -> None:
    @function("f", retry=Retry(max_attempts=10_000))
    async def f(ctx: Context) -> None: ...

    with pytest.raises(InvalidArgument, match="max_attempts"):
        async with ironflow_server.working([f]):
            pass


def test_the_server_and_its_folder_are_gone_afterwards() -> None:
    with serving("--log-level", "warning") as server:
        assert server.data_dir.exists()
        with server.client() as client:
            assert client.capabilities()

    assert not server.data_dir.exists()


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="no-such-flag"), serving("--no-such-flag"):
        pass


def test_the_executable_is_the_named_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IRONFLOW_EXECUTABLE", "/somewhere/ironflow")
    assert executable() == ["/somewhere/ironflow"]

    monkeypatch.delenv("IRONFLOW_EXECUTABLE")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="IRONFLOW_EXECUTABLE"):
        executable()


def test_the_test_kit_needs_no_pytest_but_for_the_fixture() -> None:
    code = "import sys, ironflow.testing; assert 'pytest' not in sys.modules; ironflow.testing.run_blocking"
    subprocess.run([sys.executable, "-c", code], check=True)
