"""Approval: the municipal or district director, or a documented delegate, says yes to one exact content (R22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, refuse_if
from grantflow.domain.errors import ApprovalOutdated, NotAllowed
from grantflow.domain.parts import Approval, Delegation

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
    authority (`delegate`) names its reference in `delegation`: it is looked up as of this instant (R22).
    """

    step = "approve"
    binding = True

    capacity: Capacity
    content: str | None = None
    delegation: str | None = None

    def decide(self, s: Situation) -> Sequence[Event]:
        refuse_if(s.step, s.call.application_form.check(s.case.content, complete=True, section=None))
        digest = s.case.content_digest
        if self.content not in (None, digest):
            msg = (
                f"The content has changed since you read it, and its digest is {digest}. "
                "Read it again before you approve."
            )
            raise ApprovalOutdated(msg)
        delegation = self._delegation(s)
        self._district(s)
        authority = delegation.reference if delegation else self.capacity
        return [
            ApplicationApproved(
                content=digest,
                capacity=self.capacity,
                delegation=delegation,
                stamp=s.stamp(authority=authority),
            )
        ]

    def _delegation(self, s: Situation) -> Delegation | None:
        if self.capacity == "delegate":
            if self.delegation is None:
                msg = (
                    "An employee who approves does so on written authority: name its reference in delegation."
                )
                raise NotAllowed(msg)
            held = s.authorities.approval(self.delegation, s.by.person, s.call.id, s.at)
            return Delegation(held.reference, held.issued_by, held.valid_from, held.valid_to)
        if self.delegation is not None:
            msg = f"A {self.capacity} approves by office; leave out delegation, or approve as delegate."
            raise NotAllowed(msg)
        return None

    def _district(self, s: Situation) -> None:
        number = s.reads.fact("application.district", str, "")
        if not number:
            if self.capacity == "district-director":
                msg = "A district director approves for a district of the applicant; the application names none."
                raise NotAllowed(msg)
            return
        district = s.call.register.district(number, s.at)
        if district is None or district.municipality != s.case.applicant.municipality:
            msg = f"{number} is no district of {s.case.applicant.name}, which is the applicant (R6)."
            raise NotAllowed(msg)
