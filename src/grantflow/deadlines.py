"""What is due when: asks the agenda, and takes each due step as the clock, once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import NothingDue, Refused, StepNotAllowed
from grantflow.receipts import Receipt
from grantflow.service import Request, Service
from grantflow.store import Overloaded, Unavailable
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.projector import Projector

CLOCK = "clock"
_TOGETHER = 512
"""Steps in flight at once."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the agenda: which step the clock is to take, in which case, and since when (`due_at`, UTC)."""

    case_id: UUID
    authority: str
    step: str
    deadline: str
    due_at: datetime
    with_instant: bool
    """Whether the step asks which instant it is about (a reminder), or only about which deadline."""


class Swept(msgspec.Struct, frozen=True):
    """What one sweep did: receipts, how many rows turned out not to be due any more, and what was refused otherwise."""

    done: tuple[Receipt, ...]
    stale: int
    refused: tuple[tuple[Request, Refused], ...] = ()
    more: bool = False
    """Whether something that is due was left for the next time, or may have been."""


def sweep(
    now: datetime,
    service: Service,
    projector: Projector,
    *,
    most: int | None = None,
    stretches: int | None = None,
) -> Swept:
    """Take every step that is due at `now` (UTC). Calling it again, or twice at once, does nothing more.

    A step's key is derived from case, deadline and instant, so the store takes each once; what it was due for stands
    on the event, and the stamp says when it was done. A case that refuses holds up no other. Once `most` are taken, or
    a few more, the rest is left for the next time. So it is where the read models are further behind than so many
    `stretches`, which it brings them on by; none at first where somebody else has brought them to the end just now.
    Unavailable or Overloaded when the database has no time for it.
    """
    done: list[Receipt] = []
    stale = 0
    while True:
        end = service.store.last_position()  # what comes after that is the next sweep's
        behind = projector.catch_up(stretches=stretches) < end and stretches != 0
        stretches = 1 if stretches == 0 else stretches
        requests = [_request(due, now) for due in _agenda(projector, now)]
        refused: list[tuple[Request, Refused]] = []
        before = len(done)
        while requests and (most is None or len(done) < most):
            together, requests = requests[:_TOGETHER], requests[_TOGETHER:]
            for request, answer in zip(together, service.handle_all(map(_next, together)), strict=True):
                if isinstance(answer, Receipt):
                    done.append(answer)
                elif isinstance(answer, NothingDue | StepNotAllowed):
                    stale += 1
                elif isinstance(answer, Unavailable | Overloaded):
                    raise answer
                else:
                    refused.append((request, answer))
        if len(done) == before or requests or behind:
            return Swept(tuple(done), stale, tuple(refused), more=bool(requests) or behind)


def next_instant(after: datetime, projector: Projector) -> datetime | None:
    """The next instant at which something becomes due, or None."""
    return projector.next_due(after)


def _next(request: Request) -> Request:
    going_on()
    return request


def _agenda(projector: Projector, now: datetime) -> Iterator[Due]:
    for row in projector.due(now):
        yield msgspec.convert(row, Due)


def _request(due: Due, now: datetime) -> Request:
    data: dict[str, Any] = {"deadline": due.deadline}
    if due.with_instant:
        data["due_at"] = due.due_at.isoformat()
    return Request(
        step=due.step,
        case=due.case_id,
        data=data,
        by=Circumstances(
            at=now,
            person=CLOCK,
            organisation=due.authority,
            role=CLOCK,
            channel=CLOCK,
            command=f"{due.case_id}/{due.step}/{due.deadline}/{due.due_at.isoformat()}",
        ),
    )


__all__ = ["Due", "Swept", "next_instant", "sweep"]
