"""What an event says, in one sentence for people: the step that was taken, and what matters about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain import (
    approval,
    assessment,
    authority,
    casework,
    complaint,
    conditions,
    contact,
    correction,
    decision,
    declared,
    drafting,
    followup,
    letters,
    notice,
    payment,
    person,
    repayment,
    reporting,
    reversal,
    revision,
    state_aid,
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
    if len(event.instalments) > 1:
        more += f", in {len(event.instalments)} instalments"
    years = ", ".join(f"{later.year}: {kr(later.amount_ore)}" for later in event.later_years)
    more += f", with an intention for {years}" if years else ""
    return f"Granted {kr(event.amount_ore)}{more}: {event.grounds.considerations}"


def _account(event: payment.AccountRegistered) -> str:
    instead = f" instead of {_masked(event.previous)}" if event.previous else ""
    return f"Registered account {_masked(event.account)}{instead}"


def _attested(event: payment.PaymentAttested) -> str:
    flag = ""
    if event.account_changed_at:
        flag = f"; the account was changed {clock(event.account_changed_at)}: {event.account_check}"
    return f"Attested {kr(event.amount_ore)} to account {_masked(event.account)}{flag}"


def _confirmed(event: payment.PaymentConfirmed) -> str:
    more = f", {kr(event.outstanding_ore)} to come" if event.outstanding_ore else ""
    return f"The bank paid {kr(event.amount_ore)} ({event.bank_reference}){more}"


def _letter(event: letters.LetterIssued) -> str:
    return f"Issued the {event.kind} letter ({event.language}), signed by {event.signed_by}"


def _complaint(event: complaint.ComplaintRegistered) -> str:
    late = "" if event.in_time else ", too late"
    kind = event.looked_at_as.replace("-", " ")
    return f"Registered complaint {event.complaint} of {event.received_on:%d.%m.%Y}{late}, as {kind}: {event.text}"


def _delegated(event: authority.AuthorityDelegated) -> str:
    held = event.delegation
    what = held.appropriation or held.call or "all calls"
    most = f", to {kr(held.limit_ore)} a decision" if held.limit_ore is not None else ""
    return f"Delegated {held.scope} authority {held.reference} to {held.person}: {what}{most}"


def _countersigned(event: reporting.AccountsCountersigned) -> str:
    late = f", {event.days_late} day(s) late" if event.days_late else ""
    return f"Signed the same accounts as superior ({_short(event.digest)}){late}"


def _made(event: notice.NoticeMade) -> str:
    where = "in the portal" if event.channel == "portal" else "by mail"
    return f"Told the {event.to} of {event.organisation} {where} ({event.rule}, {event.language}): {event.subject}"


def _sent(event: notice.NoticeSent) -> str:
    together = f", with {event.together - 1} more" if event.together > 1 else ""
    return f"The mail to {event.address} was taken over by the mail server{together}: {event.answer}"


def _failed(event: notice.NoticeFailed) -> str:
    then = f"again {clock(event.again_at)}" if event.again_at else "given up"
    return f"The mail was not taken over (attempt {event.attempt}), {then}: {event.reason}"


def _mailbox(event: contact.ContactEvent) -> str:
    return f"the {event.for_role} of {event.organisation}" if event.for_role else event.organisation


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
    decision.ApplicationDismissed: lambda e: f"Dismissed ({e.cause}): {e.grounds.considerations}",
    letters.LetterIssued: _letter,
    payment.AccountRegistered: _account,
    payment.ExemptionRecorded: lambda e: f"Recorded the ministry's exemption {e.exemption.reference}",
    payment.PaymentAttested: _attested,
    payment.PaymentAuthorised: lambda e: f"Ordered {kr(e.amount_ore)} to account {_masked(e.account)}",
    payment.PaymentConfirmed: _confirmed,
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
    state_aid.StateAidAssessed: lambda e: f"Assessed state aid: {e.conclusion}. {e.grounds}",
    declared.DeclaredStepTaken: lambda e: f"Took the step '{e.declared}' on content {_short(e.about)}",
    declared.StageOpened: lambda e: f"Opened the stage '{e.stage}' after '{e.left}'",
    conditions.ConditionMet: lambda e: f"Accepted the condition '{e.condition}' as met: {e.evidence}",
    conditions.ConditionWaived: lambda e: f"Waived the condition '{e.condition}': {e.reason}",
    reversal.ReversalNotified: lambda e: (
        f"Gave notice of a reversal, to be answered by {clock(e.answer_limit)}: {e.reason}"
    ),
    reversal.NoticeAnswered: lambda e: f"Answered the notice: {e.answer}",
    reversal.DecisionReversed: lambda e: (
        f"Reversed the decision ({e.outcome}; fvl § 35: {e.case_of_35}): {e.grounds.considerations}"
    ),
    reversal.GrantReduced: lambda e: (
        f"Reduced the grant from {kr(e.before_ore)} to {kr(e.amount_ore)}: {e.grounds.considerations}"
    ),
    complaint.ComplaintRegistered: _complaint,
    complaint.ComplaintAnswered: lambda e: f"Answered complaint {e.complaint} ({e.outcome}): {e.answer}",
    correction.FactCorrected: lambda e: (
        f"Corrected '{e.field}' of entry {e.corrects}: «{e.before}» should read «{e.after}». {e.reason}"
    ),
    revision.CaseMovedToRevision: lambda e: (
        f"Moved from definition {_short(e.before)} to {_short(e.definition)}: {e.grounds}"
    ),
    authority.AuthorityDelegated: _delegated,
    authority.AuthorityRevoked: lambda e: f"Revoked the authority {e.reference}: {e.reason}",
    authority.SuperiorNamed: lambda e: f"{e.subordinate} answers to {e.superior}",
    person.PersonNamed: lambda e: f"Recorded what names {e.person}, sealed under a key",
    person.PersonErased: lambda e: f"Erased what names {e.person}; the key is destroyed: {e.grounds}",
    notice.NoticeMade: _made,
    notice.NoticeSkipped: lambda e: (
        f"Left out a notice ({e.rule}) that was due {clock(e.due_at)}: {e.reason}"
    ),
    notice.NoticeSent: _sent,
    notice.NoticeFailed: _failed,
    notice.NoticeResent: lambda e: f"Has a mail sent once more: {e.reason}",
    contact.ContactRegistered: lambda e: f"Mail to {_mailbox(e)} goes to {e.address}",
    contact.ContactWithdrawn: lambda e: f"Mail to {_mailbox(e)} goes nowhere any more: {e.reason}",
    followup.DeadlineExtended: _extended,
    followup.ReminderSent: lambda e: f"Reminded {e.to} of the {e.deadline} deadline, {clock(e.limit)}",
    followup.MarkedOverdue: lambda e: f"Marked the {e.deadline} overdue since {clock(e.due_at)}",
    followup.OverdueFollowedUp: lambda e: f"Asked again for the {e.deadline} that is overdue",
}
"""What each kind of event says; the function is given an event of that kind."""
