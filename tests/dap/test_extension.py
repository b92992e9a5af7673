"""The editor extension: it can be packed, its code can be read, and it says nothing that is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from app.debugger.console import _VERBS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "packaging" / "vscode"


def test_the_packed_extension_has_what_editors_read(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "pack.py", tmp_path / "x.vsix"], check=True)

    with zipfile.ZipFile(tmp_path / "x.vsix") as packed:
        package = json.loads(packed.read("extension/package.json"))
        manifest = ET.fromstring(packed.read("extension.vsixmanifest"))
        assert f"extension/{package['main'].removeprefix('./')}" in packed.namelist()
    identity = manifest.find("{*}Metadata/{*}Identity")
    assert identity is not None
    assert (identity.get("Id"), identity.get("Version")) == (package["name"], package["version"])


def test_every_command_that_is_offered_is_registered() -> None:
    package, code = json.loads((FOLDER / "package.json").read_text()), (FOLDER / "extension.js").read_text()

    offered = {command["command"] for command in package["contributes"]["commands"]}
    assert offered == set(re.findall(r'registerCommand\("([^"]+)"', code))


def test_the_guide_configures_what_there_is() -> None:
    package = json.loads((FOLDER / "package.json").read_text("utf-8"))
    [debugger] = package["contributes"]["debuggers"]
    guide = (ROOT / "docs" / "how-to" / "debug-from-the-editor.md").read_text("utf-8")

    blocks = re.findall(r"^```json\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    written = [json.loads(block) for block in blocks]
    assert {one["request"] for one in written} == {"attach", "launch"}
    for one in [
        *written,
        *debugger["initialConfigurations"],
        *(it["body"] for it in debugger["configurationSnippets"]),
    ]:
        known = debugger["configurationAttributes"][one["request"]]
        assert one.keys() - {"type", "request", "name"} <= known["properties"].keys()
        assert one.keys() >= set(known.get("required", ()))
    verbs = re.search(r"`help` lists them\.\n\n((?:    .*\n)+)", guide)
    assert verbs is not None
    assert set(re.findall(r"\b[a-z]{2,}\b", verbs[1])) == set(_VERBS) - {"help"}


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_code_can_be_read() -> None:
    subprocess.run(["node", "--check", FOLDER / "extension.js"], check=True)
