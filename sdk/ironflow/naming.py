"""Step ids: a path of names, `{run id}:{name}:{n}`, with n counting earlier uses of the name in its scope.

The scope of a run is its id; that of branch i of `parallel("p", …)` is `{scope}:p:{i}`. So steps can be inserted into
code whose runs are under way, and branches that finish in another order than before still find their own.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

from ironflow.errors import NonRetryableError

NAME_CHARS_MAX = 500
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_COLON = re.compile(r"(?<!\\)((?:\\\\)*):")


class Scope:
    """Names that are counted together. A `closed` one takes no more steps."""

    __slots__ = ("_branches", "_uses", "closed", "parent", "prefix")

    def __init__(self, prefix: str, parent: Scope | None = None) -> None:
        self.prefix = prefix
        self.parent = parent
        self.closed = False
        self._uses: dict[str, int] = {}
        self._branches: dict[tuple[str, int], Scope] = {}

    def step_id(self, name: str) -> str:
        """The id of the next step of that name. Raises NonRetryableError for what cannot be a name."""
        number = self._uses.get(name, 0) if isinstance(name, str) else 0
        if not number:
            check_name(name)
        self._uses[name] = number + 1
        return f"{self.prefix}:{escape(name)}:{number}"

    def branch(self, name: str, index: int) -> Scope:
        """The scope of a branch: the same each time, so that a name that is used again goes on counting."""
        known = self._branches.get((name, index))
        if known is None:
            known = self._branches[name, index] = Scope(f"{self.prefix}:{escape(name)}:{index}", self)
        return known

    def holds(self, step_id: str) -> bool:
        return step_id.startswith(f"{self.prefix}:")


# The branch that code runs in; code outside all branches has that of its run.
current_scope: ContextVar[Scope | None] = ContextVar("ironflow_scope", default=None)


def check_name(name: object) -> None:
    """Raises NonRetryableError for what cannot be a step's name."""
    if not isinstance(name, str) or not name:
        raise misuse("a step needs a name: await ctx.step.run('charge card', charge, order)")
    if len(name) > NAME_CHARS_MAX or _UNFIT.search(name):
        raise misuse(f"{name[:80]!r} cannot name a step: use up to {NAME_CHARS_MAX} characters, none for control")


def misuse(message: str, *, code: str = "INVALID_STEP") -> NonRetryableError:
    """The error for code that uses steps in a way that cannot work: trying again does not help."""
    return NonRetryableError(message, code=code)


def escape(name: str) -> str:
    """The name as in a step id: backslash and colon escaped, but for a leading `compensate:` or `publish:`."""
    if ":" not in name and "\\" not in name:
        return name
    for prefix in ("compensate:", "publish:"):
        if name.startswith(prefix):
            name, kept = name[len(prefix) :], prefix
            break
    else:
        kept = ""
    return kept + name.replace("\\", "\\\\").replace(":", "\\:")


def order(step_id: str) -> list[tuple[int, int, str]]:
    """Sorts step ids: by the parts of their paths, numbers by their size."""
    parts = _COLON.sub("\\1\0", step_id).split("\0")
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]
