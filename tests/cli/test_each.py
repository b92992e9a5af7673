"""Several things that are changed one by one: which are tried, and what is told of those that were refused."""

from __future__ import annotations

import io

import pytest

from app.cli import each
from app.cli.output import Output
from ironflow.errors import Conflict, IronflowError, NotFound, ServerUnavailable, Timeout, Unauthenticated


def changing(**refusals: IronflowError) -> tuple[each.Outcome[str], list[str]]:
    """What comes of changing a, b, b and c, and which were tried."""
    tried: list[str] = []

    def act(thing: str) -> None:
        tried.append(thing)
        if thing in refusals:
            raise refusals[thing]

    return each.change("abbc", act), tried


def test_one_that_is_refused_keeps_none_of_the_others_from_it() -> None:
    outcome, tried = changing(a=NotFound("no a"), b=Conflict("b is taken", code="TAKEN"))

    assert (tried, outcome.changed, outcome.exit_code) == (["a", "b", "c"], ["c"], 1)
    told = [{"name": "a", "code": "", "error": "no a"}, {"name": "b", "code": "TAKEN", "error": "b is taken"}]
    assert outcome.refused_as("name") == told
    assert changing()[0] == (["a", "b", "c"], [])
    assert changing()[0].exit_code == 0


@pytest.mark.parametrize("kind", [ServerUnavailable, Timeout, Unauthenticated])
def test_a_server_that_would_say_the_same_of_the_others_is_not_asked(kind: type[IronflowError]) -> None:
    outcome, tried = changing(b=kind("nobody is there"))

    assert (tried, outcome.changed) == (["a", "b"], ["a"])
    assert [(thing, str(why)) for thing, why in outcome.refused] == [("b", "nobody is there"), ("c", "nobody is there")]


def test_a_signature_that_is_refused_tells_nothing_of_others() -> None:
    outcome, tried = changing(a=Unauthenticated("not signed", code="SIGNATURE_REFUSED"))

    assert (tried, outcome.changed) == (["a", "b", "c"], ["b", "c"])


def test_of_one_alone_the_refusal_is_raised() -> None:
    def refuse(thing: int) -> None:
        raise NotFound(f"no {thing}")

    with pytest.raises(NotFound, match="no 7"):
        each.change([7, 7], refuse)


def test_people_are_told_of_the_first_that_were_refused() -> None:
    told = io.StringIO()

    refused = [(number, "no", "NO", "look") for number in range(each.SHOWN_MAX + 2)]
    each.tell_refused(Output(err=told, unicode=True), refused)

    lines = told.getvalue().splitlines()
    assert lines[:2] == ["✕ 0: no", "  Try: look"]
    assert (len(lines), lines[-1]) == (2 * each.SHOWN_MAX + 1, "  and 2 more: --json names all")
