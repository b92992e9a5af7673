"""What a gRPC call's metadata says."""

from __future__ import annotations

from app.api.middleware import environment

ENVIRONMENT = ("x-ironflow-environment-id", "x-ironflow-environment")
RUN_ID = "x-ironflow-run-id"


def environment_of(metadata: object) -> str:
    """The environment named, or the default. Raises InvalidArgument."""
    return environment(next((value for name in ENVIRONMENT if (value := value_of(metadata, name))), ""))


def value_of(metadata: object, name: str) -> str:
    """The first value of that name, or ""."""
    for key, value in metadata or ():  # type: ignore[attr-defined]
        if key == name:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return ""
