"""The pages below docs/reference, made of the code's own tables: `python -m tests.support.reference` writes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click

from app import metrics, settings_file
from app.access import clauses, permissions
from app.api.answers import error_of
from app.cli.main import COMMANDS, ironflow
from app.debugger import breakpoints as debugger
from app.debugger.tui import keymap, keys
from app.errors import IronflowError
from app.events import subscriptions
from app.expressions import TEXT_CHARS_MAX
from app.projections import rules
from app.runs import holding, limits
from app.settings import SETTINGS, Settings
from storage.contract import StorageConflict, StorageError, StorageUnavailable
from tests.support import doors

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
MADE = "<!-- Made by `make docs` from the code's tables: do not edit. -->"
GLOBAL_OPTIONS = frozenset(("--help", "--verbose", "--color", "--json", "--output", "--env", "--server"))
"""What nearly every command has: told once."""

OF_THE_STORE = (StorageError, StorageUnavailable, StorageConflict)
"""Errors of the store that callers are told by the store's own code."""

_FLAGS = frozenset(setting.flag for setting in SETTINGS if not setting.secret)
_CONVERTER = re.compile(r":[^}]*}")

VARIABLES = (
    (
        "server",
        (
            (
                "IRONFLOW_MASTER_KEY",
                "The master key, instead of a file: 64 hexadecimal digits ([how it is changed](../guides/values.md)).",
            ),
            (
                "IRONFLOW_CACHE_DIR",
                "Where the executable unpacks itself to, instead of the first of [these places](../how-to/install.md).",
            ),
        ),
    ),
    (
        "command line, workers and clients",
        (
            (
                "IRONFLOW_SERVER_URL",
                "The server; else the one whose `.ironflow` is found, else `http://127.0.0.1:9123`.",
            ),
            ("IRONFLOW_GRPC_ADDRESS", "Its gRPC address, for workers; else it is asked for it."),
            (
                "IRONFLOW_API_KEY",
                "The key to send; else the one that is found beside the server's data, or by `login`.",
            ),
            ("IRONFLOW_ENV", "The environment; else `default`."),
            ("IRONFLOW_DATA_DIR", "Where to look for a server on this machine, instead of `.ironflow` here and above."),
            ("IRONFLOW_NO_DISCOVERY", "`1`: do not look for one."),
            (
                "IRONFLOW_SIGNING_KEY",
                "Key that requests to push endpoints have to be signed with, as `serve` reads it.",
            ),
            ("IRONFLOW_EXECUTABLE", "The server that `ironflow_server` of `ironflow.testing` starts."),
        ),
    ),
)
"""What else is read from the environment, by whom. tests/unit/test_reference.py knows when one is missing."""

CEL = (
    ("trigger `expression`, `filter` of an option", limits.VARIABLES),
    ("`key`, `priority`, `idempotency` of a function's options", limits.VARIABLES),
    ("`match` of `step.wait_for_event` and of `cancel_on`", limits.VARIABLES),
    ("`filter` of a subscription or consumer group", subscriptions.VARIABLES),
    ("`condition` of a breakpoint", holding.VARIABLES),
    ("conditions and watches in the editor (DAP)", debugger.VARIABLES),
    ("rules of a declared projection", rules.VARIABLES),
    ("`condition` of a policy", clauses.VARIABLES),
)


def pages() -> Mapping[str, str]:
    """The text of each page, by its name."""
    makers: Mapping[str, Callable[[], Iterator[str]]] = {
        "cli.md": _cli,
        "rest.md": _rest,
        "rpc.md": _rpc,
        "errors.md": _errors,
        "settings.md": _settings,
        "permissions.md": _permissions,
        "cel.md": _cel,
        "keys.md": _keys,
        "metrics.md": _metrics,
    }
    return {name: f"{MADE}\n\n" + "\n".join(make()) + "\n" for name, make in makers.items()}


def _keys() -> Iterator[str]:
    yield "# Keys of the debugger in the terminal\n"
    yield "What the keys of [`ironflow inspect`](../guides/inspect.md) do, and their names in `keys.toml`."
    yield "Where a preset has nothing of its own, it is as in `vim`.\n"
    names = [name for name in keymap.PRESETS if name != "vim"]
    yield f"| name | `vim` | {' | '.join(f'`{name}`' for name in names)} | |\n|---|---|{'---|' * len(names)}---|"
    for key in keys.KEYS:
        others = [_pressed(keymap.PRESETS[name].get(key.name, "")) for name in names]
        yield f"| `{key.name}` | {_pressed(key.keys)} | {' | '.join(others)} | {key.text} |"


