"""`ironflow`: the commands, what holds for all of them, and how errors are shown.

Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 not allowed · 5 conflict · 6 server unreachable · 7 timeout ·
8 a run failed · 9 a run was cancelled · 10 invalid data · 70 a bug · 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from typing import Any

import click

from app.cli.output import Output
from app.resources import VERSION

COMMANDS = {
    "serve": "Start the server.",
    "demo": "Fill the server with runs worth looking at.",
    "validate": "Check a settings file, line by line.",
    "emit": "Send events.",
    "run": "List, read, wait for, cancel and resume runs.",
    "bulk": "Do one thing to many runs, as a job of the server.",
    "failures": "What fails, by its cause; what helped before.",
    "search": "Find anything by id, text or nearness.",
    "event": "List and read events.",
    "subscribe": "Follow events as they happen.",
    "tail": "Show the last things that happened, and go on.",
    "topic": "Publish to topics; list and count their messages.",
    "stream": "Read and append to entity streams.",
    "schema": "Register and enforce schemas of events.",
    "projection": "Read, steer and rebuild projections.",
    "check": "Replay recorded runs against changed code.",
    "function": "List, compare, roll back, pause and resume functions.",
    "group": "Create, follow, change and reset consumer groups.",
    "dlq": "List, requeue and discard what groups could not deliver.",
    "outbox": "Show what NATS does not have yet, and why.",
    "nats": "Print how other programs connect to NATS.",
    "kv": "Read and write key-values; see their history; follow them.",
    "config": "Read and change configuration documents; compare and restore them.",
    "secret": "Set, list and delete secrets.",
    "webhook": "Receive webhooks: sources, their secrets, deliveries.",
    "policy": "Deny by rules: check, try, explain, apply and roll back policies.",
    "audit": "What happened and what was decided, by whom; export it.",
    "redact": "Remove the payloads of an event, a step or a run for good.",
    "cel": "Evaluate CEL expressions.",
    "worker": "List connected workers.",
    "node": "List the nodes that serve the store.",
    "breaker": "List and reset circuit breakers of push endpoints.",
    "breakpoint": "Hold runs before or after steps.",
    "login": "Sign in to a server, or print a link that signs somebody in.",
    "logout": "Sign out again.",
    "whoami": "Show who you are to the server, and what you may.",
    "apikey": "Make, list, rotate and revoke API keys.",
    "user": "Make, list, change and delete users.",
    "role": "List, make, change and delete roles.",
    "org": "List, make, provision and delete organizations.",
    "project": "List, make and delete projects.",
    "env": "List, make and delete environments.",
    "platform": "Look after all organizations: who may, and what counts everywhere.",
    "history": "Look through history, verify it, or show where it ends.",
    "sql": "Ask history, events, runs and the rest with SQL, read-only.",
    "why": "What caused something, back to where it began.",
    "inspect": "Step through recorded runs in the terminal.",
    "dap": "Step through recorded runs in an editor.",
    "rebuild": "Make the derived tables anew from history, or check them.",
    "backup": "Back the store up to a file, while the server runs.",
    "restore": "Restore a backup into an empty store, and verify it.",
    "migrate": "Bring the database's schema up to date.",
    "ready": "Say by the exit code whether the server is ready.",
    "doctor": "Find out what is wrong, and how to mend it.",
    "diagnostics": "Keep what the server tells of itself, for whoever helps.",
    "completions": "Print what bash, zsh or fish needs to complete commands.",
    "version": "Print the version.",
    "licenses": "Print the licences of what is inside the executable.",
}


_BYTES = re.compile(r"[\udc80-\udcff]")
"""What stands in an argument for bytes that are no UTF-8 (PEP 383)."""
_ID = re.compile(r"(?:run|evt)_[0-9a-z]{4,}|[0-9a-f]{16}")


class Commands(click.Group):
    """Loads a command's module only when it is called; the list above is enough for help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"app.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            if _ID.fullmatch(args[0]):  # what is it?
                return "search", self.get_command(ctx, "search"), args
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, "-V", "--version", message="ironflow %(version)s")
def ironflow() -> None:
    """Ironflow: one continuous history of events, durable runs and state."""


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = ironflow(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has what it wanted
        code = 0
    except Exception as error:  # noqa: BLE001 - the last place: every error is explained here
        code = _refuse_bytes(error) or _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _refuse_bytes(error: BaseException | None) -> int:
    """2 after saying which argument is not UTF-8, if one is and that is why there was an error; else 0. Files may have
    such names, and values of keys such bytes, so it is no fault before somebody needs text."""
    while error is not None and not (isinstance(error, UnicodeEncodeError) and _BYTES.search(error.object)):
        error = error.__cause__ or error.__context__
    given = [(f"argument {at}", one) for at, one in enumerate(sys.argv[1:], start=1)]
    given.append(("IRONFLOW_ENV", os.environ.get("IRONFLOW_ENV", "")))
    what, text = next(((what, one) for what, one in given if _BYTES.search(one)), ("", ""))
    if error is None or not what:
        return 0
    shown = ascii(os.fsencode(text))[1:]
    Output.of_environment().error(
        f"{what} is not UTF-8: {shown}", code="NOT_UTF8", hint="is the terminal set to UTF-8?"
    )
    return 2


def _explain(error: Exception) -> int:
    """Say what went wrong, why, and what to try; the exit code."""
    from app.settings import SettingsError
    from ironflow import errors

    output = Output.of_environment()
    if isinstance(error, errors.IronflowError):
        output.error(error.message, code=error.code, hint=error.hint)
        codes: tuple[tuple[type[Exception], int], ...] = (
            (errors.NotFound, 3),
            (errors.Unauthenticated, 4),
            (errors.PermissionDenied, 4),
            (errors.Conflict, 5),
            (errors.ServerUnavailable, 6),
            (errors.Timeout, 7),
            (errors.InvalidArgument, 10),
            (errors.PayloadTooLarge, 10),
        )
        return next((code for kind, code in codes if isinstance(error, kind)), 1)
    if isinstance(error, SettingsError):
        output.error(str(error), code="BAD_SETTING", hint=error.hint)
        return 2
    hint = getattr(error, "hint", "")
    if hint:  # errors of ours that carry a next step: storage, data directory in use, missing resources
        output.error(str(error), code=str(getattr(error, "code", "FAILED")), hint=str(hint))
        return 1
    if isinstance(error, OSError) and error.filename:
        output.error(f"{error.filename}: {error.strerror}", code="FILE_UNUSABLE", hint="give another path, or mend it")
        return 1
    if "-v" in sys.argv or "--verbose" in sys.argv:
        raise error
    output.error(
        f"{type(error).__name__}: {error}", code="BUG", hint="run it again with -v for the details, and report them"
    )
    return 70
