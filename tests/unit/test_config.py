"""Documents: what a merge keeps and what a comparison says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values.config import changes, merge

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab/~", max_size=2), VALUES, max_size=4)


@given(document=OBJECTS, patch=OBJECTS)
def test_a_merge_is_shallow(document: dict[str, Any], patch: dict[str, Any]) -> None:
    assert json.loads(merge(json.dumps(document).encode(), json.dumps(patch).encode())) == {**document, **patch}


def test_a_merge_keeps_the_bytes_of_members() -> None:
    assert merge(b'{"a": 1.50, "b": {"x":  1}}', b'{"a": 12345678901234567890123}') == (
        b'{"a":12345678901234567890123,"b":{"x":  1}}'
    )


@given(before=OBJECTS, after=OBJECTS)
def test_changes_lead_from_one_document_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    document = json.loads(json.dumps(before))
    for change in changes(before, after):
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in change["path"].split("/")[1:]]
        place = document
        for name in parents:
            place = place[name]
        if "before" in change:
            assert place[last] == change["before"]
        if change["op"] == "remove":
            del place[last]
        else:
            place[last] = change["after"]

    assert json.dumps(document, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert list(changes(after, after)) == []


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0), (None, 0), ([], {})])
def test_what_json_tells_apart_is_a_change(before: Any, after: Any) -> None:
    assert [change["op"] for change in changes({"x": before}, {"x": after})] == ["replace"]
