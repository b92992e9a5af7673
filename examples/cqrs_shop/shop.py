"""A shop's stock as CQRS: commands are decided by an item's own events, and read from a view that is folded from them.

    POST /items/<sku>/receive | sell  ──►  Item decides  ──►  stream item/<sku>  ──►  view "stock"  ──►  GET /stock

.venv/bin/python examples/cqrs_shop/shop.py 8000
"""

from __future__ import annotations

import json
import sys
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ironflow import Aggregate, Client, EntityEvent, IronflowError, ProjectedEvent, Worker, projection

client = Client()


class Refused(Exception):
    """A command that the item's past does not allow."""


class Item(Aggregate):
    """The write side: what may happen to an item, and what has."""

    entity_type = "item"

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.left = 0

    def receive(self, count: int) -> None:
        self.record("item.received", {"count": count})

    def sell(self, count: int) -> None:
        if count > self.left:
            raise Refused(f"only {self.left} of {self.id} are left")
        self.record("item.sold", {"count": count})

    def apply(self, event: EntityEvent) -> None:
        self.left += event.data["count"] if event.name == "item.received" else -event.data["count"]


@projection("stock", events=["item.*"], initial={"items": {}, "sold": 0})
def stock(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
    """The read side: what is left of everything, and how many were sold."""
    assert event.entity is not None, "items are entities"
    (_, sku), count = event.entity, event.data["count"]
    sold = event.name == "item.sold"
    state["items"][sku] = state["items"].get(sku, 0) + (-count if sold else count)
    state["sold"] += count if sold else 0
    return state


COMMANDS = {"receive": Item.receive, "sell": Item.sell}


class Shop(BaseHTTPRequestHandler):
    """Commands answer as soon as their event is durable, and give the caller a cookie with its id. A read waits until
    the view has what the caller has written; others are not kept waiting."""

    def do_POST(self) -> None:
        match self.path.split("/"):
            case ["", "items", sku, verb] if verb in COMMANDS:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                item = Item.load(client, sku)
                try:
                    COMMANDS[verb](item, int(body["count"]))
                    saved = item.save(client)  # refused if another was faster
                except (Refused, IronflowError) as refused:
                    return self.answer(409, {"error": str(refused)})
                assert saved is not None
                return self.answer(200, {"sku": sku, "version": saved.version}, seen=saved.event_ids[-1])
        return self.answer(404, {"error": f"there is no command at {self.path}"})

    def do_GET(self) -> None:
        cookie = SimpleCookie(self.headers.get("Cookie", ""))
        try:
            if "seen" in cookie:
                client.projections.wait_for_event("stock", cookie["seen"].value)
            self.answer(200, client.projections.state("stock") or stock.initial)
        except IronflowError as error:
            self.answer(503, {"error": str(error)})

    def answer(self, status: int, content: Any, *, seen: str = "") -> None:
        self.send_response(status)
        if seen:
            self.send_header("Set-Cookie", f"seen={seen}; Path=/; HttpOnly")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode() + b"\n")


if __name__ == "__main__":
    shop = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    Worker(projections=[stock]).start()
