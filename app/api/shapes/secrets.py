"""Secrets as REST shows them: never their values."""

from __future__ import annotations

from msgspec import UNSET

from app.api.shapes.base import Instant, Shape, Text


class SecretResponse(Shape):
    name: str
    revision: int
    created_at: Instant
    updated_at: Instant
    description: Text = UNSET


class RotateResponse(Shape):
    """Which master key is in use, and for how many environments."""

    master_key: str
    environments: int
