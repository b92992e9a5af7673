"""JSON of users: everything that the standard takes, but for what could not be stored, signed or read everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import jsonvalue
from app.errors import InvalidArgument, PayloadTooLarge

PIECES = ["{", "}", "[", "]", ",", ":", '"', '"a"', "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\", "1", "-", "e9", ".5"]
PIECES += ["null", "true", "NaN", " ", "é", "\x00", "1e400", "0"]


def refuse(constant: str) -> Any:
    raise ValueError(constant)


def storable(value: Any) -> bool:
    return not any(char == "\0" or 0xD800 <= ord(char) < 0xE000 for char in _texts(value)) and "inf" not in repr(value)


def _texts(value: Any) -> str:
    match value:
        case str():
            return value
        case list():
            return "".join(map(_texts, value))
        case dict():
            return "".join(key + _texts(inner) for key, inner in value.items())
        case _:
            return ""


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_taken_is_what_the_standard_library_takes_and_can_be_stored(text: str) -> None:
    try:
        value = json.loads(text, parse_constant=refuse)
        expected = storable(value)
    except ValueError:
        value, expected = None, False

    if expected:
        assert jsonvalue.check(text.encode(), field="data") == value
    else:
        with pytest.raises(InvalidArgument):
            jsonvalue.check(text.encode(), field="data")


@pytest.mark.parametrize(
    "raw",
    [
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf1",
        b'{"\\ud800":1}',
        b'{"a\\u0000":1}',
        b"[1e400]",
        b"-Infinity",
        b"1 2",
        b"",
        b"[" * 100_000,
        b"9" * 5_000,
    ],
)
def test_a_refusal_names_the_field_and_says_what_to_do(raw: bytes) -> None:
    with pytest.raises(InvalidArgument) as refused:
        jsonvalue.check(raw, field="data")

    assert refused.value.field == "data"
    assert refused.value.message.startswith("data ")
    assert refused.value.hint


def test_a_nul_at_the_deepest_level_is_found() -> None:
    with pytest.raises(InvalidArgument, match="NUL"):
        jsonvalue.check(b"[" * 100 + b'"\\u0000"' + b"]" * 100, field="data")


def test_many_brackets_that_are_not_deep_are_taken() -> None:
    assert jsonvalue.check(b'["' + b"[" * 200 + b'",' + b"[]," * 200 + b"1]", field="data")


def test_a_whole_number_beyond_64_bits_is_kept() -> None:
    assert jsonvalue.check(b"1" * 100, field="data") == int("1" * 100)


def test_a_value_too_large_is_refused_also_when_written() -> None:
    with pytest.raises(PayloadTooLarge) as refused:
        jsonvalue.encode("x" * jsonvalue.SIZE_BYTES_MAX, field="output")

    assert refused.value.field == "output"


def test_what_holds_itself_is_not_written() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(InvalidArgument):
        jsonvalue.encode(endless, field="output")
