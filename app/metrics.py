"""Metrics in the Prometheus text format, at /metrics. What is counted is told by whoever does it; what is, is asked."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class _HasKind(Protocol):
    @property
    def kind(self) -> str: ...


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._commits = _Commits()
        self._registry.register(self._commits)
        self._refusals = self._counter("ironflow_refusals", "Requests refused", "code")
        self._requests = self._counter("ironflow_http_requests", "HTTP requests answered", "method", "route", "status")
        self._by_request: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._request_seconds = self._histogram(
            "ironflow_http_request_seconds", "Duration of an HTTP request", _SECONDS, "route"
        )

    def committed(self, *, commands: int, entries: Sequence[_HasKind], seconds: float) -> None:
        self._commits.count += 1
        self._commits.seconds.observe(seconds)
        self._commits.commands.observe(commands)
        for entry in entries:
            self._commits.entries[entry.kind] += 1

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def requested(self, *, method: str, route: str, status: str, seconds: float) -> None:
        counted = self._by_request.get((method, route, status))
        if counted is None:  # looking them up by their labels takes longer than counting does
            counted = self._requests.labels(method, route, status), self._request_seconds.labels(route)
            self._by_request[method, route, status] = counted
        count, duration = counted
        count.inc()
        duration.observe(seconds)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is asked when the metrics are read."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)


class _Commits(Collector):
    """What is counted at every commit, in plain numbers: the library's own counters lock and look up each time."""

    def __init__(self) -> None:
        self.count = 0
        self.entries: dict[str, int] = defaultdict(int)
        self.seconds = _Distribution("ironflow_commit_seconds", "Duration of a commit", _SECONDS)
        self.commands = _Distribution("ironflow_commit_commands", "Commands in a commit", _COMMANDS)

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("ironflow_commits", "Transactions committed", value=self.count)
        entries = CounterMetricFamily("ironflow_entries", "Entries recorded in history", labels=["kind"])
        for kind, count in self.entries.items():
            entries.add_metric([kind], count)
        yield entries
        yield self.seconds.told()
        yield self.commands.told()


class _Distribution:
    """How many values lie at or below each bound."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._text = text
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def told(self) -> HistogramMetricFamily:
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        return HistogramMetricFamily(self._name, self._text, buckets=buckets, sum_value=self._sum)
