"""Approval: the municipal or district director, or a documented delegate, says yes to one exact content (R22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from grantflow.domain.application import Application, Approval, CaseEvent, Delegation
from grantflow.domain.calendar import oslo_date
from grantflow.domain.deciding import Command, Situation, refuse_if
from grantflow.domain.errors import ApprovalOutdated, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event

Capacity = Literal["municipal-director", "district-director", "delegate"]


class ApplicationApproved(CaseEvent, frozen=True, kw_only=True):
    """Somebody with the authority has approved exactly this content."""

    topic = "application-approved@1"

    content: str
    capacity: Capacity
    delegation: Delegation | None = None

    def apply(self, case: Application) -> Application:
        stamp = self.stamp
        return case.but(
            approval=Approval(self.content, stamp.person, self.capacity, stamp.recorded_at, self.delegation)
        )


class Approve(Command, frozen=True, kw_only=True):
    """Approve the content as it stands.

    `content` may name the digest that was seen: then an edit in between refuses the approval. An employee with
    authority (`delegate`) documents it with the `delegation`, which must be in force on the day (R22).
    """

    step = "approve"

    capacity: Capacity
    content: str | None = None
    delegation: Delegation | None = None

    def decide(self, s: Situation) -> Sequence[Event]:
        refuse_if(s.step, s.call.application_form.check(s.case.content, complete=True, section=None))
        if self.content not in (None, s.case.content_digest):
            msg = "The content has changed since you read it. Read it again before you approve."
            raise ApprovalOutdated(msg)
        self._capacity(s)
        self._district(s)
        authority = self.delegation.reference if self.delegation else self.capacity
        return [
            ApplicationApproved(
                content=s.case.content_digest,
                capacity=self.capacity,
                delegation=self.delegation,
                stamp=s.stamp(authority=authority),
            )
        ]

    def _capacity(self, s: Situation) -> None:
        today = oslo_date(s.at)
        if self.capacity == "delegate":
            if self.delegation is None or not _documented(self.delegation):
                msg = "An employee who approves documents the authority: give delegation, with reference and issued_by."
                raise NotAllowed(msg)
            if not self.delegation.covers(today):
                msg = f"The delegation {self.delegation.reference} is not in force on {today}."
                raise NotAllowed(msg)
        elif self.delegation is not None:
            msg = f"A {self.capacity} approves by office; leave out delegation, or approve as delegate."
            raise NotAllowed(msg)

    def _district(self, s: Situation) -> None:
        number = s.case.content["applicant"].get("district")
        if number is None:
            if self.capacity == "district-director":
                msg = "A district director approves for a district of the applicant; the application names none."
                raise NotAllowed(msg)
            return
        district = s.call.register.district(number, s.at)
        if district is None or district.municipality != s.case.applicant.municipality:
            msg = f"{number} is no district of {s.case.applicant.name}, which is the applicant (R6)."
            raise NotAllowed(msg)


def _documented(delegation: Delegation) -> bool:
    return bool(delegation.reference.strip() and delegation.issued_by.strip())
