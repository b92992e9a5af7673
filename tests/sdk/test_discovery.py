"""Where the SDK looks for the server, and what it does not believe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironflow import discovery
from ironflow.discovery import Server
from ironflow.errors import InvalidArgument

GOOD = {"version": 1, "url": "http://127.0.0.1:7001", "grpc_address": "127.0.0.1:7002", "environment": "here"}
FOUND = Server("http://127.0.0.1:7001", "127.0.0.1:7002", "", "here")
DEFAULT = Server(discovery.DEFAULT_URL)

Write = Callable[[Any], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the discovery file two directories above the working directory."""
    for name in ("SERVER_URL", "API_KEY", "GRPC_ADDRESS", "ENV", "NO_DISCOVERY", "DATA_DIR"):
        monkeypatch.delenv(f"IRONFLOW_{name}", raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    def write(told: Any) -> None:
        (tmp_path / ".ironflow").mkdir(exist_ok=True)
        text = told if isinstance(told, str) else json.dumps(told)
        (tmp_path / ".ironflow" / "engine.json").write_text(text)

    return write


def test_the_data_directory_that_is_named_counts_instead(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({**GOOD, "environment": "near"})
    (tmp_path / "engine.json").write_text(json.dumps(GOOD))

    monkeypatch.setenv("IRONFLOW_DATA_DIR", str(tmp_path))
    assert discovery.find() == FOUND

    monkeypatch.setenv("IRONFLOW_DATA_DIR", str(tmp_path / "a"))
    assert discovery.find() == DEFAULT, "no server runs over it"


def test_a_file_above_the_working_directory_is_found(write: Write) -> None:
    assert discovery.find() == DEFAULT

    write(GOOD)

    assert discovery.find() == FOUND
    assert discovery.find(environment="other", grpc_address="elsewhere:1") == Server(
        FOUND.url, "elsewhere:1", "", "other"
    )


@pytest.mark.parametrize("variable", ["IRONFLOW_SERVER_URL", "IRONFLOW_API_KEY", "IRONFLOW_NO_DISCOVERY"])
def test_the_file_does_not_count_beside_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    write(GOOD)
    monkeypatch.setenv(variable, "http://example.com:1/" if variable.endswith("URL") else "1")

    assert discovery.find().url in ("http://example.com:1", discovery.DEFAULT_URL)
    assert discovery.find().grpc_address == ""


def test_what_is_given_comes_before_everything(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(GOOD)
    monkeypatch.setenv("IRONFLOW_SERVER_URL", "http://example.com")
    monkeypatch.setenv("IRONFLOW_ENV", "staging")
    monkeypatch.setenv("IRONFLOW_API_KEY", "from-env")

    assert discovery.find("https://mine:8443/") == Server("https://mine:8443", "", "from-env", "staging")


@pytest.mark.parametrize(
    "told",
    [
        {**GOOD, "version": 2},
        {**GOOD, "url": "http://example.com"},
        {**GOOD, "url": "ftp://127.0.0.1:1"},
        {**GOOD, "grpc_address": "example.com:9124"},
        {**GOOD, "url": 7},
        {"version": 1},
        [],
        "{",
        "[" * 100_000,
        json.dumps({**GOOD, "filler": "x" * 64 * 1024}),
    ],
    ids=["version", "remote", "scheme", "remote grpc", "type", "no url", "list", "cut off", "deep", "large"],
)
def test_a_file_that_makes_no_sense_is_not_believed_nor_looked_past(
    write: Write, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    nearer = tmp_path / "a" / ".ironflow"
    nearer.mkdir()
    (nearer / "engine.json").write_text(told if isinstance(told, str) else json.dumps(told))

    assert discovery.find() == DEFAULT


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Server("http://h", api_key="secret"))


def test_an_environment_that_no_header_takes_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no environment 'ä'"):
        discovery.find("http://h", environment="ä")
