"""Steps of a run under test whose results are given, or made by other code than their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ironflow.attempts import StepRetry, Work
from ironflow.durations import Duration
from ironflow.execution import Execution


class StoodInFor(Execution):
    """One whose steps may be stood in for."""

    stand_ins: Mapping[str, Any]

    def work(
        self,
        step_id: str,
        name: str,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: Duration | None,
        retry: StepRetry | None,
    ) -> Work:
        if name in self.stand_ins:
            fn, args, kwargs = _standing_in(self.stand_ins[name], fn, args, kwargs)
        return super().work(step_id, name, fn, args, kwargs, timeout, retry)


def _standing_in(value: Any, fn: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Callable[..., Any], Any, Any]:
    if isinstance(value, BaseException) or not callable(value):
        return give, (value,), {}
    return value, args, kwargs


async def give(value: Any) -> Any:
    """The value; raised if it is an error."""
    if isinstance(value, BaseException):
        raise value
    return value
