"""Named SQL statements, read from sql/<dialect>/queries/*.sql.

A file holds blocks such as

    -- name: run_row :one
    select … from runs where id = :id;

`:one` gives a row or None, `:many` a list of rows, `:exec` the number of rows touched, `:each` runs once for each
of many rows. Parameters are written `:name` in both dialects; for psycopg they become `%(name)s` on loading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import msgspec

Kind = Literal["one", "many", "exec", "each"]
Style = Literal["named", "psycopg"]

_HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*) :(?P<kind>one|many|exec|each)[ \t]*$", re.MULTILINE)
_NAME = r"[a-z_][a-z0-9_]*"


@lru_cache
def _tokens(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<opaque> '(?:''|[^'])*' | "(?:""|[^"])*" | --[^\n]* | /\*.*?\*/ | :: )
          | :(?P<param>{name})
          | (?P<percent>%)""",
        re.DOTALL | re.VERBOSE,
    )


class Query(msgspec.Struct, frozen=True):
    name: str
    kind: Kind
    sql: str
    params: frozenset[str]


@cache
def load(folder: Path, *, style: Style) -> Mapping[str, Query]:
    """Every query of the folder's *.sql files by name, as they were when first asked for: reading them takes longer
    than opening a store does. Raises ValueError when a name is given twice."""
    found: dict[str, Query] = {}
    for path in sorted(folder.glob("*.sql")):
        text = path.read_text("utf-8")
        headers = list(_HEADER.finditer(text))
        ends = [header.start() for header in headers[1:]] + [len(text)]
        for header, end in zip(headers, ends, strict=True):
            name = header["name"]
            if name in found:
                raise ValueError(f"{path.name}: query {name!r} is defined twice")
            found[name] = _query(name, cast("Kind", header["kind"]), text[header.end() : end].strip(), style)
    if not found:
        raise ValueError(f"{folder}: no queries found")
    return MappingProxyType(found)


def rewritten(sql: str, parameter: Callable[[str], str], *, name: str = _NAME) -> str:
    """The text with each `:name` replaced by what `parameter(name)` says; not in literals, names and comments. `name`
    is the pattern of names."""
    return _tokens(name).sub(lambda token: parameter(token["param"]) if token["param"] else token[0], sql)


def _query(name: str, kind: Kind, body: str, style: Style) -> Query:
    params: set[str] = set()

    def rewrite(token: re.Match[str]) -> str:
        text = token[0]
        if token["param"]:
            params.add(token["param"])
            return f"%({token['param']})s" if style == "psycopg" else text
        return text.replace("%", "%%") if style == "psycopg" else text

    return Query(name, kind, _tokens(_NAME).sub(rewrite, body).removesuffix(";"), frozenset(params))
