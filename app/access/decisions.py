"""What policies decide, and what is remembered of it.

The answer to a request is remembered for the same request until the policies change or one that applies begins or ends;
one that depends on the time is not remembered. There is no await between asking and remembering, so that nothing that
was decided by old policies is remembered beside new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from app.access import policy as pure
from app.access.guard import NAMED_CHARS_MAX, Request
from app.access.policy import Policy, Ruling
from app.clock import Clock

REMEMBERED_MAX = 10_000
ACTIONS_MAX = 5_000

_CALL = frozenset(("request", "request.method", "request.address"))

Decided: TypeAlias = tuple[Request, Ruling]


class Decisions:
    """`seen` says how policies see a request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seen: Callable[[Request], Request] = lambda request: request
        self.policies: Sequence[Policy] = ()
        self._by_action: dict[tuple[str, str, str], tuple[Policy, ...]] = {}
        self._young: dict[tuple[Any, ...], Decided] = {}
        self._old: dict[tuple[Any, ...], Decided] = {}
        self._by_call = False

    def use(self, policies: Iterable[Policy]) -> None:
        """Decide by these from now on; forget every decision."""
        self.policies = ordered(policies)
        self._by_call = any(not _CALL.isdisjoint(policy.reads) for policy in self.policies)
        self._by_action.clear()
        self.forget()

    def forget(self) -> None:
        """Decide everything anew."""
        self._young.clear()
        self._old.clear()

    def ruling(self, request: Request) -> Ruling:
        """What is decided, or was."""
        key: tuple[Any, ...] = request if self._by_call else request[:4]  # without the call, which nobody asks for
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self._remember(key, found)
        if found is not None:
            ruling = found[1]
            if ruling.until == pure.FOREVER or self._clock.now_us() < ruling.until:
                return ruling
        now = self._clock.now_us()
        ruling = pure.rule(self._acting_on(request), self.seen(request), now)
        if now < ruling.until:
            self._remember(key, (request, ruling))
        return ruling

    def lasts(self, request: Request) -> bool:
        """Whether it passes, and does so whichever call asks for it, and whenever, until the policies change."""
        ruling = self.ruling(request)
        passes = ruling.denial is None and not ruling.monitored
        return passes and not self._by_call and ruling.until == pure.FOREVER

    def remembered(self) -> Sequence[Decided]:
        """Distinct requests of late, with what was decided."""
        return [*self._old.values(), *self._young.values()]

    def _remember(self, key: tuple[Any, ...], decided: Decided) -> None:
        if len(decided[0].resource) > NAMED_CHARS_MAX:
            return
        if len(self._young) >= REMEMBERED_MAX // 2:
            self._old, self._young = self._young, {}
        self._young[key] = decided

    def _acting_on(self, request: Request) -> tuple[Policy, ...]:
        """The policies, in order, that are there where it is asked and act on what is asked."""
        environment, org, action = request.environment, request.actor.org, request.action
        found = self._by_action.get((environment, org, action))
        if found is None:
            if len(self._by_action) >= ACTIONS_MAX:
                self._by_action.clear()
            found = tuple(one for one in self.policies if one.is_there(environment, org) and one.acts_on(action))
            self._by_action[environment, org, action] = found
        return found


def ordered(policies: Iterable[Policy]) -> Sequence[Policy]:
    """By name: who denies first is told."""
    return sorted(policies, key=lambda policy: (policy.definition.name, policy.id))
