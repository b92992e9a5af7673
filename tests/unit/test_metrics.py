"""Metrics: what a scrape finds."""

from __future__ import annotations

from dataclasses import dataclass

from app.exposition import exposition
from app.metrics import TABLE, Distribution, Metrics


@dataclass(frozen=True)
class Entry:
    kind: str


def scraped(metrics: Metrics) -> dict[str, float]:
    lines = [line for line in exposition(metrics).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_commit_counts_once_with_its_entries_by_kind() -> None:
    metrics = Metrics()

    metrics.committed(
        commands=3, entries=[Entry("run.created"), Entry("event.emitted"), Entry("run.created")], seconds=0.002
    )

    found = scraped(metrics)
    assert found["ironflow_commits_total"] == 1
    assert found['ironflow_entries_total{kind="run.created"}'] == 2
    assert found['ironflow_commit_seconds_bucket{le="0.0025"}'] == 1
    assert found["ironflow_commit_commands_sum"] == 3


def test_a_commit_is_in_every_bucket_from_its_own_size_on() -> None:
    metrics = Metrics()

    metrics.committed(commands=5, entries=[], seconds=9.0)

    found = scraped(metrics)
    assert found['ironflow_commit_commands_bucket{le="2.0"}'] == 0
    assert (
        found['ironflow_commit_commands_bucket{le="5.0"}'] == found['ironflow_commit_commands_bucket{le="+Inf"}'] == 1
    )
    assert found['ironflow_commit_seconds_bucket{le="5.0"}'] == 0
    assert found["ironflow_commit_seconds_count"] == found['ironflow_commit_seconds_bucket{le="+Inf"}'] == 1


def test_requests_are_counted_by_route_and_refusals_by_code() -> None:
    metrics = Metrics()

    metrics.requested(method="GET", route="/api/v1/runs/{id}", status="404", seconds=0.01)
    metrics.refused("RUN_NOT_FOUND")

    found = scraped(metrics)
    assert found['ironflow_http_requests_total{method="GET",route="/api/v1/runs/{id}",status="404"}'] == 1
    assert found['ironflow_refusals_total{code="RUN_NOT_FOUND"}'] == 1


def test_a_gauge_is_asked_at_every_scrape_and_two_servers_do_not_share_it() -> None:
    metrics, other, jobs = Metrics(), Metrics(), [1.0]
    for one in (metrics, other):
        one.watch("ironflow_jobs_active", lambda: jobs[-1])

    assert scraped(metrics)["ironflow_jobs_active"] == 1
    jobs.append(2.0)
    assert scraped(metrics)["ironflow_jobs_active"] == scraped(other)["ironflow_jobs_active"] == 2


def test_a_scrape_has_what_the_table_has_and_no_more() -> None:
    metrics = Metrics()
    for one in TABLE:
        if one.kind == "gauge":
            metrics.watch(one.name, lambda: 1)
    metrics.watch("ironflow_store_statements_total", lambda: 1)
    metrics.committed(commands=1, entries=[Entry("run.created")], seconds=0.1)
    metrics.requested(method="GET", route="/health", status="200", seconds=0.1)
    metrics.refused("RUN_NOT_FOUND")

    lines = exposition(metrics).decode().splitlines()

    told = {tuple(line.split()[2:]) for line in lines if line.startswith("# TYPE")}
    helps = {line.removeprefix("# HELP ") for line in lines if line.startswith("# HELP")}
    assert told == {(one.name, one.kind) for one in TABLE}
    assert {f"{one.name} {one.text}" for one in TABLE} <= helps
    for one in TABLE:
        assert all(any(line.startswith(one.name) and f'{label}="' in line for line in lines) for label in one.labels)


def test_a_quantile_is_the_bound_below_which_that_share_lies() -> None:
    told = Distribution((1, 2, 5))
    assert (told.quantile(0.5), told.mean) == (None, 0)

    for value in (0.5, 0.5, 1.5, 9):
        told.observe(value)

    assert [told.quantile(share) for share in (0.5, 0.75, 0.99)] == [1, 2, None]
    assert (told.count, told.mean) == (4, 2.875)
