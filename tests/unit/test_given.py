"""What people give to commands is looked at before anything is asked of a server, and refused with what to write."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from app.cli.given import data_of, document
from app.cli.main import ironflow
from app.cli.subscribe import _object
from ironflow.errors import InvalidArgument
from ironflow.subscriptions import LiveEvent


def run(*arguments: str) -> Any:
    return ironflow.main(list(arguments), standalone_mode=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("kv", "put", "b", "k", "v", "--ttl", "soon"),
        ("kv", "bucket", "create", "b", "--ttl", "1 fortnight"),
        ("group", "create", "g", "order.>", "--ack-wait", "soon"),
        ("group", "update", "g", "--redeliver-delay", "5"),
        ("webhook", "rotate", "s", "--grace", "soon"),
        ("emit", "order.placed", "--delay", "soon"),
        ("emit", "order.placed", "--wait", "--timeout", "soon"),
        ("run", "wait", "run_1", "--timeout", "soon"),
        ("sql", "select 1", "--timeout", "soon"),
        ("breakpoint", "create", "--run", "run_1", "--ttl", "soon"),
    ],
)
def test_what_is_no_duration_is_refused_by_the_option(arguments: tuple[str, ...]) -> None:
    option = [word for word in arguments if word.startswith("--")][-1]

    with pytest.raises(click.BadParameter, match="is not a duration: write 500ms, 30s") as refused:
        run(*arguments)

    assert refused.value.exit_code == 2
    assert refused.value.param is not None
    assert option in refused.value.param.opts


@pytest.mark.parametrize("text", ["@nowhere/to/be/found", "@"])
def test_a_file_that_cannot_be_read_is_a_mistake_of_the_call(text: str) -> None:
    with pytest.raises(click.UsageError, match="cannot be read"):
        data_of(text)


def test_data_are_json_of_the_text_or_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text('{"a": "\u00e9"}', "utf-8")
    (tmp_path / "latin").write_bytes(b'"\xe9"')

    assert data_of(None) is None
    assert data_of("0") == 0
    assert data_of(f"@{tmp_path}/data") == {"a": "\u00e9"}
    for broken in ("{id: 1}", "", f"@{tmp_path}/latin", "[" * 100_000):
        with pytest.raises(InvalidArgument, match="the data is not JSON"):
            data_of(broken)


def test_what_is_no_object_is_told_by_the_option() -> None:
    assert document('{"a": 1}') == {"a": 1}
    with pytest.raises(InvalidArgument, match="--metadata is not a JSON object"):
        document("[1]", what="--metadata")
    with pytest.raises(InvalidArgument, match="--verify is not JSON"):
        document("{bad", what="--verify")


def test_a_beginning_is_said_once() -> None:
    with pytest.raises(click.UsageError, match="Give --last or --from"):
        run("subscribe", "order.>", "--last", "5", "--from", "3")


@pytest.mark.parametrize("data", [0, False, "", None, [], {}])
def test_programs_get_the_data_of_every_event_whatever_they_are(data: Any) -> None:
    event = LiveEvent("evt_1", "order.placed", data, datetime(2026, 1, 31, tzinfo=UTC), {}, topic="events:order.placed")

    told = json.loads(_object(event))

    assert (told["data"], told["position"]) == (data, 0)
    assert "run_id" not in told
