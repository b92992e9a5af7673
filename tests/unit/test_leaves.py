"""The modules everything else stands on: names, ids, instants, JSON, expressions, settings."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock, durations, expressions, ids, jsonvalue, patterns
from app.clock import ManualClock
from app.errors import InvalidArgument, PayloadTooLarge
from app.expressions import EvaluationFailed
from app.ids import Ids
from app.patterns import PatternIndex
from app.settings import Settings, SettingsError, resolve

SEGMENT = st.sampled_from(["a", "b", "c"])
NAME = st.lists(SEGMENT, min_size=1, max_size=4).map(".".join)
PATTERN = st.tuples(
    st.lists(st.one_of(SEGMENT, st.just("*")), max_size=3), st.one_of(SEGMENT, st.just("*"), st.just(">"))
).map(lambda parts: ".".join([*parts[0], parts[1]]))


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("order.placed", "order.placed", True),
        ("order.*", "order.placed", True),
        ("order.*", "order", False),
        ("order.*", "order.placed.now", False),
        ("order.>", "order.placed.now", True),
        ("order.>", "order", False),
        (">", "anything.at.all", True),
        ("*.placed", "order.placed", True),
        ("*", "order", True),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    assert patterns.compile(pattern).matches(name) is fits


@pytest.mark.parametrize(
    "pattern", ["", ".", "a.", ".a", "a..b", "a.>.b", ">.a", "a*", "a.b>", "a b", "a\n", "x" * 256]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgument):
        patterns.compile(pattern)


@given(st.lists(PATTERN, max_size=8), NAME)
def test_the_index_finds_what_the_patterns_match_one_by_one(chosen: list[str], name: str) -> None:
    index: PatternIndex[int] = PatternIndex()
    for number, pattern in enumerate(chosen):
        index.add(pattern, number)

    expected = [number for number, pattern in enumerate(chosen) if patterns.compile(pattern).matches(name)]
    assert index.matching(name) == expected
    if expected:
        index.remove(expected[0])
        assert index.matching(name) == expected[1:]


def test_ids_sort_in_the_order_they_were_made_whatever_the_clock_does() -> None:
    moving = ManualClock(1_764_000_000_000_000)
    made = Ids(moving, lambda count: bytes(count))
    found = []
    for step in range(10_000):
        found.append(made.run())
        moving.advance(us=(step % 3 - 1) * 700)

    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert all(len(one) == 30 and one.startswith("run_") for one in found)


def test_an_id_is_a_uuid_of_version_7_with_its_time() -> None:
    made = Ids(ManualClock(1_764_000_000_123_000)).event().removeprefix("evt_")

    number = 0
    for char in made:
        number = number * 32 + ids.ALPHABET.index(char)
    assert number >> 80 == 1_764_000_000_123
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0x3 == 2


def test_a_keyed_id_depends_on_every_part_and_on_where_they_part() -> None:
    assert ids.keyed("evt", "a", "b") == ids.keyed("evt", "a", "b")
    assert len({ids.keyed("evt", *parts) for parts in (("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"))}) == 4


@given(st.integers(0, 4_102_444_800_000_000))
def test_instants_survive_being_written(us: int) -> None:
    assert clock.parse_rfc3339(clock.rfc3339(us)) == us


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        clock.parse_rfc3339(text)


def test_instants_may_be_given_as_time_gone_by() -> None:
    assert clock.parse_instant("15m", 10**12) == clock.parse_instant("15m ago", 10**12) == 10**12 - 900 * 10**6


@pytest.mark.parametrize(
    ("text", "us"), [("500ms", 500_000), ("1.5s", 1_500_000), ("2h", 7_200_000_000), (3, 3_000_000)]
)
def test_durations(text: Any, us: int) -> None:
    assert durations.parse_duration(text) == us


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 week", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        durations.parse_duration(text)


async def test_a_manual_clock_wakes_those_whose_time_has_come() -> None:
    moved = ManualClock(0)
    waits = [asyncio.create_task(moved.wait_until(at, asyncio.Event())) for at in (10, 20)]
    await asyncio.sleep(0)

    moved.advance(us=10)
    await waits[0]

    assert not waits[1].done()
    waits[1].cancel()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _sayable(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return "\\u0000" not in text and not any(0xD800 <= ord(char) < 0xE000 for char in text)


@given(JSON)
def test_json_is_taken_exactly_if_it_can_be_stored_everywhere(value: Any) -> None:
    raw = json.dumps(value).encode()

    if _sayable(value):
        assert jsonvalue.check(raw, field="data") == value
        assert json.loads(jsonvalue.encode(value, field="data")) == value
    else:
        with pytest.raises(InvalidArgument):
            jsonvalue.check(raw, field="data")


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert jsonvalue.check(b'"\\\\u0000"', field="data") == "\\u0000"


@pytest.mark.parametrize("depth", [100, 101])
@pytest.mark.parametrize("unit", [b"[]", b'{"a":}'])
def test_a_hundred_levels_and_no_more(depth: int, unit: bytes) -> None:
    opening, closing = unit[:-1], unit[-1:]
    raw = opening * (depth - 1) + (b"[]" if unit == b"[]" else b"{}") + closing * (depth - 1)

    if depth == 100:
        jsonvalue.check(raw, field="data")
    else:
        with pytest.raises(InvalidArgument, match="100 levels"):
            jsonvalue.check(raw, field="data")


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}, "\ud800"])
def test_values_that_are_no_json_are_not_written(value: Any) -> None:
    with pytest.raises((InvalidArgument, UnicodeEncodeError)):
        jsonvalue.encode(value, field="data")


def test_size_is_looked_at_first() -> None:
    with pytest.raises(PayloadTooLarge):
        jsonvalue.check(b"[" * 11, field="data", size_max=10)


VARIABLES = frozenset(("event", "name"))


@pytest.mark.parametrize(
    ("text", "event", "holds"),
    [
        ("event.total > 100", {"total": 101}, True),
        ("event.total > 100", {"total": 99.5}, False),
        ("event.tags.exists(t, t == 'x')", {"tags": ["y", "x"]}, True),
        ("has(event.a) && event.a.startsWith('b')", {"a": "bc"}, True),
        ("has(event.a)", {}, False),
        ("size(event.list) == 2 && event.list[0] in [1, 2]", {"list": [1, 5]}, True),
        ("event.none == null", {"none": None}, True),
    ],
)
def test_expressions(text: str, event: Any, holds: bool) -> None:
    assert expressions.compile(text, variables=VARIABLES, field="x").true({"event": event, "name": ""}) is holds


@pytest.mark.parametrize("text", ["", "1 +", "other == 1", "event.a ==", "x" * 5_000])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        expressions.compile(text, variables=VARIABLES, field="x")


def test_an_expression_that_does_not_fit_the_data_says_so_or_is_false() -> None:
    compiled = expressions.compile("event.missing > 1", variables=VARIABLES, field="x")

    with pytest.raises(EvaluationFailed):
        compiled.true({"event": {}, "name": ""})
    assert compiled.true({"event": {}, "name": ""}, on_error=False) is False


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ironflow.yaml"
    file.write_text(
        "apiVersion: ironflow/v1\nkind: Server\nspec:\n  port: 1\n  grpcPort: 2\n  dataDir: ${HERE:-x}/d\n"
        "  storage: {url: 'postgresql://${USER_NAME}@h/d'}\n"
    )
    environment = {"IRONFLOW_PORT": "11", "IRONFLOW_GRPC_PORT": "12", "USER_NAME": "u", "IRONFLOW_DEV": "true"}

    settings = resolve({"port": "21", "host": None}, file=file, environment=environment)

    assert settings == Settings(port=21, grpc_port=12, data_dir="x/d", database_url="postgresql://u@h/d", dev=True)


@pytest.mark.parametrize(
    ("flags", "environment", "text"),
    [
        ({"port": "x"}, {}, "--port is 'x'"),
        ({"port": "70000"}, {}, "--port"),
        ({}, {"IRONFLOW_DEV": "maybe"}, "IRONFLOW_DEV is 'maybe'"),
        ({"log_level": "inof"}, {}, "--log-level"),
        ({"host": "0.0.0.0"}, {}, "reachable from other machines"),
    ],
)
def test_a_bad_setting_is_named_with_where_it_came_from(
    flags: dict[str, str], environment: dict[str, str], text: str
) -> None:
    with pytest.raises(SettingsError, match=text) as refused:
        resolve(flags, environment=environment)
    assert refused.value.hint


@pytest.mark.parametrize(
    "content",
    [
        "nonsense",
        "apiVersion: other",
        "apiVersion: ironflow/v1\nkind: Server\nspec: {prot: 1}",
        "a: [",
        "x: ${NOT_SET}",
    ],
)
def test_a_bad_settings_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.yaml").write_text(content)

    with pytest.raises(SettingsError):
        resolve({}, file=tmp_path / "f.yaml", environment={})
