"""Nodes, as REST shows them."""

from __future__ import annotations

from app.api.shapes.base import Instant, Shape


class NodeShape(Shape):
    """A node that serves this store; `url` is "" for a moment after it started. The one that leads does what is to be
    done once for all nodes; `answers` marks the one that was asked."""

    id: str
    url: str
    version: str
    started_at: Instant
    leads: bool
    answers: bool
