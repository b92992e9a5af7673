"""A client of several nodes that never stops: what one node does not take, it sends to the next at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

PAUSE_S = 0.03
PATIENCE_S = 60.0


class Orders:
    """While it is entered, an order every few hundredths of a second, to the nodes in turn. `runs` are those of what
    was acknowledged, `refused` what no node took, and why, `detours` how often another node had to be asked."""

    def __init__(self, urls: Sequence[str], data: Mapping[str, Any]) -> None:
        self.runs: list[str] = []
        self.refused: list[str] = []
        self.detours = 0
        self._urls = urls
        self._data = data
        self._moved = threading.Condition()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._send_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join(PATIENCE_S)

    def wait_for(self, more: int) -> None:
        """So many more were acknowledged, or one was refused."""
        with self._moved:
            wanted = len(self.runs) + more
            assert self._moved.wait_for(lambda: self.refused or len(self.runs) >= wanted, PATIENCE_S), len(self.runs)

    def _send_on(self) -> None:
        number = 0
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not self._left.wait(PAUSE_S):
                self._send(client, number)
                number += 1
                with self._moved:
                    self._moved.notify_all()

    def _send(self, client: httpx.Client, number: int) -> None:
        key = f"order-{number}"  # an answer that was lost is no second order
        order = {"name": "storm.order", "data": {"n": str(number), **self._data}, "idempotency_key": key}
        reasons = []
        for turn in range(len(self._urls)):
            self.detours += turn > 0
            try:
                answer = client.post(f"{self._urls[(number + turn) % len(self._urls)]}/api/v1/events", json=order)
            except httpx.TransportError as error:
                reasons.append(repr(error))
                continue
            if answer.status_code == 201:
                self.runs += answer.json()["run_ids"]
                return
            reasons.append(answer.text)
        self.refused.append(f"{key}: {reasons}")
