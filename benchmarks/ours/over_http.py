"""A client of the service over HTTP: keep-alive connections, each of which takes one step after another. No library."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.driving import by_tasks, tell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Connection(asyncio.Protocol):
    """One connection: a request at a time, answered by a body."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._read = b""

    def connection_made(self, transport: Any) -> None:
        """Keep what is written to."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        """Answer once all has come."""
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        if len(body) >= int(lower[at:].partition(b"\r\n")[0]):
            self._read = b""
            if self._waiting is not None:
                self._waiting.set_result((int(head[9:12]), body))

    async def ask(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Send a request, and wait for its answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        return await self._waiting


class Clients:
    """Clients of one service."""

    def __init__(self, port: int, told: Any, call: str) -> None:
        self._port, self._told, self._call = port, told, call
        self._numbers = itertools.count()

    async def taking_steps(self) -> AsyncIterator[None]:
        """Live one life after another: each step under its own person's token, with a key of its own."""
        connection = await self._connected()
        life = [(taken, json.dumps(taken["data"], ensure_ascii=False).encode()) for taken in self._told]
        while True:
            name = f"{os.getpid()}-{next(self._numbers)}"
            path, case = f"/api/v1/calls/{self._call}/applications", ""
            for number, (taken, body) in enumerate(life):
                if number:
                    path = f"{case}/steps/{taken['step']}"
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                    f"Authorization: Bearer {taken['token']}\r\nIdempotency-Key: {name}-{number}\r\n"
                ).encode()
                status, answer = await connection.ask(head, body)
                if status >= 300:
                    raise RuntimeError(answer.decode())
                if not number:
                    event = json.loads(answer)["event"]
                    case = f"/api/v1/applications/{event.rpartition('.')[0]}"
                yield

    async def looking(self) -> AsyncIterator[None]:
        """Ask for what costs the service nothing: what this client could drive at most."""
        connection = await self._connected()
        while True:
            status, answer = await connection.ask(b"GET /healthz HTTP/1.1\r\nHost: bench\r\n", b"")
            if status != 200:
                raise RuntimeError(answer.decode())
            yield

    async def reading(self) -> AsyncIterator[None]:
        """Ask for one path after another, again and again."""
        connection = await self._connected()
        for path in itertools.cycle(self._told["paths"]):
            head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._told['token']}\r\n"
            status, answer = await connection.ask(head.encode(), b"")
            if status != 200:
                raise RuntimeError(answer.decode())
            yield

    async def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection


def main() -> None:
    """Measure, and answer. The steps of a life (or the paths), with tokens, are read from standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--call", required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--warm", type=float, default=1.0)
    parser.add_argument("--what", choices=["steps", "health", "paths"], default="steps")
    given = parser.parse_args()
    clients = Clients(given.port, json.load(sys.stdin), given.call)
    each = {"steps": clients.taking_steps, "health": clients.looking, "paths": clients.reading}
    tell(by_tasks([each[given.what]] * given.clients, given.seconds, given.warm))


if __name__ == "__main__":
    main()
