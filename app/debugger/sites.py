"""Lines of code that take steps: in the files of a workspace, of the very code that a run was made by.

A version of a function carries a hash of its source. Where the workspace has that source, it tells on which line each
step is taken that is named by a plain text there, once; anything else would be a guess, and is not told.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

FILES_MAX = 5_000
FILE_BYTES_MAX = 2**20
HASH_DIGITS = 16
"""Of the SHA-256 of a handler's source, as `ironflow.function` declares it."""

_PREFIXES = {"compensate": "compensate:", "publish": "publish:"}
_TAKES = frozenset(("run", "sleep", "sleep_until", "wait_for_event", "invoke", "parallel", "map", "emit", *_PREFIXES))
_SKIPPED = frozenset(("node_modules", "site-packages", "__pycache__"))

_Handler = ast.FunctionDef | ast.AsyncFunctionDef


class Site(NamedTuple):
    """A line, counted from 1."""

    path: Path
    line: int


class Sites:
    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._known: dict[tuple[str, str], Mapping[str, Site]] = {}

    def of(self, function_id: str, code_hash: str) -> Mapping[str, Site]:
        """Where the function takes each step, by name, and where it begins, by ""; nothing if its code is not here."""
        key = (function_id, code_hash)
        if key not in self._known:
            found = (self._in(path, *key) for path in self._files())
            self._known[key] = next(filter(None, found), {})
        return self._known[key]

    def _files(self) -> Iterator[Path]:
        count = 0
        for root in self._roots:
            for folder, inner, names in os.walk(root):
                inner[:] = sorted(name for name in inner if name not in _SKIPPED and not name.startswith("."))
                for name in sorted(names):
                    if name.endswith(".py") and count < FILES_MAX:
                        count += 1
                        yield Path(folder, name)

    def _in(self, path: Path, function_id: str, code_hash: str) -> Mapping[str, Site]:
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                return {}
            text = path.read_text("utf-8")
            if function_id not in text:
                return {}
            tree = ast.parse(text)
        except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):  # it may be anything
            return {}
        lines = io.StringIO(text).readlines()
        for node in ast.walk(tree):
            if isinstance(node, _Handler) and _declares(node, function_id):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                source = "".join(inspect.getblock(lines[first - 1 :]))
                if hashlib.sha256(source.encode()).hexdigest()[:HASH_DIGITS] == code_hash:
                    return {"": Site(path, node.lineno), **dict(_steps(path, node))}
        return {}


def _declares(node: _Handler, function_id: str) -> bool:
    """Whether a decorator makes it the function of that id: `@function("bill", …)`."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call):
            given = [*one.args[:1], *(word.value for word in one.keywords if word.arg == "id")]
            if any(isinstance(value, ast.Constant) and value.value == function_id for value in given):
                return True
    return False


def _steps(path: Path, handler: _Handler) -> Iterator[tuple[str, Site]]:
    """Steps that are taken on one line only, by name."""
    lines: dict[str, list[int]] = {}
    for node in ast.walk(handler):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TAKES):
            continue
        of = node.func.value
        is_step = (isinstance(of, ast.Attribute) and of.attr == "step") or (
            isinstance(of, ast.Name) and of.id == "step"
        )
        name = node.args[0] if node.args else None
        if is_step and isinstance(name, ast.Constant) and isinstance(name.value, str):
            lines.setdefault(_PREFIXES.get(node.func.attr, "") + name.value, []).append(node.lineno)
    return ((name, Site(path, at[0])) for name, at in lines.items() if len(at) == 1)
