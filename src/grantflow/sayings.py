"""What an event says, in one sentence for people: the step that was taken, and what matters about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain import (
    approval,
    assessment,
    casework,
    decision,
    drafting,
    followup,
    payment,
    repayment,
    reporting,
    submission,
)
from grantflow.domain.calendar import clock
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.domain.event import Event


def saying(event: Event) -> str:
    """One sentence in English. An event type that nobody wrote one for is named by its topic."""
    sentence = SAYINGS.get(type(event))
    return sentence(event) if sentence else event.topic.partition("@")[0].replace("-", " ").capitalize()


def _short(digest: str) -> str:
    return digest[:12]


def _masked(account: str) -> str:
    """The end of an account number is enough for people to tell it by."""
    return f"…{account[-4:]}"


def _assessed(event: assessment.CaseAssessed) -> str:
    amount = f" {kr(event.amount_ore)}" if event.amount_ore else ""
    return f"Assessed at {event.score}, recommends to {event.recommendation}{amount}: {event.grounds}"


def _granted(event: decision.ApplicationGranted) -> str:
    more = f", on {len(event.conditions)} special condition(s)" if event.conditions else ""
    years = ", ".join(f"{later.year}: {kr(later.amount_ore)}" for later in event.later_years)
    more += f", with an intention for {years}" if years else ""
    return f"Granted {kr(event.amount_ore)}{more}: {event.grounds.considerations}"


def _account(event: payment.AccountRegistered) -> str:
    instead = f" instead of {_masked(event.previous)}" if event.previous else ""
    return f"Registered account {_masked(event.account)}{instead}"


def _countersigned(event: reporting.AccountsCountersigned) -> str:
    late = f", {event.days_late} day(s) late" if event.days_late else ""
    return f"Signed the same accounts as superior ({_short(event.digest)}){late}"


def _extended(event: followup.DeadlineExtended) -> str:
    after = ", after it had passed" if event.after_the_fact else ""
    return f"Extended the {event.deadline} deadline to {clock(event.limit)}{after}: {event.reason}"


SAYINGS: dict[type[Event], Callable[[Any], str]] = {
    drafting.ApplicationStarted: lambda e: (
        f"Began an application for {e.applicant.name or e.applicant.number}"
    ),
    drafting.SectionEdited: lambda e: f"Filled in '{e.section}'",
    drafting.DocumentAttached: lambda e: f"Attached {e.attachment.filename} ({_short(e.attachment.digest)})",
    drafting.DocumentDetached: lambda e: f"Took out document {_short(e.digest)}",
    drafting.ApprovalVoided: lambda _: "The content changed: the approval no longer holds",
    approval.ApplicationApproved: lambda e: f"Approved content {_short(e.content)} as {e.capacity}",
    submission.ApplicationSubmitted: lambda e: (
        f"Submitted «{e.title}», content {_short(e.content)}: asks for {kr(e.asked_ore)}"
    ),
    submission.ReceiptIssued: lambda _: "Receipt sent to the applicant",
    submission.ApplicationWithdrawn: lambda e: f"Withdrew: {e.reason}",
    submission.ApplicationLapsed: lambda e: f"Lapsed: not submitted by {clock(e.due_at)}",
    casework.ImpartialityDeclared: lambda e: (
        f"Declared a conflict: {e.reason}" if e.conflict else "Declared no conflict"
    ),
    casework.CaseAssigned: lambda e: f"Assigned to {e.case_officer}",
    casework.InformationRequested: lambda e: f"Asked, to be answered by {clock(e.due)}: {e.what}",
    casework.InformationSupplied: lambda e: f"Answered request {e.request}: {e.answer}",
    casework.StatementRequested: lambda e: f"Asked {e.body}: {e.question}",
    casework.StatementRecorded: lambda e: f"{e.body} stated: {e.statement}",
    assessment.CriterionScored: lambda e: f"{e.points} points on {e.criterion}: {e.grounds}",
    assessment.CaseAssessed: _assessed,
    decision.ApplicationGranted: _granted,
    decision.ApplicationRejected: lambda e: f"Rejected: {e.grounds.considerations}",
    decision.LetterIssued: lambda e: f"Issued the letter ({e.language}), signed by {e.signed_by}",
    payment.AccountRegistered: _account,
    payment.ExemptionRecorded: lambda e: f"Recorded the ministry's exemption {e.exemption.reference}",
    payment.PaymentAttested: lambda e: f"Attested {kr(e.amount_ore)} to account {_masked(e.account)}",
    payment.PaymentAuthorised: lambda e: f"Ordered {kr(e.amount_ore)} to account {_masked(e.account)}",
    payment.PaymentConfirmed: lambda e: f"The bank paid {kr(e.amount_ore)} ({e.bank_reference})",
    reporting.ReportSubmitted: lambda e: (
        f"Delivered report and accounts {_short(e.digest)}: {kr(e.booked_ore)} booked"
    ),
    reporting.AccountsSigned: lambda e: f"Signed the accounts as project lead ({_short(e.digest)})",
    reporting.AccountsCountersigned: _countersigned,
    reporting.ReportReturned: lambda e: f"Sent the report back: {e.reason}",
    reporting.ReportAccepted: lambda e: f"Accepted the report, {kr(e.unspent_ore)} unspent: {e.assessment}",
    reporting.CaseClosed: lambda _: "Closed: report accepted and money settled",
    repayment.RepaymentNotified: lambda e: (
        f"Gave notice of a claim of {kr(e.amount_ore)}, to be answered by {clock(e.answer_limit)}"
    ),
    repayment.RepaymentClaimed: lambda e: f"Claimed {kr(e.amount_ore)} by {e.due:%d.%m.%Y}: {e.reason}",
    repayment.RepaymentReceived: lambda e: (
        f"Received {kr(e.amount_ore)} back, {kr(e.outstanding_ore)} outstanding"
    ),
    followup.DeadlineExtended: _extended,
    followup.ReminderSent: lambda e: f"Reminded of the {e.deadline} deadline, {clock(e.limit)}",
    followup.MarkedOverdue: lambda e: f"Marked the {e.deadline} overdue since {clock(e.due_at)}",
    followup.OverdueFollowedUp: lambda e: f"Asked again for the {e.deadline} that is overdue",
}
"""What each kind of event says; the function is given an event of that kind."""
