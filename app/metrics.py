"""Metrics: what is counted is told by whoever does it; what is, is asked. `exposition.py` shows them at /metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Described(NamedTuple):
    """A metric by its name, as it is scraped."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...] = ()


TABLE = (
    Described("ironflow_http_requests_total", "counter", "HTTP requests answered", ("method", "route", "status")),
    Described("ironflow_http_request_seconds", "histogram", "Duration of an HTTP request", ("route",)),
    Described("ironflow_refusals_total", "counter", "Requests refused", ("code",)),
    Described("ironflow_commits_total", "counter", "Transactions committed"),
    Described("ironflow_commit_seconds", "histogram", "Duration of a commit"),
    Described("ironflow_commit_commands", "histogram", "Commands in a commit"),
    Described("ironflow_entries_total", "counter", "Entries recorded in history", ("kind",)),
    Described("ironflow_store_statements_total", "counter", "Statements run by the store for units of work"),
    Described("ironflow_history_position", "gauge", "Last position of history"),
    Described("ironflow_nodes", "gauge", "Nodes that serve the store, as far as this one knows"),
    Described("ironflow_node_leads", "gauge", "Whether this node leads: publishes to the NATS that nodes share"),
    Described("ironflow_workers", "gauge", "Workers connected"),
    Described("ironflow_jobs_active", "gauge", "Runs in workers' hands"),
    Described("ironflow_runs_queued", "gauge", "Runs that wait for a worker, or for a limit of their function"),
    Described("ironflow_timers", "gauge", "Timers set"),
    Described("ironflow_waits", "gauge", "Events and child runs that runs wait for"),
    Described("ironflow_triggers_faulty", "gauge", "Triggers that match nothing: see the log"),
    Described("ironflow_subscriptions", "gauge", "Live subscriptions open"),
    Described("ironflow_nats_up", "gauge", "Whether this node publishes to NATS; 0 also where another one does"),
    Described("ironflow_nats_restarts", "gauge", "Restarts of the NATS child, if there is one"),
    Described("ironflow_nats_position", "gauge", "Last position published to NATS"),
    Described("ironflow_nats_lag", "gauge", "Entries that wait to be published to NATS"),
    Described("ironflow_nats_omitted", "gauge", "Entries published without data too large"),
    Described("ironflow_nats_ingested", "gauge", "Events taken from NATS"),
    Described("ironflow_nats_refused", "gauge", "Events from NATS that were refused"),
    Described("ironflow_group_members", "gauge", "Members of consumer groups connected here"),
    Described("ironflow_group_delivered", "gauge", "Deliveries to members of groups"),
    Described("ironflow_group_settled", "gauge", "Deliveries that members settled"),
)
"""Every metric that there is. Those of a node are since its start, or of now."""


class _HasKind(Protocol):
    @property
    def kind(self) -> str: ...


class Metrics:
    """What is counted at every request and commit is counted in plain numbers: a library's counters lock and look up
    each time. Metrics by name and the values of their labels."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, str], int] = defaultdict(int)
        self.request_seconds: dict[str, Distribution] = defaultdict(lambda: Distribution(_SECONDS))
        self.refusals: dict[str, int] = defaultdict(int)
        self.commits = 0
        self.entries: dict[str, int] = defaultdict(int)
        self.commit_seconds = Distribution(_SECONDS)
        self.commit_commands = Distribution(_COMMANDS)
        self.asked: dict[str, Callable[[], float]] = {}

    def committed(self, *, commands: int, entries: Sequence[_HasKind], seconds: float) -> None:
        self.commits += 1
        self.commit_seconds.observe(seconds)
        self.commit_commands.observe(commands)
        for entry in entries:
            self.entries[entry.kind] += 1

    def refused(self, code: str) -> None:
        self.refusals[code] += 1

    def requested(self, *, method: str, route: str, status: str, seconds: float) -> None:
        self.requests[method, route, status] += 1
        self.request_seconds[route].observe(seconds)

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """A gauge of the table, or a counter that somebody else keeps: it is asked when the metrics are read."""
        self.asked[name] = value


class Distribution:
    """How many values lie at or below each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    @property
    def mean(self) -> float:
        """0 while there is none."""
        return self._sum / count if (count := self.count) else 0.0

    def quantile(self, share: float) -> float | None:
        """The bound below which that share of all lies; None if it is beyond the last, or there is none."""
        wanted = share * self.count
        for bound, reached in zip(self._bounds, accumulate(self._counts), strict=False):
            if reached and reached >= wanted:
                return bound
        return None

    def told(self) -> tuple[Sequence[tuple[str, float]], float]:
        """How many up to each bound, and the sum of all."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum
