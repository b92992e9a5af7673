"""Where the product's own data is found, in a checkout and in an executable."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from app import resources
from app.resources import ResourceMissing


def test_a_checkout_has_the_sql_of_both_stores() -> None:
    assert {folder.name for folder in resources.sql_folder().iterdir()} >= {"postgres", "sqlite"}


def test_a_checkout_uses_the_nats_server_beside_its_python() -> None:
    found = resources.nats_server()

    assert found.parent == Path(sysconfig.get_path("scripts"))


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    return tmp_path


def test_an_executable_uses_what_is_inside_it(frozen: Path) -> None:
    server = frozen / "bin" / "nats-server"
    server.parent.mkdir()
    server.touch()

    assert resources.sql_folder() == frozen / "sql"
    assert resources.nats_server() == server


def test_an_executable_without_nats_server_says_so(frozen: Path) -> None:
    with pytest.raises(ResourceMissing, match="--nats-url"):
        resources.nats_server()


def test_a_checkout_without_nats_server_looks_in_the_path_and_else_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere: list[str | None] = ["/usr/bin/nats-server", None]
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: elsewhere.pop(0))

    assert resources.nats_server() == Path("/usr/bin/nats-server")
    with pytest.raises(ResourceMissing, match="make setup"):
        resources.nats_server()
