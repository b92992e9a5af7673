"""Generates the protobuf modules: `python -m tests.support.protobuf FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

PROTO = Path(__file__).parents[2] / "proto"


def generate(folder: Path) -> None:
    """Write ironflow/v1/*_pb2*.py below the folder, from every .proto file. Raises RuntimeError."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    out = [f"--{kind}={folder}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    if protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *out, *sources]) != 0:
        raise RuntimeError("protoc failed")
    for path in folder.rglob("*_pb2_grpc.py"):
        if "Servicer" not in path.read_text("utf-8"):
            path.unlink()  # a file without services


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
