"""What is told of an exception: message, code, whether to try again, and the user's frames. Never raises, whatever the
exception does when it is looked at."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ironflow.errors import IronflowError, NonRetryableError, RetryAfterError, StepError

MESSAGE_CHARS_MAX = 4_000
STACK_CHARS_MAX = 16_000
_INT32_MAX = 2**31 - 1
_SDK = f"{Path(__file__).parent}/"


@dataclass(frozen=True, slots=True)
class Failure:
    """As the engine records it; `retry_after_ms` is 0 when the usual delay will do."""

    message: str
    code: str
    retryable: bool
    retry_after_ms: int
    stack: str


def of_step(name: str, error: BaseException) -> StepError:
    """The error that the handler gets for what a step raised."""
    told = of_handler(error)
    if isinstance(error, NonRetryableError | IronflowError | RetryAfterError):
        message, code = told.message, error.code if isinstance(error, NonRetryableError) else "STEP_FAILED"
    else:
        kind = type(error).__name__
        message = told.message if told.message == kind else f"{kind}: {told.message}"
        code = "STEP_FAILED"
    return StepError(message, step=name, code=code, retryable=told.retryable, retry_after_ms=told.retry_after_ms)


def of_handler(error: BaseException) -> Failure:
    """What is told of the error that ended a handler. Of a group the most decisive error counts: one that must not be
    tried again, else one that says when."""
    decisive = _decisive(error)
    code, retryable, retry_after_ms = type(decisive).__name__, True, 0
    match decisive:
        case NonRetryableError():
            code, retryable = decisive.code, False
        case RetryAfterError():
            retry_after_ms = _bounded_ms(decisive.seconds)
        case StepError():
            code, retryable, retry_after_ms = decisive.code, decisive.retryable, decisive.retry_after_ms
        case IronflowError() if decisive.code:
            code = decisive.code
    return Failure(
        message=_clean(text_of(decisive))[:MESSAGE_CHARS_MAX],
        code=code,
        retryable=retryable,
        retry_after_ms=retry_after_ms,
        stack=stack_of(error),
    )


def text_of(error: BaseException) -> str:
    """The error's own text, or the name of its class where it has none or fails to tell it."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - the error's own str() is user code
        return f"{type(error).__name__} (its text cannot be shown)"


def stack_of(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of this package. The end is kept if it is too long."""
    try:
        shown = traceback.TracebackException.from_exception(error)
        for one in _chain(shown):
            # A frame of ours says nothing to the one who reads it; if there is no other, all stay.
            frames = [frame for frame in one.stack if not frame.filename.startswith(_SDK)]
            if frames:
                one.stack = traceback.StackSummary.from_list(frames)
        text = "".join(shown.format())
    except Exception:  # noqa: BLE001 - as above, and whatever else its class overrides
        text = f"{''.join(traceback.format_tb(error.__traceback__))}{text_of(error)}\n"
    return _clean(text)[-STACK_CHARS_MAX:]


def _chain(error: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other is not None]


def _decisive(error: BaseException) -> BaseException:
    leaves = list(_leaves(error))
    for decides in (_final, _delayed):
        for leaf in leaves:
            if decides(leaf):
                return leaf
    return leaves[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _final(error: BaseException) -> bool:
    return isinstance(error, NonRetryableError) or (isinstance(error, StepError) and not error.retryable)


def _delayed(error: BaseException) -> bool:
    return isinstance(error, RetryAfterError) or (isinstance(error, StepError) and error.retry_after_ms > 0)


def _bounded_ms(delay_s: float) -> int:
    return max(1, min(round(delay_s * 1_000), _INT32_MAX))


def _clean(text: str) -> str:
    """Protobuf strings are UTF-8: a lone surrogate in a text becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
