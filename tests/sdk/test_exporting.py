"""Runs as tests: the file passes in process, and holds no personal data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ironflow.loading import NotFunctions, functions_at
from ironflow.testing import recording
from ironflow.testing.exporting import Exported, NotReproduced, export
from ironflow.testing.redaction import Redactor
from tests.sdk.test_checking import recorded, step

MODULE = """
from ironflow import function

@function("order", triggers=["order.placed"])
async def place_order(ctx):
    user = ctx.event.data["user"]
    if "@" not in user["email"]:
        raise ValueError("no address")
    await ctx.step.run(f"mail {user['email']}", print, "sent")
    vip = await ctx.step.run("is vip", print, user["token"])
    if user["name"] == "Grace Hopper":
        await ctx.step.run("salute", print)
    return f"mailed {user['email']}, vip {vip}"

functions = [place_order]
"""
USER = {"email": "ada@lovelace.org", "token": "tok-4711-0815", "name": "Grace Hopper", "age": 36}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"orders_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def run_of(**more: Any) -> recording.Recording:
    steps = [step("mail ada@lovelace.org"), step("is vip", True), step("salute")]
    told = recorded(*steps, data={"user": USER}, output="mailed ada@lovelace.org, vip True", **more)
    return recording.of(told)


def exported(module: str, run: recording.Recording, **rules: Any) -> Exported:
    function = functions_at(module)["place_order"]
    return export(function, run, module=module, attribute="place_order", **{"redact": [], "keep": [], **rules})


def test_an_exported_run_passes_as_a_test_and_fails_when_the_code_changes(module: str, tmp_path: Path) -> None:
    test = exported(module, run_of())
    (tmp_path / "test_exported.py").write_text(test.text)

    def pytest_run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_exported.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    passed = pytest_run()
    assert passed.returncode == 0, passed.stdout
    (tmp_path / f"{module}.py").write_text(MODULE.replace('"is vip"', '"vip"'))
    changed = pytest_run()

    assert changed.returncode == 1
    assert "history has  step 'is vip' (invoke)" in changed.stdout
    assert "the code has step 'vip' (invoke)" in changed.stdout
    assert "ada@lovelace.org" not in test.text
    assert "tok-4711-0815" not in test.text
    assert test.redacted == 2


def test_a_redaction_that_leads_the_code_astray_says_so(module: str) -> None:
    with pytest.raises(NotReproduced) as astray:
        exported(module, run_of(), redact=["data.user.name"])

    assert astray.value.redacted
    assert astray.value.verdict.requested == 'the end: returned "mailed redacted-1@example.com, vip True"'


def test_a_run_that_the_code_does_not_replay_makes_no_test(module: str) -> None:
    with pytest.raises(NotReproduced, match="diverged"):
        exported(module, recording.of(recorded(step("other"), data={"user": USER})))


def test_values_are_redacted_by_the_names_of_their_keys_and_by_their_look() -> None:
    data = {
        "apiKey": "k-12345678",
        "card_number": 4111111111111111,
        "Authorization": "Basic eDp5",
        "note": "call ada@lovelace.org, or use Bearer abc.def",
        "addresses": [{"city": "London", "since": 1840}],
        "shipped": True,
        "token_count": None,
        "title": "keep",
        "monkey": "keep",
        "jwt": "eyJhbGciOiJIUzI1.eyJzdWIi.abc",
        "again": "k-12345678 is the key",
    }

    redacted = Redactor()(recorded(data=data))["event"]["data"]

    assert redacted == {
        "apiKey": "redacted-1",
        "card_number": 2,
        "Authorization": "redacted-3",
        "note": "call redacted-5@example.com, or use redacted-4",
        "addresses": [{"city": "redacted-6", "since": 7}],
        "shipped": True,
        "token_count": None,
        "title": "keep",
        "monkey": "keep",
        "jwt": "redacted-8",
        "again": "redacted-1 is the key",
    }


def test_patterns_redact_more_or_less() -> None:
    redactor = Redactor(extra=["data.user.*"], keep=["email"])

    assert redactor(recorded(data={"user": USER}))["event"]["data"]["user"] == {
        "email": "ada@lovelace.org",
        "token": "redacted-1",
        "name": "redacted-2",
        "age": 3,
    }


def test_functions_are_found_by_module_list_and_name(module: str) -> None:
    assert list(functions_at(module)) == ["place_order"]
    assert list(functions_at(f"{module}:functions")) == ["functions[0]"]
    assert functions_at(f"{module}:place_order")["place_order"].id == "order"
    for wrong, said in (
        ("no.such.module", "cannot be imported"),
        (f"{module}:nothing", "no functions"),
        ("a b", "MODULE"),
    ):
        with pytest.raises(NotFunctions, match=said):
            functions_at(wrong)
