"""Reporting: report and accounts come in, two people sign the same digest, the directorate accepts or returns them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import oslo_date
from grantflow.domain.command import Command, Situation, refuse_if, said
from grantflow.domain.digest import digest_of
from grantflow.domain.errors import ApprovalOutdated, NotAllowed, NotReady
from grantflow.domain.money import Ore
from grantflow.domain.parts import Repayment, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


class ReportSubmitted(CaseEvent, frozen=True, kw_only=True):
    """Report and accounts stand in the case, not yet signed; `booked_ore` is the sum of eligible booked expenses."""

    topic = "report-submitted@1"

    digest: str
    content: dict[str, Any]
    booked_ore: Ore

    def apply(self, case: Application) -> Application:
        return case.but(report=Report(self.digest, self.content, self.booked_ore))


class AccountsSigned(CaseEvent, frozen=True, kw_only=True):
    """The project lead has signed exactly this report and these accounts (R27)."""

    topic = "accounts-signed@1"

    digest: str

    def apply(self, case: Application) -> Application:
        return _report(case, signed_by=self.stamp.person)


class AccountsCountersigned(CaseEvent, frozen=True, kw_only=True):
    """A superior leader has signed the same digest; with this the report is delivered (R24, R27)."""

    topic = "accounts-countersigned@1"

    digest: str
    due_at: datetime
    days_late: int = 0

    def apply(self, case: Application) -> Application:
        return _report(case, countersigned_by=self.stamp.person, days_late=self.days_late)


class ReportReturned(CaseEvent, frozen=True, kw_only=True):
    """The directorate has sent the report back for correction; what was delivered stays in the history."""

    topic = "report-returned@1"

    reason: str

    def apply(self, case: Application) -> Application:
        return _report(case, signed_by="", countersigned_by="", returned=True)


class ReportAccepted(CaseEvent, frozen=True, kw_only=True):
    """The directorate has accepted report and accounts; `unspent_ore` is what must come back."""

    topic = "report-accepted@1"

    granted_ore: Ore
    booked_ore: Ore
    unspent_ore: Ore
    assessment: str

    def apply(self, case: Application) -> Application:
        accepted = _report(case, accepted_by=self.stamp.person)
        return accepted.but(repayment=Repayment(self.unspent_ore)) if self.unspent_ore else accepted


class CaseClosed(CaseEvent, frozen=True, kw_only=True):
    """Report accepted and money settled: the case has come to its end."""

    topic = "case-closed@1"


class SubmitReport(Command, frozen=True, kw_only=True):
    """Deliver report and accounts on the call's form. Delivering again before both have signed voids the signature."""

    step = "submit-report"

    report: dict[str, Any]
    accounts: dict[str, Any]

    @property
    def content(self) -> dict[str, Any]:
        """Both parts, as the form knows them."""
        return {"report": self.report, "accounts": self.accounts}

    def subject(self, case: Application) -> dict[str, Any]:
        return {**case.content, **self.content}

    def decide(self, s: Situation) -> Sequence[Event]:
        refuse_if(s.step, s.call.report_form.check(self.content, complete=True, section=None))
        booked = s.call.facts.of(self.content, s.at).fact("reporting.booked", int, 0)
        return [
            ReportSubmitted(
                digest=digest_of(self.content), content=self.content, booked_ore=booked, stamp=s.stamp()
            )
        ]


class SignAccounts(Command, frozen=True, kw_only=True):
    """Sign, as project lead, the report with exactly this `digest`."""

    step = "sign-accounts"

    digest: str

    def decide(self, s: Situation) -> Sequence[Event]:
        report = _same(s, self.digest)
        if report.signed_by:
            msg = "The project lead has signed this report already."
            raise NotAllowed(msg)
        return [AccountsSigned(digest=self.digest, stamp=s.stamp())]


class CountersignAccounts(Command, frozen=True, kw_only=True):
    """Sign, as superior leader, the same digest. Late is still received: the days are recorded."""

    step = "countersign-accounts"

    digest: str

    def decide(self, s: Situation) -> Sequence[Event]:
        report = _same(s, self.digest)
        if not report.signed_by:
            msg = "The project lead signs first (sign-accounts)."
            raise NotReady(msg)
        deadlines = s.call.deadlines_of(s.step)
        limit = max((s.case.limit(deadline.id, s.call) for deadline in deadlines), default=s.at)
        late = bool(deadlines) and s.at >= limit
        days = (oslo_date(s.at) - oslo_date(limit)).days + 1 if late else 0
        return [AccountsCountersigned(digest=self.digest, due_at=limit, days_late=days, stamp=s.stamp())]


class ReturnReport(Command, frozen=True, kw_only=True):
    """Send the report back for correction, with the reason."""

    step = "return-report"

    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        if s.case.report is not None and s.case.report.accepted_by:
            msg = "The report is accepted already."
            raise NotAllowed(msg)
        return [ReportReturned(reason=said(self.reason, "reason"), stamp=s.stamp())]


class AcceptReport(Command, frozen=True, kw_only=True):
    """Accept report and accounts. What is unspent is computed here; with nothing unspent the case closes."""

    step = "accept-report"

    assessment: str

    def decide(self, s: Situation) -> Sequence[Event]:
        report, decision = s.case.report, s.case.decision
        if report is None or decision is None or report.accepted_by:
            msg = "There is no report waiting to be accepted."
            raise NotAllowed(msg)
        unspent = max(0, s.case.paid_ore - min(decision.amount_ore, report.booked_ore))
        accepted = ReportAccepted(
            granted_ore=decision.amount_ore,
            booked_ore=report.booked_ore,
            unspent_ore=unspent,
            assessment=said(self.assessment, "assessment"),
            stamp=s.stamp(),
        )
        return [accepted] if unspent else [accepted, closing(s)]


def closing(s: Situation) -> CaseClosed:
    """The end of a case: the process's own arrow for `close`, taken as part of the step that settled it."""
    return CaseClosed(stamp=s.stamp(state=s.call.process.target("close", s.case.state)))


def _same(s: Situation, digest: str) -> Report:
    report = s.case.report
    if report is None or report.returned:
        msg = "There is no report to sign; deliver one first (submit-report)."
        raise NotReady(msg)
    if report.digest != digest:
        msg = f"The report in the case has digest {report.digest}; read it, and sign that."
        raise ApprovalOutdated(msg)
    return report


def _report(case: Application, **changes: Any) -> Application:  # noqa: ANN401 - the report's own fields
    if case.report is None:
        return case
    return case.but(report=msgspec.structs.replace(case.report, **changes))
