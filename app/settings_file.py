"""A file of settings: YAML with `apiVersion: ironflow/v1`, a kind and a spec. All that is wrong is said, with its line.

    Server     one server; spec has the settings, by the paths of app/settings.py
    Cluster    the same for the nodes of a cluster, which need storage.url and nats.url in common
    Platform   a Server or Cluster with spec.platform.organizations, which are made at the start if they are missing

`${NAME}` and `${NAME:-default}` in a value stand for environment variables. They are filled in after the file is read:
no value can change what the rest of it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

API_VERSION = "ironflow/v1"
KINDS = ("Server", "Cluster", "Platform")
TOP = ("apiVersion", "kind", "metadata", "spec")
ORGANIZATIONS = "platform.organizations"
NEEDED_BY_CLUSTER = ("storage.url", "nats.url")
SIZE_BYTES_MAX = 1 << 20
DEPTH_MAX = 8
NULL = "tag:yaml.org,2002:null"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Problem(NamedTuple):
    line: int
    message: str
    hint: str


class Given(NamedTuple):
    """A value as text, and the line that it is on."""

    text: str
    line: int


class Project(msgspec.Struct, frozen=True):
    name: str
    environments: tuple[str, ...]


class Organization(msgspec.Struct, frozen=True):
    name: str
    projects: tuple[Project, ...]


class SettingsFile(msgspec.Struct):
    """`settings` are by their path below `spec`. Without problems, it can be used."""

    kind: str = ""
    settings: dict[str, Given] = msgspec.field(default_factory=dict)
    organizations: list[Organization] = msgspec.field(default_factory=list)
    problems: list[Problem] = msgspec.field(default_factory=list)


def read(path: Path, environment: Mapping[str, str]) -> SettingsFile:
    """What the file says. Raises OSError."""
    return parse(path.read_bytes(), environment)


def parse(content: bytes, environment: Mapping[str, str]) -> SettingsFile:
    import yaml

    if len(content) > SIZE_BYTES_MAX:
        return _unreadable(1, f"the file is larger than {SIZE_BYTES_MAX} bytes", "is it the right one?")
    try:
        document = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        return _unreadable(1, f"the file is not UTF-8: {error.reason}", "save it as UTF-8")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        return _unreadable(mark.line + 1 if mark else 1, f"not YAML: {what}", "check indentation and quotes")
    return _Reading(environment).of(document)


def _unreadable(line: int, message: str, hint: str) -> SettingsFile:
    return SettingsFile(problems=[Problem(line, message, hint)])


class _Reading:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._file = SettingsFile()

    def of(self, document: Any) -> SettingsFile:
        file = self._file
        members = self._members(document, "the file")
        for name, (key, _) in members.items():
            if name not in TOP:
                self._problem(key, f"{name} does not belong here", f"there are {', '.join(TOP)}{meant(name, TOP)}")
        version = self._scalar(members, "apiVersion", document)
        if version is not None and version.text != API_VERSION:
            self._say(version.line, f"apiVersion is {version.text!r}", f"write apiVersion: {API_VERSION}")
        kind = self._scalar(members, "kind", document)
        if kind is not None and kind.text not in KINDS:
            self._say(kind.line, f"kind is {kind.text!r}", f"one of {', '.join(KINDS)}{meant(kind.text, KINDS)}")
        file.kind = kind.text if kind else ""
        if "spec" in members:
            self._settings(members["spec"][1], "")
        if file.kind == "Cluster":
            for path in NEEDED_BY_CLUSTER:
                if path not in file.settings:
                    self._problem(document, f"a cluster needs spec.{path}", "its nodes share one Postgres and one NATS")
        if file.organizations and file.kind != "Platform":
            self._problem(document, f"spec.{ORGANIZATIONS} is for kind: Platform", "write kind: Platform")
        return file

    def _settings(self, node: Any, below: str) -> None:
        for name, (_, value) in self._members(node, f"spec.{below}".rstrip(".")).items():
            path = f"{below}{name}"
            if path == ORGANIZATIONS:
                self._file.organizations = list(self._organizations(value))
            elif value.id == "mapping" and path.count(".") > DEPTH_MAX:
                self._problem(value, f"spec.{path} is nested too deep", "no setting is")
            elif value.id == "mapping":
                self._settings(value, f"{path}.")
            elif value.id == "sequence":
                self._problem(value, f"spec.{path} is a list", "write one value, or several with commas")
            elif (given := self._filled(value)) is not None:
                self._file.settings[path] = given

    def _organizations(self, node: Any) -> Iterator[Organization]:
        for name, members in self._named(node, ORGANIZATIONS, ("name", "projects")):
            projects = []
            for project, inside in self._named(members.get("projects"), "projects", ("name", "environments")):
                places = self._named(inside.get("environments"), "environments", ("name",))
                projects.append(Project(project, tuple(place for place, _ in places)))
            yield Organization(name, tuple(projects))

    def _named(self, node: Any, what: str, fields: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Members of a list of mappings that each have a name of their own."""
        if node is None:
            return
        if node.id != "sequence":
            self._problem(node, f"{what} is not a list", "each begins with `- name: …`")
            return
        seen: set[str] = set()
        for item in node.value:
            members = self._members(item, f"each of {what}")
            for member, (key, _) in members.items():
                if member not in fields:
                    hint = f"there are {', '.join(fields)}{meant(member, fields)}"
                    self._problem(key, f"{member} does not belong into {what}", hint)
            name = self._scalar(members, "name", item)
            if name is None:
                continue
            if name.text in seen:
                self._say(name.line, f"{name.text!r} is there twice in {what}", "take another name")
            seen.add(name.text)
            yield name.text, {member: value for member, (_, value) in members.items()}

    def _members(self, node: Any, what: str) -> dict[str, tuple[Any, Any]]:
        """Of a mapping, by name: the nodes of key and value. An empty one may be left out."""
        found: dict[str, tuple[Any, Any]] = {}
        if node is not None and node.tag == NULL:
            return found
        if node is None or node.id != "mapping":
            top = f"write `apiVersion: {API_VERSION}`, then kind and spec"
            self._problem(node, f"{what} is not a mapping", top if what == "the file" else "write `name: value`")
            return found
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self._problem(key, f"{name} is there twice", "leave one out")
            found[name] = (key, value)
        return found

    def _scalar(self, members: Mapping[str, tuple[Any, Any]], name: str, around: Any) -> Given | None:
        if name not in members:
            self._problem(around, f"{name} is missing", f"add `{name}: …`")
            return None
        value = members[name][1]
        if value.id != "scalar":
            self._problem(value, f"{name} is not a text", f"write `{name}: …` on one line")
            return None
        return self._filled(value)

    def _filled(self, node: Any) -> Given | None:
        """The scalar with its variables filled in; None for one without a value."""
        if node.tag == NULL:
            return None
        try:
            text = _VARIABLE.sub(self._variable, node.value)
        except KeyError as error:
            name = error.args[0]
            self._problem(node, f"${{{name}}} is not set", f"set {name}, or write ${{{name}:-default}}")
            return None
        return Given(text, node.start_mark.line + 1)

    def _variable(self, match: re.Match[str]) -> str:
        """Raises KeyError for one that is not set and has no default."""
        default: str | None = match[2]
        return self._environment[match[1]] if default is None else self._environment.get(match[1], default)

    def _problem(self, node: Any, message: str, hint: str) -> None:
        self._say(node.start_mark.line + 1 if node is not None else 1, message, hint)

    def _say(self, line: int, message: str, hint: str) -> None:
        self._file.problems.append(Problem(line, message, hint))


def meant(value: str, choices: Sequence[str]) -> str:
    """What was probably meant, as the end of a hint."""
    near = get_close_matches(str(value), choices, n=1)
    return f"; did you mean {near[0]}?" if near else ""
