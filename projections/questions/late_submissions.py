"""What was accepted from an applicant after its deadline: how late, on whose extension, and when that was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.casework import InformationSupplied
from grantflow.domain.followup import DeadlineExtended
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from grantflow.domain.application import CaseEvent
    from grantflow.domain.call import Deadline
    from grantflow.history import CaseHistory, History, Moment


def answer(history: History) -> Iterator[Row]:
    """A row for each step that was taken after the call's own limit, whatever this one case was given."""
    for case in history.cases:
        given: dict[str, Moment] = {}
        command = ""
        for moment in case.moments:
            event, stamp = moment.event, moment.event.stamp
            first, command = stamp.command != command, stamp.command
            if isinstance(event, InformationSupplied):
                yield from _supplied(case, moment, event)
            elif first and moment.before.definition:
                for deadline in history.call_of(moment.before).deadlines_of(stamp.step):
                    if deadline.binds == "applicant" and moment.at >= deadline.limit:
                        yield _late(case, moment, deadline, given.get(deadline.id))
            if isinstance(event, DeadlineExtended):
                given[event.deadline] = moment


def _late(case: CaseHistory, moment: Moment, deadline: Deadline, extended: Moment | None) -> Row:
    extension = _extension(extended.event) if extended else None
    breach = ""
    if deadline.late == "refuse" and extension is None:
        breach = "accepted too late, without an extension"
    elif deadline.late == "refuse" and extension and moment.at >= extension.limit:
        breach = "accepted after the extension too"
    return row(
        case,
        [*([extended.entry] if extended else []), moment.entry],
        deadline=deadline.id,
        limit=deadline.limit.isoformat(),
        accepted_at=moment.at.isoformat(),
        late=str(moment.at - deadline.limit),
        allowed_by=_allowed(deadline, extension),
        extended_to=extension.limit.isoformat() if extension else "",
        extended_at=extended.at.isoformat() if extended else "",
        given=_given(extended, deadline.limit) if extended else "",
        reason=extension.reason if extension else "",
        breach=breach,
    )


def _allowed(deadline: Deadline, extension: DeadlineExtended | None) -> str:
    if extension:
        return extension.stamp.person
    return "the call: late is still received" if deadline.late == "accept" else ""


def _given(extended: Moment, limit: datetime) -> str:
    """Whether the extension came before the limit that it moved, or only when that had passed."""
    event = _extension(extended.event)
    current = extended.before.extensions.get(event.deadline if event else "", limit)
    return "after the fact" if extended.at >= current else "before the fact"


def _extension(event: CaseEvent) -> DeadlineExtended | None:
    return event if isinstance(event, DeadlineExtended) else None


def _supplied(case: CaseHistory, moment: Moment, event: InformationSupplied) -> Iterator[Row]:
    """An answer to a request for missing information that came after its date: received all the same (fvl § 11)."""
    for request in moment.before.requests:
        if request.number == event.request and moment.at >= request.due:
            yield row(
                case,
                [moment.entry],
                deadline=f"request {request.number}",
                limit=request.due.isoformat(),
                accepted_at=moment.at.isoformat(),
                late=str(moment.at - request.due),
                allowed_by="fvl § 11: what was asked for is received",
                extended_to="",
                extended_at="",
                given="",
                reason="",
                breach="",
            )


question = Question(
    number=3,
    name="late-submissions",
    asks="Was anything accepted after the deadline: how late, on whose extension, given before or after the fact?",
    law="the call, on its deadlines (R4, R24, R33); fvl § 11",
    columns=(
        "case",
        "applicant",
        "deadline",
        "limit",
        "accepted_at",
        "late",
        "allowed_by",
        "extended_to",
        "extended_at",
        "given",
        "reason",
        "breach",
    ),
    answer=answer,
)
