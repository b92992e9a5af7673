"""Secrets are compared in constant time, by construction: what is named like one meets `==` nowhere but in the places
below, where nobody who asks can be told from how long it takes what the other side is.

A key or session is found by the SHA-256 of all of it, and its hash is then compared whole; a cookie's CSRF token, a
webhook's signature and the token of a lease are compared whole too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"secret|token|password|signature|digest|hash|csrf|api_?key|credential", re.IGNORECASE)

ALLOWED = {
    ("app/webhooks/verification.py", "name == descriptor.signature_key"): "the name of a field",
    ("app/webhooks/sources.py", "known.secret_id != row.secret_id"): "ids and numbers of what we keep, no secrets",
    ("app/webhooks/sources.py", "known.secret_revision != row.secret_revision"): "the same",
}
"""By file and comparison: why it gives nothing away."""


def test_what_is_named_like_a_secret_is_compared_by_compare_digest_only() -> None:
    found = {
        (str(path.relative_to(ROOT)), text)
        for folder in ("app/access", "app/api", "app/rpc", "app/webhooks", "app/bus", "app/projections", "app/dispatch")
        for path in (ROOT / folder).rglob("*.py")
        for text in _compared(path)
    }

    assert found == ALLOWED.keys()


def _compared(path: Path) -> Iterator[str]:
    """Comparisons by `==` and `!=` of something that is named like a secret with something that is not written out."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Compare) or not any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            continue
        if any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators)):
            continue
        if any(NAMED.search(name) for side in (node.left, *node.comparators) for name in _names(side)):
            yield ast.unparse(node)


def _names(side: ast.expr) -> Iterator[str]:
    """What a side of a comparison is called: the last part of a dotted name, of each member of a tuple."""
    for one in side.elts if isinstance(side, ast.Tuple) else (side,):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Call):
            yield from _names(one.func)
