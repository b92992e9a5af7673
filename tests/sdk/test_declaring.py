"""Options that make no sense are refused where they are written, in words that say how to write them."""

from __future__ import annotations

import functools
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from ironflow import Context, Function, Retry, Worker, function, on
from ironflow.durations import seconds


async def handler(ctx: Context) -> None: ...


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"triggers": "order.placed"}, r"\['order.placed'\]"),
        ({"triggers": [7]}, "not 7"),
        ({"triggers": ["order..placed"]}, "empty segment"),
        ({"triggers": [""]}, "empty segment"),
        ({"triggers": ["order.>.placed"]}, "after '>'"),
        ({"triggers": ["order*"]}, "within a segment"),
        ({"triggers": ["order placed"]}, "spaces"),
        ({"timeout": 0}, "timeout must be greater than zero"),
        ({"timeout": "soon"}, "500ms, 30s"),
        ({"timeout": "25d"}, "less than 24 days"),
        ({"timeout": True}, "not a duration"),
        ({"timeout": float("inf")}, "not a duration"),
        ({"step_timeout": -1}, "step_timeout must be greater than zero"),
        ({"retry": {"max_attempts": 3}}, "must be a Retry"),
    ],
)
def test_a_function(options: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        function("f", **options)


@pytest.mark.parametrize("id", ["", None, "a b", "a\n", "x" * 256])
def test_a_functions_id(id: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        function(id)


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"max_attempts": True},
        {"max_attempts": 2**31},
        {"on_exhausted": "explode"},
        {"backoff_factor": 0.5},
        {"backoff_factor": float("nan")},
        {"initial_delay": 0},
        {"initial_delay": "10m"},
        {"max_delay": "ever"},
    ],
)
def test_retries(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Retry(**options)


async def two_arguments(ctx: Any, more: Any) -> None: ...
async def no_argument() -> None: ...
def generator(ctx: Any) -> Any:
    yield 1


@pytest.mark.parametrize("wrong", [two_arguments, no_argument, generator, "text"])
def test_a_handler(wrong: Any) -> None:
    with pytest.raises(TypeError, match="function 'f'"):
        function("f")(wrong)


def test_a_declared_function_can_be_called_and_knows_its_source() -> None:
    class Service:
        async def method(self, ctx: Context) -> None: ...

        def __call__(self, ctx: Any) -> str:
            return f"called with {ctx}"

    plain = function("f", triggers=[on("a.*")])(Service())
    declared = [function("f")(one) for one in (handler, Service().method, functools.partial(two_arguments, more=1))]

    assert plain("x") == "called with x"
    assert not plain.is_async
    assert [one.is_async for one in declared] == [True, True, True]
    assert declared[0].code_hash != declared[1].code_hash
    assert all(len(one.code_hash) == 16 for one in (plain, *declared))


@pytest.mark.parametrize(
    ("functions", "options"),
    [
        ([], {}),
        (Function("f", handler), {}),
        ([handler], {}),
        ([Function("f", handler), Function("f", handler)], {}),
        ([Function("f", handler)], {"max_concurrent_jobs": 0}),
        ([Function("f", handler)], {"threads": 0}),
    ],
)
def test_a_worker(functions: Any, options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Worker(functions, **options)


@pytest.mark.parametrize(
    ("given", "length_s"),
    [(2, 2.0), (0.5, 0.5), ("500ms", 0.5), ("1.5h", 5_400.0), (" 7d ", 604_800.0), (timedelta(minutes=5), 300.0)],
)
def test_durations_are_read(given: Any, length_s: float) -> None:
    assert seconds(given) == length_s


@pytest.mark.parametrize("given", ["", "5", "5 s", "-5s", "1e3s", "٣s", None, [], True, float("nan")])
def test_what_is_no_duration_is_refused(given: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        seconds(given)


def test_importing_the_package_loads_no_heavy_library() -> None:
    heavy = {"asyncio", "google.protobuf", "grpc", "httpx"}
    code = f"import sys, ironflow; print({heavy} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert loaded.stdout.strip() == "set()"
