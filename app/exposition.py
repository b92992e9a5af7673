"""Metrics in the Prometheus text format, at /metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.metrics import TABLE, Distribution, Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]

_BY_NAME = {one.name: one for one in TABLE}


def exposition(metrics: Metrics) -> bytes:
    """All of them, as they are now."""
    registry = CollectorRegistry()
    registry.register(_All(metrics))
    return generate_latest(registry)


class _All(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield _counter("ironflow_commits_total", [((), metrics.commits)])
        yield _counter("ironflow_entries_total", [((kind,), count) for kind, count in list(metrics.entries.items())])
        yield _histogram("ironflow_commit_seconds", [((), metrics.commit_seconds)])
        yield _histogram("ironflow_commit_commands", [((), metrics.commit_commands)])
        yield _counter("ironflow_http_requests_total", list(metrics.requests.items()))
        seconds = list(metrics.request_seconds.items())
        yield _histogram("ironflow_http_request_seconds", [((route,), one) for route, one in seconds])
        yield _counter("ironflow_refusals_total", [((code,), count) for code, count in list(metrics.refusals.items())])
        for name, value in metrics.asked.items():
            described = _BY_NAME[name]
            if described.kind == "counter":
                yield _counter(name, [((), value())])
            else:
                yield GaugeMetricFamily(name, described.text, value())


def _counter(name: str, counts: Iterable[tuple[Labels, float]]) -> Metric:
    """Counts by the values of their labels."""
    described = _BY_NAME[name]
    family = CounterMetricFamily(name, described.text, labels=described.labels)
    for labels, count in counts:
        family.add_metric(labels, count)
    return family


def _histogram(name: str, distributions: Iterable[tuple[Labels, Distribution]]) -> Metric:
    """Distributions by the values of their labels."""
    described = _BY_NAME[name]
    family = HistogramMetricFamily(name, described.text, labels=described.labels)
    for labels, distribution in distributions:
        family.add_metric(labels, *distribution.told())
    return family
