"""Commands for whoever runs the server: their exit codes are what scripts go by."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Ironflow = Callable[..., subprocess.CompletedProcess[str]]


def test_ready_tells_by_its_exit_code(ironflow: Ironflow) -> None:
    up = ironflow("ready", "--json")
    away = ironflow("ready", "--server", "http://127.0.0.1:1")

    assert (up.returncode, json.loads(up.stdout)["ready"]) == (0, True)
    assert away.returncode == 6


def test_validate_names_the_line_of_each_mistake(ironflow: Ironflow, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("apiVersion: ironflow/v1\nkind: Server\nspec: {port: 1}\n")
    (tmp_path / "bad.yaml").write_text("apiVersion: ironflow/v1\nkind: Server\nspec:\n  prot: 1\n  port: x\n")

    good, bad = ironflow("validate", "good.yaml"), ironflow("validate", "bad.yaml")

    assert (good.returncode, bad.returncode) == (0, 10)
    assert "bad.yaml:4: spec.prot is not a setting" in bad.stdout
    assert "bad.yaml:5: spec.port is 'x'" in bad.stdout


def test_diagnostics_are_kept_in_a_file_that_is_nobody_elses(ironflow: Ironflow, tmp_path: Path) -> None:
    made = ironflow("diagnostics", "of.tar.gz")
    again = ironflow("diagnostics", "of.tar.gz")

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "of.tar.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (tmp_path / "of.tar.gz").stat().st_mode & 0o077 == 0
    assert again.returncode == 1
    assert "is there already" in again.stderr
