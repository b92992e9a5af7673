"""Workers that were refused at the door: how often, with which key, and why. In memory, of this node, for an hour.

Whoever looks after workers is to see that one knocks in vain; the audit has those refusals that a role or a policy
decided. Of credentials that nobody has, only the kind and the last two characters are kept: enough to find the key in
a configuration, too little to use it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from app.access.credentials import KEY_PREFIX, PLATFORM_PREFIX, SESSION_PREFIX
from app.clock import Clock

CONNECTING = frozenset(("workers:connect", "functions:register"))
"""What a worker asks for before it has a job."""
REMEMBERED_MAX = 100
KEPT_US = 3_600_000_000
TAIL_CHARS = 2
TOKEN_CHARS_MIN = 16
"""Of a shorter one, nothing is shown."""


class TurnedAway(NamedTuple):
    """`key` as it may be shown, "" for none; `code` and `message` are those of the refusal."""

    environment: str
    key: str
    code: str
    message: str
    address: str
    times: int
    first_at: int
    last_at: int


class Refusals:
    """The last of them, by environment, key and code."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str, str], TurnedAway] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, environment: str, token: str, *, code: str, message: str, address: str) -> None:
        """One more."""
        now, key = self._clock.now_us(), shown(token)
        before = self._known.pop((environment, key, code), None)
        told = TurnedAway(environment, key, code, message, address, times=1, first_at=now, last_at=now)
        if before is not None and now - before.last_at <= KEPT_US:
            told = told._replace(times=before.times + 1, first_at=before.first_at)
        self._known[environment, key, code] = told
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)

    def listed(self, environment: str) -> Sequence[TurnedAway]:
        """Those of the last hour that meant the environment, the newest first."""
        since = self._clock.now_us() - KEPT_US
        found = [one for one in self._known.values() if one.environment == environment and one.last_at > since]
        return found[::-1]


def shown(token: str) -> str:
    """Of a secret what tells it from others: `ifkey_…ab`; "" if none was sent."""
    if not token:
        return ""
    kind = next((one for one in (KEY_PREFIX, PLATFORM_PREFIX, SESSION_PREFIX) if token.startswith(one)), "")
    tail = token[-TAIL_CHARS:] if len(token) >= TOKEN_CHARS_MIN and token.isprintable() else ""
    return f"{kind}…{tail}"
