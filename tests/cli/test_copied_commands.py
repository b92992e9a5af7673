"""The commands that the dashboard offers to copy are ours: their words, arguments and options."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from app.cli.main import ironflow

SOURCE = Path(__file__).parents[2] / "static" / "src" / "model" / "command.ts"
COMMANDS = re.findall(r'"(?:POST|PUT|PATCH|DELETE) [^"]+",\s+"([^"]+)"', SOURCE.read_text())


@pytest.mark.parametrize("template", COMMANDS)
def test_a_copied_command_is_one_of_ours(template: str) -> None:
    words = re.sub(r"[\[\]]", " ", re.sub(r"(--\w+)\{\w+\}", r"\1", template)).split()
    command: click.Command | None = ironflow
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None, template

    options = {name: one for one in command.params if isinstance(one, click.Option) for name in one.opts}
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    given = 0
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            given += 1
            continue
        assert word in options, f"{template}: there is no {word}"
        if not options[word].is_flag:
            words.pop(0)

    required = sum(one.required for one in arguments)
    assert required <= given <= len(arguments), template


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 50
