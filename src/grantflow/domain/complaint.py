"""Complaints: registered, answered, looked at as a wish for reversal where the call has no appeal (fvl §§ 28-33)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import oslo_date
from grantflow.domain.command import Command, Situation, end_of, said
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, NotReady
from grantflow.domain.parts import Complaint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event

Outcome = Literal["to-be-reversed", "not-reversed", "forwarded", "dismissed"]


class ComplaintRegistered(CaseEvent, frozen=True, kw_only=True):
    """A complaint has come in; `looked_at_as` says what the call's legal regime makes of it."""

    topic = "complaint-registered@1"
    correctable = frozenset({"text", "received_on"})

    complaint: int
    text: str
    received_on: date
    looked_at_as: Literal["appeal", "wish-for-reversal"]
    in_time: bool

    def apply(self, case: Application) -> Application:
        added = Complaint(self.complaint, self.text, self.received_on, self.in_time)
        return case.but(complaints=(*case.complaints, added))

    @property
    def about(self) -> str:
        return str(self.complaint)

    def corrected(self, s: Situation, field: str, value: str) -> CaseEvent:
        if field == "text":
            return msgspec.structs.replace(self, text=said(value, "text"))
        try:
            received = date.fromisoformat(value)
        except ValueError as error:
            msg = f"received_on: {value[:40]!r} is not a day such as 2023-10-02."
            raise BadRequest(msg) from error
        return msgspec.structs.replace(self, received_on=received, in_time=_in_time(s, received))

    def apply_corrected(self, case: Application) -> Application:
        return _changed(
            case, self.complaint, text=self.text, received_on=self.received_on, in_time=self.in_time
        )


class ComplaintAnswered(CaseEvent, frozen=True, kw_only=True):
    """The complaint is answered: what comes of it, and why."""

    topic = "complaint-answered@1"

    complaint: int
    outcome: Outcome
    answer: str

    def apply(self, case: Application) -> Application:
        return _changed(case, self.complaint, outcome=self.outcome, answer=self.answer)


class RegisterComplaint(Command, frozen=True, kw_only=True):
    """Register a complaint: what it says, and the day it came in (today, unless said)."""

    step = "register-complaint"

    text: str
    received_on: date | None = None

    def decide(self, s: Situation) -> Sequence[Event]:
        if s.case.decision is None and not s.case.reversals:
            msg = "Nothing is decided in this case, so there is nothing to complain about yet."
            raise NotReady(msg)
        received = self.received_on or oslo_date(s.at)
        regime = s.call.legal_regime
        return [
            ComplaintRegistered(
                complaint=len(s.case.complaints) + 1,
                text=said(self.text, "text"),
                received_on=received,
                looked_at_as="appeal" if regime.appeal else "wish-for-reversal",
                in_time=_in_time(s, received),
                stamp=s.stamp(),
            )
        ]


class AnswerComplaint(Command, frozen=True, kw_only=True):
    """Answer a complaint, by its number.

    The decision is to be reversed (which is a step of its own) or not; where the call has an appeal, it is forwarded to
    the appeal body, or dismissed when it came too late (fvl §§ 29-33).
    """

    step = "answer-complaint"
    binding = True

    complaint: int
    outcome: Outcome
    answer: str

    def decide(self, s: Situation) -> Sequence[Event]:
        known = {complaint.number: complaint for complaint in s.case.complaints}.get(self.complaint)
        if known is None:
            msg = f"There is no complaint number {self.complaint} in this case."
            raise NotFound(msg)
        if known.outcome:
            msg = f"Complaint number {self.complaint} is answered already."
            raise NotAllowed(msg)
        if self.outcome in ("forwarded", "dismissed") and not s.call.legal_regime.appeal:
            msg = "This call has no appeal: the answer is to-be-reversed or not-reversed (fvl § 35; R29)."
            raise NotAllowed(msg)
        if self.outcome == "dismissed" and known.in_time:
            msg = "The complaint came in time, and can't be dismissed for being late (fvl § 29)."
            raise NotAllowed(msg)
        if self.outcome == "not-reversed" and s.call.legal_regime.appeal and known.in_time:
            msg = f"What is not reversed goes to {s.call.legal_regime.appeal_body}: forwarded (fvl § 33)."
            raise NotAllowed(msg)
        answer = said(self.answer, "answer")
        return [
            ComplaintAnswered(complaint=self.complaint, outcome=self.outcome, answer=answer, stamp=s.stamp())
        ]


def _in_time(s: Situation, received: date) -> bool:
    """Whether a complaint of that day came in time: an appeal within so many days of the letter (fvl § 29)."""
    if end_of(received, "received_on") > end_of(oslo_date(s.at), "received_on"):
        msg = f"received_on: {received} has not come yet."
        raise BadRequest(msg)
    regime, told = s.call.legal_regime, s.case.told_at if s.case.letter else None
    return (
        not regime.appeal or told is None or received <= oslo_date(told) + timedelta(days=regime.appeal_days)
    )


def _changed(case: Application, number: int, **changes: object) -> Application:
    return case.but(
        complaints=tuple(
            msgspec.structs.replace(one, **changes) if one.number == number else one
            for one in case.complaints
        )
    )
