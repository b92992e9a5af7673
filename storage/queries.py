"""Named SQL statements, read from sql/<dialect>/queries/*.sql.

A file holds blocks such as

    -- name: run_row :one
    select … from runs where id = :id;

`:one` gives a row or None, `:many` a list of rows, `:exec` the number of rows touched, `:each` runs once for each
of many rows. `:all` is an insert of many rows, none of which touches what another does, each value named as its column:
Postgres is sent all of them as one document. Parameters are written `:name` in both dialects;
for psycopg they become `%(name)s` on loading.

What several queries of a file say alike is a fragment, which stands above them:

    -- fragment: run_fits
    created_at >= :since and created_at <= :until

They include it as `{run_fits}`, and so may other fragments below it. It is text: its names mean what they mean there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import msgspec

DOCUMENT = "rows"
Kind = Literal["one", "many", "exec", "each", "all"]
Style = Literal["named", "psycopg"]

_HEADER = re.compile(
    r"^-- (?:name: (?P<name>[a-z][a-z0-9_]*) :(?P<kind>one|many|exec|each|all)"
    r"|fragment: (?P<fragment>[a-z][a-z0-9_]*))[ \t]*$",
    re.MULTILINE,
)
_INSERT = re.compile(
    r"insert into (?P<table>[a-z_]+) \((?P<columns>[a-z0-9_,\s]+)\)\s*values \((?P<values>[a-z0-9_:,\s]+)\)"
)
_NAME = r"[a-z_][a-z0-9_]*"
_OPAQUE = r"""(?P<opaque> '(?:''|[^'])*' | "(?:""|[^"])*" | --[^\n]* | /\*.*?\*/ | :: )"""
_INCLUDE = re.compile(rf"{_OPAQUE} | \{{(?P<fragment>[^}}]*)\}}", re.DOTALL | re.VERBOSE)


@lru_cache
def _tokens(name: str) -> re.Pattern[str]:
    return re.compile(rf"{_OPAQUE} | :(?P<param>{name}) | (?P<percent>%)", re.DOTALL | re.VERBOSE)


class Query(msgspec.Struct, frozen=True):
    """`columns` are those of an insert whose values are named as its columns, in the order of a row's fields. For
    psycopg only an `:all` query has them, and the one parameter DOCUMENT instead: all rows, as a JSON list of
    objects."""

    name: str
    kind: Kind
    sql: str
    params: frozenset[str]
    columns: tuple[str, ...] = ()


@cache
def load(folder: Path, *, style: Style) -> Mapping[str, Query]:
    """Every query of the folder's *.sql files by name, as they were when first asked for: reading them takes longer
    than opening a store does. Raises ValueError when a name is given twice, and when a fragment that
    is included does not stand above in its file."""
    found: dict[str, Query] = {}
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text("utf-8")
        headers = list(_HEADER.finditer(text))
        ends = [header.start() for header in headers[1:]] + [len(text)]
        fragments: dict[str, str] = {}
        for header, end in zip(headers, ends, strict=True):
            name = header["name"] or header["fragment"]
            where = f"{path.name}: {name}"
            body = _included(text[header.end() : end].strip(), fragments, where)
            known: Mapping[str, object] = found if header["name"] else fragments
            if name in known:
                raise ValueError(f"{path.name}: {name!r} is defined twice")
            if header["name"]:
                found[name] = _query(name, cast("Kind", header["kind"]), body, style, where)
            else:
                fragments[name] = body
    if not found:
        raise ValueError(f"{folder}: no queries found")
    return MappingProxyType(found)


@lru_cache
def of_rows(query: Query, count: int) -> str:
    """An insert that has `columns` as one statement for so many rows at once, which are done in their order; its
    parameters are their values one after the other. Not for psycopg."""
    insert = _INSERT.match(query.sql)
    assert insert is not None, f"{query.name} inserts no rows"
    row = f"({', '.join('?' * len(query.columns))})"
    return query.sql[: insert.start("values") - 1] + ", ".join([row] * count) + query.sql[insert.end() :]


def rewritten(sql: str, parameter: Callable[[str], str], *, name: str = _NAME) -> str:
    """The text with each `:name` replaced by what `parameter(name)` says; not in literals, names and comments. `name`
    is the pattern of names."""
    return _tokens(name).sub(lambda token: parameter(token["param"]) if token["param"] else token[0], sql)


def _included(body: str, fragments: Mapping[str, str], where: str) -> str:
    """The text with its fragments, whose own are in them already. Raises ValueError."""

    def include(token: re.Match[str]) -> str:
        name = token["fragment"]
        if name is None:
            return token[0]
        if name not in fragments:
            raise ValueError(f"{where} includes {{{name}}}, and no such fragment stands above it")
        return fragments[name]

    return _INCLUDE.sub(include, body) if "{" in body else body


def _query(name: str, kind: Kind, body: str, style: Style, where: str) -> Query:
    columns: tuple[str, ...] = ()
    if kind in ("each", "all"):
        insert = _INSERT.match(body)
        if insert is not None and _goes_in_rows(insert, body):
            columns = _listed(insert["columns"])
        elif kind == "all":
            raise ValueError(f"{where} is no insert of values that are named as their columns")
        if insert is not None and kind == "all" and style == "psycopg":
            body = _of_document(insert["table"], columns) + body[insert.end() :]
    params: set[str] = set(columns) if kind == "all" else set()

    def rewrite(token: re.Match[str]) -> str:
        text = token[0]
        if token["param"]:
            if kind != "all":
                params.add(token["param"])
            return f"%({token['param']})s" if style == "psycopg" else text
        return text.replace("%", "%%") if style == "psycopg" else text

    sql = _tokens(_NAME).sub(rewrite, body).removesuffix(";")
    if kind == "each" and style == "psycopg":
        columns = ()
    return Query(name, kind, sql, frozenset(params), columns)


def _goes_in_rows(insert: re.Match[str], body: str) -> bool:
    """Whether the values are named as their columns, and what follows them names none: it is said once for many."""
    named = tuple(f":{column}" for column in _listed(insert["columns"]))
    after = _tokens(_NAME).finditer(body, insert.end())
    return _listed(insert["values"]) == named and not any(token["param"] for token in after)


def _of_document(table: str, columns: Sequence[str]) -> str:
    """The insert of rows that come as a JSON list of objects: what they hold is read as the table's columns are."""
    named = ", ".join(columns)
    return f"insert into {table} ({named}) select {named} from json_populate_recordset(null::{table}, :{DOCUMENT})"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(","))
