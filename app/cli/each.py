"""Changing several things, one by one: one that is refused keeps none of the others from it, and is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from app.cli.output import Output

if TYPE_CHECKING:
    from ironflow.errors import IronflowError

SHOWN_MAX = 10
OWN_SIGNATURE = "SIGNATURE_REFUSED"
"""Of one delivery: it tells nothing of the others."""

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """What was changed, in order, and what was not, with the reason."""

    changed: list[T]
    refused: list[tuple[T, IronflowError]]

    @property
    def exit_code(self) -> int:
        return int(bool(self.refused))

    def tell_refused(self, output: Output) -> None:
        """The first of them, each as an error."""
        tell_refused(output, [(thing, error.message, error.code, error.hint) for thing, error in self.refused])

    def refused_as(self, name: str) -> list[dict[str, object]]:
        """For programs: `name` is what the thing is called there."""
        return [{name: thing, "code": error.code, "error": error.message} for thing, error in self.refused]


def change(things: Iterable[T], act: Callable[[T], object]) -> Outcome[T]:
    """Each is tried once, in order. Raises what the only one of them raises, for an exit code that says more. A server
    that is away or knows nobody would say the same of the others: they count as refused without being asked for."""
    from ironflow.errors import IronflowError, ServerUnavailable, Timeout, Unauthenticated

    wanted = list(dict.fromkeys(things))
    outcome: Outcome[T] = Outcome([], [])
    for number, thing in enumerate(wanted):
        try:
            act(thing)
            outcome.changed.append(thing)
        except IronflowError as error:
            if len(wanted) == 1:
                raise
            hopeless = isinstance(error, ServerUnavailable | Timeout | Unauthenticated) and error.code != OWN_SIGNATURE
            outcome.refused.extend((one, error) for one in (wanted[number:] if hopeless else [thing]))
            if hopeless:
                break
    return outcome


def tell_refused(output: Output, refused: Sequence[tuple[object, str, str, str]]) -> None:
    """What was refused, why, its code, and what to try; the first of them."""
    for thing, why, code, hint in refused[:SHOWN_MAX]:
        output.error(f"{thing}: {why}", code=code, hint=hint)
    if len(refused) > SHOWN_MAX:
        output.note(f"  and {len(refused) - SHOWN_MAX} more: --json names all")
