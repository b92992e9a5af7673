"""JSON in protobuf's Struct and Value: the same messages as protobuf's own translation makes, and the data back."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rpc import structs

SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALARS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_values_are_what_protobuf_makes_of_them(value: Any) -> None:
    message = Value()
    structs.put(message, value)

    assert message == ParseDict(value, Value())
    assert structs.plain(message) == MessageToDict(message)


def test_an_empty_object_and_an_empty_list_are_there() -> None:
    struct, items, holder = Struct(), Value(), Value()

    structs.fill(struct, {"inner": {}})
    structs.put(items, [])
    structs.fill(holder.struct_value, {})

    assert structs.plain(struct) == {"inner": {}}
    assert structs.plain(items) == []
    assert holder.HasField("struct_value")
    assert structs.plain(Value()) is None
    assert structs.plain(ListValue(values=[Value(bool_value=True)])) == [True]


def test_whole_numbers_are_integers_and_large_ones_what_a_double_makes_of_them() -> None:
    struct = Struct()

    structs.fill(struct, {"a": 1.0, "b": 2**70, "c": 1.5, "d": True})

    assert structs.plain(struct) == {"a": 1, "b": float(2**70), "c": 1.5, "d": True}
    assert [type(value) for value in structs.plain(struct).values()].count(int) == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_does_not_have_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="no number of JSON"):
        structs.plain(Value(number_value=number))


def test_levels_are_those_that_a_parser_counts() -> None:
    assert [*map(structs.levels, (1, [], {}, [{}], {"a": [1]}))] == [0, 2, 3, 5, 5]