def _pressed(listed: str) -> str:
    return " ".join(f"`{keys.sign(one)}`" for one in listed.split(",") if one)


def _cli() -> Iterator[str]:
    yield "# Command line\n"
    yield f"`ironflow COMMAND`. {_codes()}\n"
    yield "Commands that ask a server also take:\n"
    asking = next(one for name, one in _commands("run", ironflow) if name == "run list")
    yield from map(_option, (one for one in _options(asking) if _is_shared(one)))
    for name, about in COMMANDS.items():
        yield f"\n## {name}\n\n{_cell(about)}"
        for path, command in _commands(name, ironflow):
            if isinstance(command, click.Group):
                continue
            context = click.Context(command)
            given = [one.make_metavar(context) for one in command.params if not isinstance(one, click.Option)]
            told = " ".join((command.help or about).split())
            yield f"\n**`{' '.join(['ironflow', path, *given])}`** {told}\n"
            own = [one for one in _options(command) if not _is_shared(one)]
            has_all = {one.opts[0] for one in own} >= _FLAGS
            yield from map(_option, (one for one in own if not has_all or one.opts[0] not in _FLAGS))
            if has_all:
                yield "- the flags of [the settings](settings.md)"


def _codes() -> str:
    """The exit codes, as the module of the command line says them."""
    from app.cli import main

    return _cell((main.__doc__ or "").partition("\n\n")[2])


def _commands(name: str, parent: click.Group) -> Iterator[tuple[str, click.Command]]:
    """The command, and those below it, each with its path."""
    command = parent.get_command(click.Context(parent), name)
    assert command is not None, name
    yield name, command
    if isinstance(command, click.Group):
        for child in command.list_commands(click.Context(command)):
            yield from ((f"{name} {path}", one) for path, one in _commands(child, command))


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _is_shared(option: click.Option) -> bool:
    return not GLOBAL_OPTIONS.isdisjoint(option.opts)


def _option(option: click.Option) -> str:
    told = option.get_help_record(click.Context(click.Command("ironflow")))
    assert told is not None, option.opts
    return f"- `{told[0]}` {' '.join(told[1].split())}".rstrip()


def _rest() -> Iterator[str]:
    yield "# REST\n"
    yield """\
Every operation, with the permission that its caller needs. Parameters, bodies and answers, with their types
and examples, are in the server's own OpenAPI document: `GET /api/v1/openapi.json`. Errors:
[errors](errors.md); permissions: [permissions and roles](permissions.md)."""
    asked = sorted(doors.operations(), key=lambda one: _noun(one.template))  # stable: as the tables have them
    for noun, operations in groupby(asked, key=lambda one: _noun(one.template)):
        yield f"\n## {noun}\n"
        rows = [
            (
                f"`{one.method} {_CONVERTER.sub('}', one.template)}`",
                _cell(one.operation.summary),
                f"`{one.operation.permission}`" if one.operation.permission else "open",
            )
            for one in operations
        ]
        yield from _table(("operation", "", "permission"), rows)


def _noun(template: str) -> str:
    words = [word for word in template.removeprefix("/api/v1").split("/") if word and not word.startswith("{")]
    return words[0] if template.startswith("/api/v1/") else "outside of /api/v1"


def _rpc() -> Iterator[str]:
    yield "# Connect and gRPC\n"
    yield """\
Every method of `ironflow.v1`, with the permission that its caller needs: `POST /ironflow.v1.SERVICE/METHOD`
on the HTTP port (Connect, JSON or binary), and gRPC on its own port. Messages are in
[`proto/ironflow/v1`](../../proto/ironflow/v1). `STREAM` marks methods that stream."""
    called = sorted(doors.calls(), key=lambda call: call.service)
    for service, calls in groupby(called, key=lambda call: call.service):
        yield f"\n## {service}\n"
        rows = [
            (f"`{call.method}`", f"`{call.permission}`" if call.permission else "open", "STREAM" * call.streams)
            for call in calls
        ]
        yield from _table(("method", "permission", ""), rows)


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield """\
REST answers `{"error", "code", "hint", "field", "retryable"}`: what happened with the values, the stable
code, what to do next, and, where they apply, the field that is wrong and that the same may succeed later.
The hint tells of the case at hand. Connect has `ironflowCode` and `hint` beside its own code; gRPC has
`ironflow-code` and `ironflow-hint` in the trailing metadata.
"""
    told: dict[str, tuple[IronflowError | type[IronflowError], str]] = {
        one.code: (one, inspect.getdoc(one) or "") for one in _kinds(IronflowError)
    }
    told |= {one.code: (error_of(one()), inspect.getdoc(one) or "") for one in OF_THE_STORE}
    rows = [
        (f"`{code}`", str(one.status), f"`{one.connect}`", "yes" * one.retryable, _cell(about))
        for code, (one, about) in sorted(told.items(), key=lambda item: (item[1][0].status, item[0]))
    ]
    yield from _table(("code", "HTTP", "Connect, gRPC", "retryable", "means"), rows)


