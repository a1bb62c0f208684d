"""Taking a step without a thread, where all that deciding looks at is remembered; and in a thread where it is not.

Handing a request to a thread and back costs more than deciding it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from grantflow.domain.errors import Refused
from grantflow.store import Conflict
from grantflow.web.cases import seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.receipts import Receipt
    from grantflow.service import Request
    from grantflow.web.caller import Caller
    from grantflow.web.cases import Seen
    from grantflow.web.house import House

SMALL = 65_536
"""The most bytes of a body that are read on the event loop, where everybody else waits meanwhile."""

T = TypeVar("T")


async def acted(house: House, command: Request) -> Receipt:
    """What came of a step, stored durably; or its refusal."""
    service = house.app.service
    begun = service.begin(asyncio.get_running_loop(), command)
    if begun is not None:
        try:
            await begun.stored
        except (Conflict, Refused):
            pass
        else:
            receipt = service.end(begun)
            if receipt is not None:
                return receipt
    return await asyncio.to_thread(service.handle, command)


async def seen_to_act(house: House, caller: Caller, named: str) -> Seen:
    """The case that somebody is about to act in, if they may.

    As it is remembered: who its applicant is, and which directorate is behind it, never changes.
    """
    try:
        known = house.app.service.states.knows(case=UUID(named))
    except ValueError:
        known = False
    if known:
        return seen(house, caller, named, "act", fresh=False)
    return await asyncio.to_thread(seen, house, caller, named, "act")


async def read(raw: bytes, reading: Callable[[], T]) -> T:
    """What a body says: read here where it is small, else in a thread."""
    return reading() if len(raw) <= SMALL else await asyncio.to_thread(reading)
