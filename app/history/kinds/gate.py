"""What happens at gates: where an option of a function lets events through, counts or holds them.

Every fact names its gate in full and, except among the events of a batch and the passes of a window, says all that
counts from then on: a gate is folded from its last few entries, however long its stream has grown.
"""

from __future__ import annotations

from app.history.kinds.base import Fact
from app.history.kinds.run import Failure, RunCreated


class GatePassed(Fact, frozen=True):
    """stream gate/<option>/<function>/<key>…, as are all that follow: a run was created; `at` is the cron tick"""

    kind = "gate.passed"
    function_id: str
    option: str
    key: str = ""
    run_id: str = ""
    at: int = 0


class GateHeld(Fact, frozen=True):
    """An event waits, to become a run at `fires_at`: `created`, whose tags the event tells then, or for a failed run
    (`run_id`, `error`) that of its on_failure function."""

    kind = "gate.held"
    function_id: str
    option: str
    event_id: str
    fires_at: int
    key: str = ""
    armed_at: int = 0
    size_bytes: int = 0
    created: RunCreated | None = None
    run_id: str = ""
    error: Failure | None = None


class GateFired(Fact, frozen=True):
    """The first `count` events that waited are the run's; `left` go on waiting, until fires_at."""

    kind = "gate.fired"
    function_id: str
    option: str
    run_id: str
    key: str = ""
    count: int = 1
    left: int = 0
    fires_at: int = 0


class GateCancelled(Fact, frozen=True):
    """A person dropped what waited."""

    kind = "gate.cancelled"
    function_id: str
    option: str
    key: str = ""
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (GatePassed, GateHeld, GateFired, GateCancelled)
