"""Metrics in the Prometheus text format, at /metrics. What is counted is told by whoever does it; what is, is asked."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

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

_BY_NAME = {one.name: one for one in TABLE}


class _HasKind(Protocol):
    @property
    def kind(self) -> str: ...


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._commits = _Commits()
        self._registry.register(self._commits)
        self._requests = _Requests()
        self._registry.register(self._requests)
        self._refusals = self._counter("ironflow_refusals_total")

    def committed(self, *, commands: int, entries: Sequence[_HasKind], seconds: float) -> None:
        self._commits.count += 1
        self._commits.seconds.observe(seconds)
        self._commits.commands.observe(commands)
        for entry in entries:
            self._commits.entries[entry.kind] += 1

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def requested(self, *, method: str, route: str, status: str, seconds: float) -> None:
        self._requests.count[method, route, status] += 1
        self._requests.seconds[route].observe(seconds)

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """A gauge of the table, which is asked when the metrics are read."""
        Gauge(name, _BY_NAME[name].text, registry=self._registry).set_function(value)

    def count(self, name: str, value: Callable[[], float]) -> None:
        """A counter of the table that somebody else keeps, which is asked when the metrics are read."""
        self._registry.register(_Count(name, value))

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, name: str) -> Counter:
        described = _BY_NAME[name]
        return Counter(name, described.text, described.labels, registry=self._registry)


class _Count(Collector):
    def __init__(self, name: str, value: Callable[[], float]) -> None:
        self._name = name
        self._value = value

    def collect(self) -> Iterator[Metric]:
        yield _family(self._name, self._value())


class _Requests(Collector):
    """What is counted at every request, in plain numbers: the library's own counters lock and look up each time."""

    def __init__(self) -> None:
        self.count: dict[tuple[str, str, str], int] = defaultdict(int)
        self.seconds: dict[str, _Distribution] = defaultdict(lambda: _Distribution(_SECONDS))

    def collect(self) -> Iterator[Metric]:
        requests = _family("ironflow_http_requests_total")
        for labels, count in list(self.count.items()):
            requests.add_metric(labels, count)
        yield requests
        yield _histogram("ironflow_http_request_seconds", {(route,): one for route, one in list(self.seconds.items())})


class _Commits(Collector):
    """The same at every commit."""

    def __init__(self) -> None:
        self.count = 0
        self.entries: dict[str, int] = defaultdict(int)
        self.seconds = _Distribution(_SECONDS)
        self.commands = _Distribution(_COMMANDS)

    def collect(self) -> Iterator[Metric]:
        yield _family("ironflow_commits_total", self.count)
        entries = _family("ironflow_entries_total")
        for kind, count in self.entries.items():
            entries.add_metric([kind], count)
        yield entries
        yield _histogram("ironflow_commit_seconds", {(): self.seconds})
        yield _histogram("ironflow_commit_commands", {(): self.commands})


def _family(name: str, value: float | None = None) -> CounterMetricFamily:
    described = _BY_NAME[name]
    return CounterMetricFamily(name, described.text, value, described.labels or None)


def _histogram(name: str, distributions: Mapping[tuple[str, ...], _Distribution]) -> HistogramMetricFamily:
    """Distributions by the values of their labels."""
    described = _BY_NAME[name]
    family = HistogramMetricFamily(name, described.text, labels=described.labels)
    for labels, distribution in distributions.items():
        family.add_metric(labels, *distribution.told())
    return family


class _Distribution:
    """How many values lie at or below each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def told(self) -> tuple[Sequence[tuple[str, float]], float]:
        """How many up to each bound, and the sum of all."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum
