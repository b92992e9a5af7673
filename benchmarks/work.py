"""The work that every system is given: a run of five steps, with about 100 bytes of JSON in and from each step."""

from __future__ import annotations

STEPS = 5
PAYLOAD = b'{"id":1,"customer":"c-42","items":[{"sku":"a-1","quantity":2}],"note":"about a hundred bytes of data"}'
TOTAL = sum(range(STEPS))
"""What a run answers: it adds up the numbers of its steps' outputs."""


def output(number: int) -> dict[str, object]:
    """What one step returns."""
    return {"ok": True, "text": "x" * 80, "number": number}


def number_of(result: dict[str, object]) -> int:
    """The number in a step's output, as the run gets it back."""
    return int(str(result["number"]))
