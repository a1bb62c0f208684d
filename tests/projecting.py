"""A process that stores commands and carries them to the read models, until it is killed, or dies where it is told to.

`appended` is between storing and projecting, `writing` in the middle of a batch, `flushed` when rows are sent and their
position is not, `anywhere` wherever somebody else kills it.
"""

from __future__ import annotations

import os
import random
import signal
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from given import OSLO_KOMMUNE
from steps import content

from grantflow import logs
from grantflow.domain.circumstances import Circumstances
from grantflow.pen import TablePen
from grantflow.projector import Projector
from grantflow.receipts import Receipt
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.states import case_stream
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

BEGUN = datetime(2023, 8, 14, 8, tzinfo=UTC)


def die() -> None:
    """End at once, as a machine without power does."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying(really: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """The same function, after so many calls of which the process dies."""
    left = count(calls, -1)

    def call(*arguments: Any, **named: Any) -> Any:
        answer = really(*arguments, **named)
        if next(left) <= 0:
            die()
        return answer

    return call


def requests(call: str, chosen: random.Random) -> list[Request]:
    """Some cases begun and edited, in one go."""
    asked = []
    for _ in range(chosen.randint(1, 5)):
        start = Request(step="start", call=call, by=_by())
        asked.append(start)
        for section in chosen.sample(sorted(content()), chosen.randint(0, 5)):
            data = {"section": section, "content": content()[section]}
            asked.append(Request(step="edit", case=case_stream(start.key), data=data, by=_by()))
    return asked


def work(address: str, call: str, seed: int, place: str, tell: Connection) -> None:
    """Store and project without end; tell the position of everything that was promised to be kept."""
    logs.set_up("error", "json")
    chosen = random.Random(seed)  # noqa: S311 - an example, not a secret
    turns = chosen.randint(1, 8)
    with Store(address) as store:
        service, projector = Service(store), Projector(store, projections())
        if place == "writing":
            TablePen.change = dying(TablePen.change, turns * 20)  # type: ignore[method-assign]
        if place == "flushed":
            TablePen.flush = dying(TablePen.flush, turns * 4)  # type: ignore[method-assign]
        while True:
            turns -= 1
            for answer in service.handle_all(requests(call, chosen)):
                assert isinstance(answer, Receipt), answer
                tell.send(answer.position)
            if place == "appended" and turns <= 0:
                die()
            projector.catch_up()


def _by() -> Circumstances:
    return Circumstances(
        at=BEGUN,
        person="p-applicant",
        organisation=OSLO_KOMMUNE,
        role="applicant",
        channel="test",
        command=uuid4().hex,
    )