def _kinds(kind: type[IronflowError]) -> Iterator[type[IronflowError]]:
    """What the server can answer. The first of a code is what it is named for."""
    for child in kind.__subclasses__():
        if child.__module__.startswith("app."):
            yield from _kinds(child)
            yield child


def _settings() -> Iterator[str]:
    yield "# Settings of the server\n"
    yield """\
A flag of `ironflow serve` counts before an environment variable, that before the YAML file of `--file` (below
`spec`), that before the default. `ironflow validate FILE` checks a file, line by line.
"""
    rows = []
    for setting in SETTINGS:
        default = getattr(Settings(), setting.name)
        shown = "off" if default is False else f"`{default}`" if default != "" else ""
        flag = "" if setting.secret else f"`{setting.flag}`"
        choices = f" One of {', '.join(setting.choices)}." if setting.choices and "auto" not in setting.help else ""
        rows.append((flag, f"`{setting.variable}`", f"`{setting.path}`", shown, _cell(setting.help) + choices))
    yield from _table(("flag", "variable", "YAML", "default", ""), rows)
    yield f"""
A file of the kind `Platform` also has `{settings_file.ORGANIZATIONS}`
([how](../how-to/install.md#settings)). `${{NAME}}` and `${{NAME:-default}}` in values stand for variables
of the environment."""
    for who, variables in VARIABLES:
        yield f"\n## Other variables: {who}\n"
        yield from _table(("variable", ""), [(f"`{name}`", text) for name, text in variables])


def _permissions() -> Iterator[str]:
    yield "# Permissions and roles\n"
    yield """\
A caller needs the permission that an operation names ([REST](rest.md), [RPC](rpc.md)). `self` is what
whoever is known may do. A key that is bound to an environment never has those marked `org`: they reach
beyond it. See [access](../guides/access.md).
"""
    roles = list(permissions.SYSTEM_ROLES)
    rows = []
    for name in sorted(permissions.KNOWN, key=lambda name: (name.startswith("platform:"), name)):
        reach = "org" if name in permissions.OF_THE_ORGANIZATION else ""
        rows.append((f"`{name}`", *("✓" * (name in permissions.SYSTEM_ROLES[role]) for role in roles), reach))
    yield from _table(("permission", *roles, "reach"), rows)


def _cel() -> Iterator[str]:
    yield "# CEL: where, and with which variables\n"
    yield f"""\
Expressions are [CEL](https://cel.dev), at most {TEXT_CHARS_MAX:,} characters, within a budget
([why](../decisions/0006-an-expression-has-a-budget.md)). A variable that is not known at a place is refused
when the expression is given. Try one: `ironflow cel eval`.
"""
    yield from _table(
        ("place", "variables"), [(place, ", ".join(f"`{one}`" for one in sorted(known))) for place, known in CEL]
    )


def _metrics() -> Iterator[str]:
    yield "# Metrics\n"
    yield """\
`GET /metrics` answers in the Prometheus text format, without a key: it counts, and names nobody. All of it is
of the one node that is asked, since its start or of now; what is of the whole store can be read at any node.
A histogram has `_bucket`, `_sum` and `_count`. What to do about them: [the runbook](../how-to/runbook.md).
"""
    rows = [
        (f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), _cell(one.text))
        for one in metrics.TABLE
    ]
    yield from _table(("metric", "kind", "labels", ""), rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield re.sub(r"  +\|", " |", f"| {' | '.join(row)} |")


def _cell(text: str) -> str:
    """In one line, fit for a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page, text in pages().items():
        (FOLDER / page).write_text(text, "utf-8")
