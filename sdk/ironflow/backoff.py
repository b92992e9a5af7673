"""How long to leave a server alone that went away, before it is tried again.

It doubles with each try. A connection that held for a moment starts it anew, so that a server that is restarted often
is found each time as quickly as the first; one that accepts and hangs up is not hammered.
"""

from __future__ import annotations

DELAY_S = (0.1, 2.0)
"""The longest one is about what a restart takes: longer would keep runs waiting for a server that is there again."""
STABLE_S = 1.0


class Backoff:
    """Instants are seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._delay_s = DELAY_S[0]
        self._connected_at: float | None = None

    def connected(self, at_s: float) -> None:
        self._connected_at = at_s

    def lost(self, at_s: float) -> float:
        """Seconds to wait, now that the connection is lost, or was not to be had."""
        if self._connected_at is not None and at_s - self._connected_at >= STABLE_S:
            self._delay_s = DELAY_S[0]
        self._connected_at = None
        delay_s, self._delay_s = self._delay_s, min(self._delay_s * 2, DELAY_S[1])
        return delay_s
