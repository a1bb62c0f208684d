"""Steps taken in this process, by threads that call `service.handle` or by tasks that begin and end them."""

from __future__ import annotations

import asyncio
import itertools
import os
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.driving import asked, by_tasks, by_threads, tell
from benchmarks.ours.lives import LIVES, publish, request
from grantflow import logs
from grantflow.domain.errors import Refused
from grantflow.service import Service
from grantflow.store import Conflict, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    from grantflow.receipts import Receipt
    from grantflow.service import Request


def main() -> None:
    """Measure, and answer."""
    parser = asked(__doc__)
    parser.add_argument("--life", choices=sorted(LIVES), default="short")
    parser.add_argument("--how", choices=["threads", "tasks"], default="threads")
    given = parser.parse_args()
    logs.set_up("info", "json")  # as in production: a line for each command
    with closing(Store(given.address)) as store:
        service = Service(store)
        publish(service)
        clients = Clients(service, given.life)
        if given.how == "threads":
            told = by_threads([clients.in_thread] * given.clients, given.seconds, given.warm)
        else:
            told = by_tasks([clients.in_task] * given.clients, given.seconds, given.warm)
        told["handled_in_threads"] = clients.handled
        tell(told | {"position": store.last_position()})


class Clients:
    """Clients of one service: each lives one life after another."""

    def __init__(self, service: Service, life: str) -> None:
        self._service = service
        self._call, steps = LIVES[life]
        self._life = steps()
        self._named = f"{os.getpid()}-{os.urandom(4).hex()}"  # keys that no earlier run on this log has had
        self._numbers = itertools.count()
        self.handled = 0

    def in_thread(self) -> Iterator[None]:
        """Ask, and wait for the answer."""
        while True:
            case: UUID | None = None
            name = next(self._numbers)
            for number, taken in enumerate(self._life):
                asked_for = request(self._call, taken, case, f"{self._named}-{name}-{number}")
                receipt = self._service.handle(asked_for)
                case = receipt.case
                yield

    async def in_task(self) -> AsyncIterator[None]:
        """As the service over HTTP does: what can't be begun at once is handled in a thread."""
        while True:
            case: UUID | None = None
            name = next(self._numbers)
            for number, taken in enumerate(self._life):
                asked_for = request(self._call, taken, case, f"{self._named}-{name}-{number}")
                receipt = await self._answer(asked_for)
                case = receipt.case
                yield

    async def _answer(self, asked_for: Request) -> Receipt:
        begun = self._service.begin(asyncio.get_running_loop(), asked_for)
        if begun is not None:
            try:
                await begun.stored
            except (Conflict, Refused):
                pass
            else:
                receipt = self._service.end(begun)
                if receipt is not None:
                    return receipt
        self.handled += 1
        return await asyncio.to_thread(self._service.handle, asked_for)


if __name__ == "__main__":
    main()
