"""`ironflow`, also as `python -m app`. What must be quick is answered before anything is imported."""

from __future__ import annotations

import gc
import os
import sys

TEXTS_MAX = 2_000


def main() -> None:
    arguments = sys.argv[1:]
    if arguments in (["version"], ["--version"], ["-V"]):
        from app.resources import VERSION

        sys.stdout.write(f"ironflow {VERSION}\n")
        return
    if arguments[:1] == ["__nats"]:
        from app.bus.nats_server import become_from_arguments

        become_from_arguments(arguments[1:])
        return
    if arguments[:1] == ["__child"]:
        from app.supervisor import end_with

        if not end_with(int(arguments[1])):
            return
        arguments = sys.argv[1:] = arguments[2:]
    if arguments[:1] == ["serve"]:
        from app.cli import early

        gc.disable()  # until a server is ready (app/boot.py): nothing that it loads is ever garbage
        early.listen(arguments[1:])
    import_less()
    from app.cli.main import main as run

    run()


def import_less() -> None:
    """Have what is imported from now on leave out what no command uses, and what was done before."""
    import typing
    from functools import lru_cache

    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_client,-event_engine_listener")  # docs/decisions/0037
    # httpx goes without its own command line if that cannot be imported, and loads in half the time.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    # Annotations are texts, which `ForwardRef` compiles each time that a named tuple or a decoder is made of them: by
    # the time a server is ready 1,660, of 159 different ones, for a twentieth of its instructions until then. Nothing
    # of `typing` can be told to remember them, and annotations that are no texts cost more. So it finds this `compile`
    # before Python's own; what that makes is never changed, and may serve all who ask for the same.
    typing.compile = lru_cache(TEXTS_MAX)(compile)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
