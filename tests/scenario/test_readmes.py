"""The READMEs, of the project and of its examples, and the tutorials: their commands are run, in order, and print what
is written there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from ironflow import Client
from tests.support.ports import free_port
from tests.support.readme import ROOT, Terminals, blocks, commands, listens, wait_until
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow

README = ROOT / "README.md"
TRIAGE = ROOT / "examples" / "github_triage"
SERVE = "make serve"
IRONFLOW = ".venv/bin/ironflow"


def open_terminals(terminals: Terminals, text: str, port: int) -> None:
    """Start what a `sh` block says, in place of what the last one said; it is at work when this returns."""
    terminals.kill9()
    for command in text.splitlines():
        if command == SERVE:
            continue  # it runs already
        terminals.start(command)
        if "8000" in command:
            wait_until(lambda: listens(port), f"{command} never listened")
        elif not command.endswith(" follow"):
            wait_until(lambda: registered(terminals.client), f"{command} never registered")


def registered(client: Client) -> bool:
    return bool(client.functions.list() or client.projections.list())


def test_the_five_minute_tour_runs_as_the_readme_says(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """As for a newcomer: one directory, a server that asks for the key that it put there, and nothing else set."""
    checkout = tmp_path / "checkout"
    shutil.copytree(TRIAGE, checkout / "examples" / TRIAGE.name)
    server = start_server(data_dir=checkout / ".ironflow", guarded=True)
    terminals = Terminals(server, tmp_path / "terminals.log", replaced={}, environment={}, folder=checkout, told=False)

    ran = []
    try:
        for language, text in blocks(README):
            if language == "sh":
                open_terminals(terminals, text, 0)
            elif language == "console":
                for command, expected in commands(text):
                    if command.startswith("kill -9"):
                        kill(command, terminals, server)
                    else:
                        terminals.check(command, expected)
                    ran.append(command.split()[0])
    finally:
        terminals.kill9()

    assert ran == [IRONFLOW, "kill", IRONFLOW, IRONFLOW, IRONFLOW, "sort"]


def kill(command: str, terminals: Terminals, server: ServerProcess) -> None:
    """Run it, for these processes only of those that it would find; the server is started again."""
    (worker,) = terminals.pids
    for pattern, pid in (("github_triage/worker.py", worker), ("'ironflow serve'", server.pid)):
        terminals.replace(f"$(pgrep -f {pattern})", str(pid))
    terminals.check(command, "")
    assert server.died(10)
    server.restart()


def test_what_the_readme_shows_of_the_tours_code_is_what_runs() -> None:
    (shown,) = (text for language, text in blocks(README) if language == "python")

    assert shown in (TRIAGE / "worker.py").read_text("utf-8")


def test_the_order_saga_runs_as_its_readme_says(start_server: Callable[..., ServerProcess], tmp_path: Path) -> None:
    files = {"ORDERS_LEDGER": tmp_path / "ledger.ndjson"}
    assert run_readme("order_saga", start_server(), tmp_path, files) == 13


def test_the_nightly_report_runs_as_its_readme_says(start_server: Callable[..., ServerProcess], tmp_path: Path) -> None:
    files = {"REPORT_SALES": tmp_path / "sales", "REPORT_FILE": tmp_path / "report.json"}
    assert run_readme("nightly_report", start_server(), tmp_path, files) == 8


def test_the_github_board_runs_as_its_readme_says(start_server: Callable[..., ServerProcess], tmp_path: Path) -> None:
    assert run_readme("github_board", start_server(), tmp_path, {}) == 9


def test_the_cqrs_shop_runs_as_its_readme_says(start_server: Callable[..., ServerProcess], tmp_path: Path) -> None:
    cookies = {"shop.cookies": tmp_path / "shop.cookies"}
    assert run_readme("cqrs_shop", start_server(), tmp_path, {}, elsewhere=cookies) == 5


def test_live_orders_run_as_their_readme_says(
    start_server: Callable[..., ServerProcess], tmp_path: Path, database_url: str | None
) -> None:
    ticker = {"ticker.log": tmp_path / "ticker.log"}
    files = {"LIVE_ORDERS_TICKER": tmp_path / "ticker.log"}
    server = start_server(database_url=database_url)
    assert run_readme("live_orders", server, tmp_path, files, elsewhere=ticker) == 11


def test_the_tutorial_of_rewind_runs_as_it_says(
    start_server: Callable[..., ServerProcess], tmp_path: Path, database_url: str | None
) -> None:
    """Its example is mended on the way, so it works on a copy."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "examples" / "broken_order", copy / "examples" / "broken_order")
    terminals = Terminals(
        start_server(database_url=database_url), tmp_path / "terminals.log", replaced={}, environment={}, folder=copy
    )

    assert run_page(ROOT / "docs" / "tutorials" / "rewind.md", terminals) == 22


def run_readme(
    example: str,
    server: ServerProcess,
    folder: Path,
    files: Mapping[str, Path],
    *,
    elsewhere: Mapping[str, Path] = MappingProxyType({}),
) -> int:
    """Returns how many commands printed what is written. `files` has the example write elsewhere, `elsewhere` the
    commands."""
    port = free_port()
    terminals = Terminals(
        server,
        folder / "terminals.log",
        replaced={
            "8000": str(port),
            "cat report.json": f"cat {folder}/report.json",
            **{name: str(file) for name, file in elsewhere.items()},
        },
        environment={name: str(file) for name, file in files.items()},
    )
    return run_page(ROOT / "examples" / example / "README.md", terminals, port)


def run_page(page: Path, terminals: Terminals, port: int = 0) -> int:
    """Returns how many commands printed what is written."""
    ran = 0
    try:
        for language, text in blocks(page):
            if language == "sh":
                open_terminals(terminals, text, port)
                continue
            for command, expected in commands(text):
                terminals.check(command, expected)
                terminals.settle()
                ran += 1
    finally:
        terminals.kill9()
    return ran
