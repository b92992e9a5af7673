"""What people give to commands: text, files, standard input, durations; and their word that something may be
destroyed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from app.cli.output import Output


class Duration(click.ParamType[str]):
    """Text such as `30s`, handed on as it is once it is one."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ironflow.durations import seconds

        try:
            seconds(value)
        except ValueError:
            self.fail(f"{value!r} is not a duration: write 500ms, 30s, 5m, 2h or 7d", param, ctx)
        return value


DURATION = Duration()


def raw(text: str) -> bytes:
    """The text itself, the content of @FILE, or for - what comes on standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            raise click.UsageError(f"{text[1:]} cannot be read: {error.strerror}") from None
    return text.encode("utf-8", "surrogateescape")


def secret_of(source: str | None) -> str:
    """A secret's value: asked for, or the content of @FILE or of standard input, without one newline at its end. It is
    never an argument, since arguments can be seen by others and stay in the shell's history."""
    if source is None and sys.stdin.isatty():
        return str(click.prompt("Value", hide_input=True, err=True))
    if source is not None and source != "-" and not source.startswith("@"):
        raise click.UsageError("A value is not given as an argument: leave it out to be asked, or give @FILE or -.")
    try:
        text = raw(source or "-").decode()
    except UnicodeDecodeError:
        raise click.UsageError("The value is not UTF-8 text; encode it, as base64 say.") from None
    return text.removesuffix("\n").removesuffix("\r")


def data_of(text: str | None) -> Any:
    """The value of a --data option, given as `raw` says; none is null. Raises InvalidArgument for what is no JSON."""
    from ironflow.errors import InvalidArgument

    if text is None:
        return None
    try:
        return json.loads(raw(text))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"the data is not JSON: {error}", code="INVALID_ARGUMENT", hint="-d '{\"id\": 1}'"
        ) from None


def document(text: str, *, what: str = "the document") -> dict[str, Any]:
    """A JSON object, given as `raw` says. Raises InvalidArgument that says `what` is none."""
    from ironflow.errors import InvalidArgument

    hint = "such as '{\"limit\": 10}', or @FILE"
    try:
        content = json.loads(raw(text))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{what} is not JSON: {error}", code="INVALID_ARGUMENT", hint=hint) from None
    if not isinstance(content, dict):
        raise InvalidArgument(f"{what} is not a JSON object", code="INVALID_ARGUMENT", hint=hint)
    return content


def confirm(output: Output, name: str, consequence: str, *, yes: bool) -> None:
    """Returns once the name was typed, or with `yes`. Never waits where nobody can type."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{consequence} Add --yes to do it without being asked.")
    output.note(consequence)
    if click.prompt("Type its name to go on", err=True) != name:
        raise click.Abort


yes_option = click.option("--yes", "-y", is_flag=True, help="Do it without being asked.")
