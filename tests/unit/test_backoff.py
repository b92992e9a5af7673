from __future__ import annotations

from ironflow.backoff import DELAY_S, STABLE_S, Backoff


def test_each_try_waits_longer_up_to_a_limit() -> None:
    backoff = Backoff()

    delays = [backoff.lost(at_s) for at_s in range(7)]

    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, DELAY_S[1], DELAY_S[1]]


def test_a_connection_that_held_starts_anew_however_long_it_took_to_get() -> None:
    backoff = Backoff()
    for at_s in range(5):
        backoff.lost(at_s)

    backoff.connected(10)
    held = backoff.lost(10 + STABLE_S)
    backoff.connected(20)
    broken_at_once = backoff.lost(20 + STABLE_S / 2)
    never_connected = backoff.lost(60)

    assert (held, broken_at_once, never_connected) == (0.1, 0.2, 0.4)
