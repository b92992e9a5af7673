"""Projections: views that are folded from events, declared with `@projection` and run by a worker.

With an initial state the projection is managed: its reducer is a pure function of state and event, and the server keeps
what it returns, exactly once in effect. Without one it is external: its handler does what it likes with each event, at
least once, and the server keeps how far it has come.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ironflow.patterns import check_pattern

if TYPE_CHECKING:
    from ironflow.upcasting import Upcasters

GLOBAL = "__global__"
"""The partition of events that have no value at the partition key, and of all without one."""

_PATH = re.compile(r"(?:\$\.)?[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*")
_NAME_CHARS_MAX = 255


@dataclass(frozen=True, slots=True)
class ProjectedEvent:
    """An event as a projection is given it. `position` is its place in history."""

    id: str
    name: str
    data: Any
    timestamp: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    source: str = ""
    position: int = 0
    partition: str = GLOBAL
    entity: tuple[str, str] | None = None
    entity_version: int = 0


Reducer = Callable[[Any, ProjectedEvent], Any]
Handler = Callable[[ProjectedEvent], Any]


class _None:
    """No initial state, which is not the state None."""


_NONE = _None()


@dataclass(frozen=True, slots=True)
class Projection:
    """A declared projection. Calling it calls its function, as in a unit test of your own."""

    name: str
    function: Callable[..., Any]
    events: tuple[str, ...]
    managed: bool
    initial: Any = None
    partition_key: str = ""
    version: int = 1
    on_error: Literal["stop", "skip"] = "stop"
    description: str = ""
    snapshot_every: int = 500
    upcasters: Upcasters | None = None

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    @property
    def mode(self) -> str:
        return "managed" if self.managed else "external"

    def read(self, event: ProjectedEvent) -> ProjectedEvent:
        """The event as its function is given it. Raises UpcastError."""
        return event if self.upcasters is None else self.upcasters.event(event)

    def first_state(self) -> Any:
        """The initial state, for this fold alone."""
        return copy.deepcopy(self.initial)


def projection(
    name: str,
    *,
    events: Sequence[str],
    initial: Any = _NONE,
    partition_key: str = "",
    version: int = 1,
    on_error: Literal["stop", "skip"] = "stop",
    description: str = "",
    snapshot_every: int = 500,
    upcasters: Upcasters | None = None,
) -> Callable[[Callable[..., Any]], Projection]:
    """Declare a projection of the events whose names fit. Raises ValueError and TypeError for what makes no sense.

    With `initial`, the function is a reducer: `(state, event) -> state`. It must be deterministic and do nothing else;
    it may change the state that it is given, and has to return it. Without, it handles one event, and may be async.

    `partition_key` is a path into the event, such as `$.data.customerId`: each value has a state of its own. Count
    `version` up when the reducer changes: the new one is folded from the beginning while the old one serves. An event
    for which the function raises stops the projection, or is skipped and recorded (`on_error`). With `upcasters` it is
    given events as of their newest version; `partition_key` is looked up in the event as it was recorded."""
    if not isinstance(name, str) or not name:
        raise TypeError('give the projection a name: @projection("order-stats", events=["order.placed"], initial={})')
    if len(name) > _NAME_CHARS_MAX or not name.isprintable() or not {" ", "*", ">"}.isdisjoint(name):
        raise ValueError(f"{name[:80]!r} cannot be the name of a projection: no spaces, no wildcards")
    if isinstance(events, str) or not events:
        raise TypeError("events must be a list of patterns, such as ['order.placed', 'payment.>']")
    for pattern in events:
        check_pattern(pattern)
    if partition_key and _PATH.fullmatch(partition_key) is None:
        raise ValueError(f"{partition_key!r} is not a path into the event; write $.data.customerId")
    if type(version) is not int or version < 1:
        raise ValueError(f"version must be 1 or more, not {version!r}")
    if on_error not in ("stop", "skip"):
        raise ValueError(f"on_error must be 'stop' or 'skip', not {on_error!r}")
    if type(snapshot_every) is not int or snapshot_every < 1:
        raise ValueError(f"snapshot_every must be 1 or more, not {snapshot_every!r}")
    managed = initial is not _NONE

    def declare(function: Callable[..., Any]) -> Projection:
        _check_function(name, function, managed)
        return Projection(
            name=name,
            function=function,
            events=tuple(events),
            managed=managed,
            initial=initial if managed else None,
            partition_key=partition_key,
            version=version,
            on_error=on_error,
            description=description or inspect.getdoc(function) or "",
            snapshot_every=snapshot_every,
            upcasters=upcasters,
        )

    return declare


def _check_function(name: str, function: Callable[..., Any], managed: bool) -> None:
    if not callable(function):
        raise TypeError(f"projection {name!r}: {function!r} cannot be called")
    if managed and inspect.iscoroutinefunction(function):
        raise TypeError(
            f"projection {name!r}: a reducer is a plain function: it computes a state and does nothing else"
        )
    wanted, arguments = ("state and event", (None, None)) if managed else ("an event", (None,))
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise TypeError(f"projection {name!r}: the function must take {wanted} ({error})") from None
    except ValueError:  # built in, with no signature to check
        return
