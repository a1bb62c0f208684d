"""Submission: from here the content is fixed; a draft that nobody submitted lapses; an applicant may withdraw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import clock
from grantflow.domain.command import Command, Situation, refuse_if, said, waiting
from grantflow.domain.errors import ApprovalOutdated, NothingDue
from grantflow.domain.money import Ore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class ApplicationSubmitted(CaseEvent, frozen=True, kw_only=True):
    """The municipality has applied. `content` is what the director approved, and nothing else; amounts in øre."""

    topic = "application-submitted@1"

    content: str
    title: str
    asked_ore: Ore
    eligible_ore: Ore
    own_contribution_ore: Ore
    participants: int
    partners: tuple[str, ...]
    themes: tuple[str, ...]
    consultation_due: bool
    exemption_needed: bool

    def apply(self, case: Application) -> Application:
        return case.but(
            submitted=self.content,
            title=self.title,
            partners=self.partners,
            asked_ore=self.asked_ore,
            eligible_ore=self.eligible_ore,
            consultation_due=self.consultation_due,
            exemption_needed=self.exemption_needed,
        )


class ReceiptIssued(CaseEvent, frozen=True, kw_only=True):
    """The municipality has been told at once that the application is received (fvl § 11 a)."""

    topic = "receipt-issued@1"

    content: str
    received_at: datetime


class ApplicationWithdrawn(CaseEvent, frozen=True, kw_only=True):
    """The applicant has withdrawn before the decision. Nothing is deleted."""

    topic = "application-withdrawn@1"

    reason: str


class ApplicationLapsed(CaseEvent, frozen=True, kw_only=True):
    """The application deadline passed and nobody had submitted. `due_at` is when, the stamp says when it was done."""

    topic = "application-lapsed@1"

    deadline: str
    due_at: datetime


class Submit(Command, frozen=True, kw_only=True):
    """Submit what was approved, before the deadline, by all the call's rules."""

    step = "submit"

    def decide(self, s: Situation) -> Sequence[Event]:
        case, call = s.case, s.call
        refuse_if(s.step, call.application_form.check(case.content, complete=True, section=None))
        digest = case.content_digest
        if case.approval is None or case.approval.content != digest:
            msg = "What would be submitted is not what the director approved. Have it approved again."
            raise ApprovalOutdated(msg)
        reads = s.reads
        submitted = ApplicationSubmitted(
            content=digest,
            title=reads.fact("application.title", str, ""),
            asked_ore=reads.fact("application.asked", int, 0),
            eligible_ore=max(0, reads.fact("application.eligible", int, 0)),
            own_contribution_ore=reads.fact("application.own_contribution", int, 0),
            participants=reads.fact("application.participants", int, 0),
            partners=tuple(reads.fact("application.partners", list, [])),
            themes=tuple(reads.fact("application.themes", list, [])),
            consultation_due=call.consultation is not None and call.consultation.required(reads),
            exemption_needed=reads.fact("application.exemption_needed", bool, unless=False),
            stamp=s.stamp(),
        )
        receipt = ReceiptIssued(content=digest, received_at=s.at.astimezone(UTC), stamp=s.stamp())
        return [submitted, receipt]


class Withdraw(Command, frozen=True, kw_only=True):
    """Withdraw the application, before it is decided."""

    step = "withdraw"

    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        return [ApplicationWithdrawn(reason=said(self.reason, "reason"), stamp=s.stamp())]


class Lapse(Command, frozen=True, kw_only=True):
    """The clock: the deadline has passed and the draft was not submitted."""

    step = "lapse"

    deadline: str

    def decide(self, s: Situation) -> Sequence[Event]:
        terms = s.call.deadlines.get(self.deadline)
        if terms is None or terms.passed != "lapse" or s.case.state not in waiting(s, terms):
            msg = f"No deadline '{self.deadline}' of {s.call.id} makes a case lapse that is {s.case.state}."
            raise NothingDue(msg)
        limit = s.case.limit(self.deadline, s.call)
        if s.at < limit:
            msg = f"The {self.deadline} deadline of this case is {clock(limit)}; it has not passed."
            raise NothingDue(msg)
        return [ApplicationLapsed(deadline=self.deadline, due_at=limit, stamp=s.stamp())]
