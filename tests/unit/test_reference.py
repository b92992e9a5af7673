"""The reference is what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from app import resources
from app.cli.main import ironflow
from app.errors import IronflowError
from tests.support import doors
from tests.support.reference import FOLDER, pages

PAGES = pages()
COMMANDS = re.compile(
    r"`(ironflow [a-z][^`\n]*)`|^ *(?:\$ )?(?:\.venv/bin/)?(ironflow [a-z].*?)(?:  +#.*)?$", re.MULTILINE
)
WRITTEN = [
    file
    for pattern in resources.DOCUMENTATION
    for file in resources.root().glob(pattern)
    if file.suffix == ".md" and file.parent != FOLDER and file.name != "CHANGELOG.md"
]
"""Pages by people, of what is now."""


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_reference_is_stale(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")

    assert written == PAGES[name], f"docs/reference/{name} is stale: make docs"


def test_there_is_no_page_that_nothing_makes() -> None:
    assert {page.name for page in FOLDER.iterdir()} == set(PAGES)


def test_every_operation_call_and_error_is_told() -> None:
    for asked in doors.operations():
        assert asked.operation.summary in PAGES["rest.md"]
    for call in doors.calls():
        assert f"| `{call.method}` |" in PAGES["rpc.md"]
    for kind in IronflowError.__subclasses__():
        assert kind.code in PAGES["errors.md"] or not kind.__module__.startswith("app.")


def test_every_option_says_what_it_is() -> None:
    silent = [line for line in PAGES["cli.md"].splitlines() if re.fullmatch(r"- `-[^`]*`( \[[^\]]*\])?", line)]

    assert silent == []


def test_every_variable_that_is_read_is_told() -> None:
    read = re.compile(r'''(?:env(?:iron)?(?:\.get\(|\[)|\bVARIABLE = |places\[] = \{\{)"(IRONFLOW_\w+)"''')
    sources = [
        file for folder in ("app", "sdk", "storage", "packaging") for file in (resources.root() / folder).rglob("*.*")
    ]
    found = {name for file in sources if file.suffix in (".py", ".c") for name in read.findall(file.read_text("utf-8"))}

    assert len(found) >= 8
    assert {name for name in found if f"`{name}`" not in PAGES["settings.md"]} == set()


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(resources.root()).as_posix())
def test_the_commands_and_options_that_a_page_names_exist(page: Path) -> None:
    for inline, line in COMMANDS.findall(page.read_text("utf-8")):
        words = re.split(r" [|#>&]|\$\(", inline or line)[0].split()[1:]
        command: Any = ironflow
        if words[0].endswith("…"):
            continue  # an id: whatever has it is shown
        while words and isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words[0])
            assert found is not None, inline or line
            command, words = found, words[1:]
        known = {
            "--help",
            *(one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)),
        }
        assert {word.partition("=")[0].rstrip(",.;)") for word in words if word.startswith("--")} <= known, (
            inline or line
        )
