"""Which rows of a run to show: words that a row has to have, and words with a minus that it may not have."""

from __future__ import annotations

from collections.abc import Sequence

from app.debugger.steps import Row, Steps


def numbers(steps: Steps, text: str) -> Sequence[int] | None:
    """Of the rows that fit, in order; None where all do. Words are sought in name, path, kind of step, how the attempt
    ended, and what is said of it: `failed`, `charge -completed`."""
    wanted = [word for word in text.lower().split() if word != "-"]
    if not wanted:
        return None
    return [number for number, row in enumerate(steps.rows) if _fits(steps, number, row, wanted)]


def _fits(steps: Steps, number: int, row: Row, wanted: Sequence[str]) -> bool:
    said = f"{row.path}\n{row.name}\n{steps.ended(number)}".lower()
    return all((word[1:] not in said) if word.startswith("-") else (word in said) for word in wanted)
