"""What differs between two JSON values leads from the one to the other, and says no more than it must."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.differences import ABSENT, Difference, differences, first, same

leaves = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b/c", "~"]))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["", "a", "b/c", "~"]), inner)
    ),
    max_leaves=12,
)


def applied(value: Any, found: list[Difference]) -> Any:
    """The value with the differences made; those of a list from its end on, so that their numbers hold."""
    whole = {"": copy.deepcopy(value)}
    for one in sorted(found, key=_order):
        place: Any = whole
        names = ["", *(name.replace("~1", "/").replace("~0", "~") for name in one.path.split("/")[1:])]
        for name in names[:-1]:
            place = place[int(name)] if isinstance(place, list) else place[name]
        last: Any = int(names[-1]) if isinstance(place, list) else names[-1]
        if one.op == "remove":
            assert same(place[last], one.before)
            del place[last]
        elif one.op == "add" and isinstance(place, list):
            place.insert(last, one.after)
        else:
            assert one.op == "add" or same(place[last], one.before)
            place[last] = one.after
    return whole[""]


def _order(one: Difference) -> tuple[int, int]:
    number = int(one.path.rpartition("/")[2]) if one.path.rpartition("/")[2].isdecimal() else 0
    return {"replace": 0, "add": 1, "remove": 2}[one.op], number if one.op == "add" else -number


@given(values, values)
def test_differences_lead_from_one_value_to_the_other(before: Any, after: Any) -> None:
    found = list(differences(before, after))

    assert same(applied(before, found), after)
    assert bool(found) != same(before, after)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        (1, True, [("replace", "")]),
        ({"a": None}, {}, [("remove", "/a")]),
        ([1, 2, 3], [1, 9, 2, 3], [("add", "/1")]),
        ([1, 2, 3], [2, 3], [("remove", "/0")]),
        ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, [("replace", "/a~1b/~0")]),
        (2**70, 2**70 + 1, [("replace", "")]),
    ],
)
def test_a_difference_is_named_by_its_place(before: Any, after: Any, wanted: list[tuple[str, str]]) -> None:
    assert [(one.op, one.path) for one in differences(before, after)] == wanted


def test_what_is_missing_is_told_from_null() -> None:
    [added] = differences({}, {"a": None})
    assert (added.before, added.after) == (ABSENT, None)


def test_only_so_many_are_told() -> None:
    found, more = first(list(range(10)), list(range(100, 110)), limit=3)
    assert ([one.path for one in found], more) == (["/0", "/1", "/2"], True)
