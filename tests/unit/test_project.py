"""What the repository promises about itself."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.resources import VERSION
from tests.support import protobuf

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_committed_protobuf_modules_are_what_the_proto_files_generate(tmp_path: Path) -> None:
    protobuf.generate(tmp_path)

    committed = ROOT / "sdk" / "ironflow" / "v1"
    generated = {path.name: path.read_text() for path in (tmp_path / "ironflow" / "v1").iterdir()}
    present = {path.name for path in committed.glob("*_pb2*.py*")}
    assert present == set(generated)
    assert {name: (committed / name).read_text() for name in generated} == generated


@pytest.mark.parametrize("name", ["constraints.txt", "benchmarks/constraints.txt"])
def test_every_constraint_is_an_exact_version(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()

    for line in lines:
        assert not line or line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+-]+", line), line


@pytest.mark.parametrize("arguments", [["--help"], ["run", "list", "--help"], ["emit", "--help"]])
def test_client_commands_load_nothing_of_the_server(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['ironflow', *sys.argv[1:]]\n"
        "from app.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'falcon', 'granian', 'grpc', 'nats', 'psycopg', 'apsw', 'celpy'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )

    assert shown.stdout.splitlines()[-1] == "[]"


def test_every_command_has_a_help_page() -> None:
    from click.testing import CliRunner

    from app.cli.main import COMMANDS, ironflow

    for name in COMMANDS:
        shown = CliRunner().invoke(ironflow, [name, "--help"])
        assert shown.exit_code == 0, name
        assert "Usage:" in shown.output


def test_the_page_of_options_tells_every_option_and_no_other() -> None:
    import inspect

    from ironflow import Cron, function
    from ironflow.options import OPTION_NAMES

    page = (ROOT / "docs" / "options.md").read_text()
    told = {
        name
        for row in re.findall(r"^\| (`[^|]*`) \|", page.split("## Cron")[0], re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    taken = set(inspect.signature(function).parameters)

    assert told == taken
    assert set(OPTION_NAMES) < taken
    cron = page.split("## Cron")[1].split("## In which order")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", cron, re.MULTILINE)) == set(Cron.__dataclass_fields__)


def test_each_decision_has_a_number_of_its_own_and_a_line_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("0*.md"))

    titles = [page.read_text("utf-8").partition("\n")[0] for page in pages]

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    numbered = [title.removeprefix("# ").partition(". ") for title in titles]
    index = [f"{number}. [{title}]({page.name})" for page, (number, _, title) in zip(pages, numbered, strict=True)]
    assert [int(number) for number, _, _ in numbered] == list(range(1, len(pages) + 1))
    assert (folder / "README.md").read_text("utf-8").splitlines()[-len(pages) :] == index


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    folders = ("docs", "examples", "benchmarks", "packaging")
    pages = [*ROOT.glob("*.md"), *(page for folder in folders for page in (ROOT / folder).rglob("*.md"))]

    lost = [
        (str(page.relative_to(ROOT)), target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not target.startswith(("http:", "https:")) and not (page.parent / target).exists()
    ]

    assert lost == []


def test_no_page_of_the_dashboard_makes_markup_of_text() -> None:
    sinks = re.compile(
        r"dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|srcdoc|document\.write|DOMParser"
        r"|createContextualFragment|\beval\(|new Function|javascript:"
    )

    for source in (ROOT / "static" / "src").rglob("*.ts*"):
        assert not sinks.search(source.read_text("utf-8")), source


def test_the_tests_that_promises_of_security_name_are_there() -> None:
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

    named = re.findall(r"test_\w+\.py", (ROOT / "docs" / "security.md").read_text("utf-8"))
    assert len(named) > 15
    assert set(named) <= there
