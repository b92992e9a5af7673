"""Secrets as REST shows them: never their values."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from app.api.shapes.base import Instant, Shape, Text


class SecretResponse(Shape):
    name: str
    revision: int
    created_at: Instant
    updated_at: Instant
    used_by: Annotated[list[str], Meta(description="the functions that declare it: their runs are given its value")]
    description: Text = UNSET


class RotateResponse(Shape):
    """Which master key is in use, and for how many environments."""

    master_key: str
    environments: int
