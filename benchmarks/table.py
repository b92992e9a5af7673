"""Samples as text: a line for one, a table in Markdown for all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.subject import Sample

HEADERS = ("in flight", "system", "steps/s", "p50 ms", "p99 ms", "CPU-ms a step", "of which", "foreign CPUs")


def line(name: str, sample: Sample) -> str:
    """What one case showed."""
    latency = f"p50 {sample.load.ms(0.5):,.1f} ms  p99 {sample.load.ms(0.99):,.1f} ms"
    costs = ", ".join(f"{process} {spent:.3f}" for process, spent in sample.cpu_ms.items())
    return (
        f"  {name:<18} {sample.clients:>3} in flight {sample.steps_s:>8,.0f} steps/s  {latency}"
        f"  CPU-ms a step: {costs}  foreign CPUs {sample.foreign:.1f}{errors([sample])}"
    )


def lines(samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    """The median over the rounds, with the least and the most in parentheses: a row for each system and load."""
    loads = sorted({sample.clients for some in samples.values() for sample in some})
    rows: list[tuple[str, ...]] = [HEADERS]
    for clients in loads:
        for name, some in samples.items():
            rows.append(_row(name, [sample for sample in some if sample.clients == clients]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    rows.insert(1, tuple("-" * width for width in widths))
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]


def _row(name: str, rounds: Sequence[Sample]) -> tuple[str, ...]:
    costs = {process: statistics.median(sample.cpu_ms[process] for sample in rounds) for process in rounds[0].cpu_ms}
    return (
        str(rounds[0].clients),
        name,
        spread([sample.steps_s for sample in rounds]) + errors(rounds),
        spread([sample.load.ms(0.5) for sample in rounds]),
        spread([sample.load.ms(0.99) for sample in rounds]),
        spread([sample.cpu_ms_total for sample in rounds]),
        ", ".join(f"{process} {cost:.2f}" for process, cost in costs.items()),
        spread([sample.foreign for sample in rounds]),
    )


def spread(values: Sequence[float]) -> str:
    """`median (least..most)`, to about three figures."""
    digits = 0 if statistics.median(values) >= 100 else 1 if statistics.median(values) >= 10 else 2
    median, least, most = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{median} ({least}..{most})"


def errors(samples: Sequence[Sample]) -> str:
    """Nothing if all answers were right: a case with wrong ones has no speed."""
    wrong = sum(sample.load.errors for sample in samples)
    return f"  {wrong} ERRORS" if wrong else ""
