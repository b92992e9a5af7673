"""A push endpoint as thin as it can be: one step for each run, or five in lines if the function is called `lines`."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import uvloop

STEPS = 5


class Endpoint(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = self._buffer[end + 4 :]
        if len(body) >= length:
            self._buffer = b""
            self._answer(json.loads(body))

    def _answer(self, told: dict[str, str]) -> None:
        run_id = told["run_id"]
        if told["function_id"] != "lines":
            step = {"id": f"{run_id}:a:0", "name": "a", "status": "completed", "output": 1}
            raw = json.dumps({"status": "completed", "steps": [step], "result": 1}).encode()
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw)
            self._transport.write(head + raw)
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for number in range(STEPS):
            step = {"id": f"{run_id}:a:{number}", "name": "a", "status": "completed", "output": 1}
            self._say({"step": step})
        self._say({"status": "completed", "result": 1})
        self._transport.write(b"0\r\n\r\n")

    def _say(self, line: object) -> None:
        raw = json.dumps(line).encode() + b"\n"
        self._transport.write(b"%x\r\n%s\r\n" % (len(raw), raw))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
