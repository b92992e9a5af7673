"""Metrics in the Prometheus text format, at /metrics. What is counted is told by whoever does it; what is, is asked."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class _HasKind(Protocol):
    @property
    def kind(self) -> str: ...


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._entries = self._counter("ironflow_entries", "Entries recorded in history", "kind")
        self._commits = self._counter("ironflow_commits", "Transactions committed")
        self._refusals = self._counter("ironflow_refusals", "Requests refused", "code")
        self._requests = self._counter("ironflow_http_requests", "HTTP requests answered", "method", "route", "status")
        self._commit_seconds = self._histogram("ironflow_commit_seconds", "Duration of a commit", _SECONDS)
        self._commit_commands = self._histogram("ironflow_commit_commands", "Commands in a commit", _COMMANDS)
        self._request_seconds = self._histogram(
            "ironflow_http_request_seconds", "Duration of an HTTP request", _SECONDS, "route"
        )

    def committed(self, *, commands: int, entries: Sequence[_HasKind], seconds: float) -> None:
        self._commits.inc()
        self._commit_seconds.observe(seconds)
        self._commit_commands.observe(commands)
        for kind, count in Tally(entry.kind for entry in entries).items():
            self._entries.labels(kind).inc(count)

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def requested(self, *, method: str, route: str, status: str, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is asked when the metrics are read."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)
