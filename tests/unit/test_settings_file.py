"""Settings files: what they may say, and how what is wrong in them is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import settings
from app.settings import Settings, SettingsError, check, resolve
from app.settings_file import KINDS, Organization, Project, parse

HEAD = "apiVersion: ironflow/v1\nkind: Server\nspec:\n"
CLUSTER, PLATFORM = HEAD.replace("Server", "Cluster"), HEAD.replace("Server", "Platform")
TWICE = "  platform:\n    organizations:\n    - name: a\n    - name: a\n"


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "ironflow.yaml"
    file.write_text(content)
    return file


def test_the_files_that_the_documentation_shows_can_be_used(tmp_path: Path) -> None:
    pages = [page.read_text("utf-8") for page in (Path(__file__).parents[2] / "docs").rglob("*.md")]
    shown = re.findall(r"^```yaml\n(apiVersion: .*?)^```$", "\n".join(pages), re.MULTILINE | re.DOTALL)

    checked = [check(write(tmp_path, one), {"DATABASE_URL": "postgresql://user@host/database"}) for one in shown]

    assert {kind for kind, _ in checked} == set(KINDS)
    assert [problem for _, problems in checked for problem in problems] == []


@pytest.mark.parametrize(
    ("content", "line", "message", "hint"),
    [
        ("", 1, "the file is not a mapping", "apiVersion: ironflow/v1"),
        ("kind: Server\n", 1, "apiVersion is missing", "add"),
        ("apiVersion: ironflow/v2\nkind: Server\n", 1, "apiVersion is 'ironflow/v2'", "ironflow/v1"),
        ("apiVersion: ironflow/v1\n\nkind: Sever\n", 3, "kind is 'Sever'", "did you mean Server?"),
        ("apiVersion: ironflow/v1\nkind: Server\nspce: {}\n", 3, "spce does not belong here", "did you mean spec?"),
        (HEAD + "  prot: 1\n", 4, "spec.prot is not a setting", "did you mean port?"),
        (HEAD + "  host: ::1\n  storage:\n    ulr: x\n", 6, "spec.storage.ulr is not a setting", "storage.url"),
        (HEAD + "  port: 99999\n", 4, "spec.port is '99999', which is out of range", "0 to 65535"),
        (HEAD + "  port: 1\n  port: 2\n", 5, "port is there twice", "leave one out"),
        (HEAD + "  dev: perhaps\n", 4, "neither true nor false", "write true or false"),
        (HEAD + "  push:\n    allow: [10.0.0.0/8]\n", 5, "spec.push.allow is a list", "with commas"),
        (HEAD + "\n  dataDir: ${WHERE}\n", 5, "${WHERE} is not set", "${WHERE:-default}"),
        (HEAD + "  port: [\n", 5, "not YAML", "indentation"),
        (HEAD + "  host: 0.0.0.0\n", 1, "reachable from other machines", "--insecure"),
        (HEAD + "  a: &a {b: *a}\n", 4, "nested too deep", "no setting is"),
        (CLUSTER + "  port: 1\n", 1, "a cluster needs spec.nats.url", "share"),
        (HEAD + TWICE, 1, "spec.platform.organizations is for kind: Platform", "kind: Platform"),
        (PLATFORM + TWICE, 7, "'a' is there twice in platform.organizations", "another name"),
        (PLATFORM + "  platform: {organizations: {a: 1}}\n", 4, "is not a list", "- name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_to_do(
    tmp_path: Path, content: str, line: int, message: str, hint: str
) -> None:
    file = write(tmp_path, content)

    _, problems = check(file, {})

    assert any(one.line == line and message in one.message and hint in one.hint for one in problems), problems
    with pytest.raises(SettingsError):
        resolve({}, file=file, environment={})


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    _, problems = check(write(tmp_path, HEAD + "  prot: 1\n  port: x\n  dataDir: ${A}\n  grpcPort: ${B}\n"), {})

    assert [problem.line for problem in problems] == [4, 5, 6, 7]


def test_a_variable_cannot_change_what_the_file_means(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD + "  storage: {url: '${URL}'}\n  port: ${PORT:-99}\n")
    hostile = "postgresql://u:'}\n  dev: true # @h/d"

    settings = resolve({}, file=file, environment={"URL": hostile})

    assert settings == Settings(database_url=hostile, port=99)


def test_a_platform_names_organizations_with_projects_and_environments() -> None:
    content = """
        apiVersion: ironflow/v1
        kind: Platform
        spec:
          port: 9000
          platform:
            organizations:
              - name: acme
                projects:
                  - name: shop
                    environments: [{name: production}, {name: "${STAGE}"}]
                  - name: empty
    """
    file = parse(content.encode(), {"STAGE": "staging"})

    shop = Project("shop", ("production", "staging"))
    assert (file.problems, file.organizations) == ([], [Organization("acme", (shop, Project("empty", ())))])


def test_settings_are_shown_without_what_is_secret() -> None:
    told = settings.shown(
        Settings(
            signing_key="whsec_1",
            database_url="postgresql://ann:hunter2@db.example/ironflow?password=hunter2",
            nats_url="nats://token1@a:4222,tls://u:p@b:4222",
            embedding_api_key="",
        )
    )

    assert (told["signing_key"], told["embedding_api_key"]) == ("set", "")
    assert told["database_url"] == "postgresql://db.example/ironflow"
    assert told["nats_url"] == "nats://a:4222,tls://b:4222"
    assert settings.shown(Settings(database_url="host=db password=hunter2"))["database_url"] == "set"
    assert (told["port"], told["organizations"]) == (9123, 0)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ann:hun,ter2@db/ironflow", "postgresql://db/ironflow"),
        ("postgresql://ann:hunter2@a:1,b:2/ironflow", "postgresql://a:1,b:2/ironflow"),
        ("postgresql://ann:hun?ter2@db/ironflow", "set"),
        ("postgresql://ann:hun#ter2@db/ironflow", "set"),
        ("postgresql://db/ironflow?user=ann&password=hun@ter2", "set"),
        ("nats://ann:hunter2@a, tls://ann:hun,ter2@b", "nats://a,tls://b"),
    ],
)
def test_no_password_is_shown_however_it_is_written(url: str, told: str) -> None:
    assert settings.shown(Settings(nats_url=url))["nats_url"] == told
