"""Casework: impartiality before the first touch, assignment, requests for information, statements from others."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.command import Command, Situation, end_of, said
from grantflow.domain.errors import NotAllowed, NotFound, NotReady
from grantflow.domain.parts import InformationRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class ImpartialityDeclared(CaseEvent, frozen=True, kw_only=True):
    """A person has said, before touching the case, whether anything makes them disqualified (fvl §§ 6-10)."""

    topic = "impartiality-declared@1"

    conflict: bool
    reason: str = ""

    def apply(self, case: Application) -> Application:
        return case.but(conflicts={**case.conflicts, self.stamp.person: self.conflict})


class CaseAssigned(CaseEvent, frozen=True, kw_only=True):
    """A case officer has the case."""

    topic = "case-assigned@1"

    case_officer: str

    def apply(self, case: Application) -> Application:
        return case.but(case_officer=self.case_officer)


class InformationRequested(CaseEvent, frozen=True, kw_only=True):
    """Something is missing; the applicant is told what, and by when to answer (fvl § 11)."""

    topic = "information-requested@1"

    request: int
    what: str
    due: datetime

    def apply(self, case: Application) -> Application:
        return case.but(requests=(*case.requests, InformationRequest(self.request, self.what, self.due)))


class InformationSupplied(CaseEvent, frozen=True, kw_only=True):
    """The applicant's answer, kept beside the original and never in its place (R33)."""

    topic = "information-supplied@1"

    request: int
    answer: str

    def apply(self, case: Application) -> Application:
        return case.but(
            requests=tuple(
                InformationRequest(r.number, r.what, r.due, self.answer, self.stamp.recorded_at)
                if r.number == self.request
                else r
                for r in case.requests
            )
        )


class StatementRequested(CaseEvent, frozen=True, kw_only=True):
    """Another body has been asked for its statement (R30)."""

    topic = "statement-requested@1"

    body: str
    question: str

    def apply(self, case: Application) -> Application:
        return case.but(consulted=(*case.consulted, self.body))


class StatementRecorded(CaseEvent, frozen=True, kw_only=True):
    """The other body's statement has come in."""

    topic = "statement-recorded@1"
    correctable = frozenset({"statement"})

    body: str
    statement: str

    @property
    def about(self) -> str:
        return self.body

    def corrected(self, s: Situation, field: str, value: str) -> CaseEvent:  # noqa: ARG002 - it has one only
        return msgspec.structs.replace(self, statement=said(value, "statement"))

    def apply(self, case: Application) -> Application:
        return case.but(statements={**case.statements, self.body: self.statement})


class DeclareImpartiality(Command, frozen=True, kw_only=True):
    """Say whether there is a conflict; with one, the `reason` goes with it. A conflict is not taken back."""

    step = "declare-impartiality"

    conflict: bool
    reason: str = ""

    def decide(self, s: Situation) -> Sequence[Event]:
        if s.case.conflicts.get(s.by.person) is self.conflict:
            msg = "You have declared this already in this case."
            raise NotAllowed(msg)
        reason = said(self.reason, "reason") if self.conflict else self.reason
        return [ImpartialityDeclared(conflict=self.conflict, reason=reason, stamp=s.stamp())]


class Assign(Command, frozen=True, kw_only=True):
    """Give the case to a case officer, who must not have declared a conflict in it."""

    step = "assign"

    case_officer: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if s.case.conflicts.get(self.case_officer):
            msg = f"{self.case_officer} has declared a conflict in this case; assign somebody else."
            raise NotAllowed(msg)
        officer = said(self.case_officer, "case_officer", most=100)
        return [CaseAssigned(case_officer=officer, stamp=s.stamp())]


class RequestInformation(Command, frozen=True, kw_only=True):
    """Ask the applicant for what is missing, to be answered by the end of the day `due`."""

    step = "request-information"

    what: str
    due: date

    def decide(self, s: Situation) -> Sequence[Event]:
        limit = end_of(self.due, "due")
        if limit <= s.at:
            msg = f"The day {self.due} is over; set a date that gives time to answer."
            raise NotAllowed(msg)
        return [
            InformationRequested(
                request=len(s.case.requests) + 1, what=said(self.what, "what"), due=limit, stamp=s.stamp()
            )
        ]


class Supply(Command, frozen=True, kw_only=True):
    """Answer a request for information, by its number."""

    step = "supply"

    request: int
    answer: str

    def decide(self, s: Situation) -> Sequence[Event]:
        asked = {request.number: request for request in s.case.requests}.get(self.request)
        if asked is None:
            msg = f"There is no request number {self.request} in this case."
            raise NotFound(msg)
        if asked.answer is not None:
            msg = f"Request number {self.request} is answered already; what was answered stays."
            raise NotAllowed(msg)
        return [
            InformationSupplied(request=self.request, answer=said(self.answer, "answer"), stamp=s.stamp())
        ]


class Consult(Command, frozen=True, kw_only=True):
    """Ask another body for a statement."""

    step = "consult"

    body: str
    question: str

    def decide(self, s: Situation) -> Sequence[Event]:
        body = said(self.body, "body", most=200)
        return [StatementRequested(body=body, question=said(self.question, "question"), stamp=s.stamp())]


class RecordStatement(Command, frozen=True, kw_only=True):
    """Record the statement of a body that was asked."""

    step = "record-statement"

    body: str
    statement: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if self.body not in s.case.consulted:
            msg = f"{self.body} has not been asked for a statement in this case (consult)."
            raise NotReady(msg)
        return [
            StatementRecorded(body=self.body, statement=said(self.statement, "statement"), stamp=s.stamp())
        ]
