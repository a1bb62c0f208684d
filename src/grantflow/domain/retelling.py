"""Back from events to the command they came of: the step and the content which, decided again, give them again."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.calendar import oslo_date
from grantflow.domain.casework import (
    CaseAssigned,
    ImpartialityDeclared,
    InformationRequested,
    InformationSupplied,
    StatementRecorded,
    StatementRequested,
)
from grantflow.domain.complaint import ComplaintAnswered, ComplaintRegistered
from grantflow.domain.conditions import ConditionMet, ConditionWaived
from grantflow.domain.correction import FactCorrected
from grantflow.domain.decision import ApplicationDismissed, ApplicationGranted, ApplicationRejected
from grantflow.domain.declared import DeclaredStepTaken
from grantflow.domain.drafting import ApplicationStarted, DocumentAttached, DocumentDetached, SectionEdited
from grantflow.domain.errors import NotFound
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import kroner
from grantflow.domain.payment import (
    AccountRegistered,
    ExemptionRecorded,
    PaymentAttested,
    PaymentAuthorised,
    PaymentConfirmed,
)
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified, RepaymentReceived
from grantflow.domain.reporting import (
    AccountsCountersigned,
    AccountsSigned,
    ReportAccepted,
    ReportReturned,
    ReportSubmitted,
)
from grantflow.domain.reversal import DecisionReversed, GrantReduced, NoticeAnswered, ReversalNotified
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.domain.state_aid import StateAidAssessed
from grantflow.domain.submission import ApplicationLapsed, ApplicationSubmitted, ApplicationWithdrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from grantflow.domain.application import CaseEvent
    from grantflow.domain.event import Entry

Data = dict[str, Any]


class Untold(ValueError):  # noqa: N818 - like a refusal, it is an answer
    """The events are not what any one command leads to."""


def commands(entries: Iterable[Entry]) -> Iterator[tuple[Entry, ...]]:
    """A stream's entries, those of one command together: one person's, under one key, in one step."""
    for _, together in groupby(entries, _command):
        yield tuple(together)


def _command(entry: Entry) -> tuple[str, str, str]:
    stamp = entry.event.stamp
    return stamp.person, stamp.command, stamp.step


def nowhere(digest: str) -> bytes:
    """Where documents are looked for when there is no place for them."""
    msg = f"The document {digest} is not at hand."
    raise NotFound(msg)


def retell(
    events: Sequence[CaseEvent], document: Callable[[str], bytes] = nowhere
) -> tuple[str, dict[str, Any]]:
    """The step and the content of the command that these events of one case came of; Untold where there is none.

    A digest that was named to be sure of what had been read is left out: the decision finds it anew. A document's
    bytes stand in no event; `document` fetches them by their digest.
    """
    first = events[0]
    if isinstance(first, DocumentAttached):
        return first.stamp.step, _attached(first, document)
    if type(first) in _NAMED:
        named = {name: msgspec.to_builtins(getattr(first, name)) for name in _NAMED[type(first)]}
        return first.stamp.step, named
    if type(first) not in _TOLD:
        msg = f"no command begins with {first.topic}"
        raise Untold(msg)
    return first.stamp.step, _TOLD[type(first)](first)


def _attached(event: DocumentAttached, document: Callable[[str], bytes]) -> Data:
    about = event.attachment
    return {
        "filename": about.filename,
        "media_type": about.media_type,
        "content": document(about.digest),
    }


def _approved(event: ApplicationApproved) -> Data:
    by = {"delegation": event.delegation.reference} if event.delegation else {}
    return {"capacity": event.capacity, **by}


def _requested(event: InformationRequested) -> Data:
    return {"what": event.what, "due": _last_day(event.due)}


def _assessed(event: CaseAssessed) -> Data:
    amount = {"amount": kroner(event.amount_ore)} if event.recommendation == "grant" else {}
    return {"recommendation": event.recommendation, "grounds": event.grounds, **amount}


def _granted(event: ApplicationGranted) -> Data:
    return {
        **_on_authority(event),
        "amount": kroner(event.amount_ore),
        "confirmations": msgspec.to_builtins(event.confirmations),
        "conditions": msgspec.to_builtins(list(event.conditions)),
        "instalments": [
            {
                "amount": kroner(one.amount_ore),
                "due": str(one.due) if one.due else None,
                "condition": one.condition,
            }
            for one in event.instalments
        ],
        "later_years": [{"year": one.year, "amount": kroner(one.amount_ore)} for one in event.later_years],
    }


def _dismissed(event: ApplicationDismissed) -> Data:
    return {**_on_authority(event), "cause": event.cause}


def _reversed(event: DecisionReversed | GrantReduced) -> Data:
    return {**_on_authority(event), "case_of_35": event.case_of_35}


def _reduced(event: GrantReduced) -> Data:
    return {**_reversed(event), "amount": kroner(event.amount_ore)}


def _on_authority(
    event: ApplicationGranted | ApplicationRejected | ApplicationDismissed | DecisionReversed | GrantReduced,
) -> Data:
    return {"grounds": msgspec.to_builtins(event.grounds), "authority": event.stamp.authority or ""}


def _notified(event: ReversalNotified | RepaymentNotified) -> Data:
    return {"reason": event.reason, "answer_by": _last_day(event.answer_limit)}


def _attested(event: PaymentAttested) -> Data:
    return {"amount": kroner(event.amount_ore), "account_check": event.account_check}


def _claimed(event: RepaymentClaimed) -> Data:
    return {"due": str(event.due), "reason": event.reason, "authority": event.stamp.authority or ""}


def _received(event: RepaymentReceived) -> Data:
    return {"amount": kroner(event.amount_ore), "bank_reference": event.bank_reference}


def _corrected(event: FactCorrected) -> Data:
    return {"entry": event.corrects, "field": event.field, "value": event.after, "reason": event.reason}


def _form(event: ReportSubmitted | DeclaredStepTaken) -> Data:
    return dict(event.content)


def _last_day(limit: datetime) -> str:
    """The day at whose end a limit lies."""
    return str(oslo_date(limit) - timedelta(days=1))


_NAMED: dict[type[CaseEvent], tuple[str, ...]] = {
    ApplicationStarted: ("area",),
    SectionEdited: ("section", "content"),
    DocumentDetached: ("digest",),
    ApplicationSubmitted: (),
    ApplicationWithdrawn: ("reason",),
    ApplicationLapsed: ("deadline",),
    ImpartialityDeclared: ("conflict", "reason"),
    CaseAssigned: ("case_officer",),
    InformationSupplied: ("request", "answer"),
    StatementRequested: ("body", "question"),
    StatementRecorded: ("body", "statement"),
    CriterionScored: ("criterion", "points", "grounds"),
    StateAidAssessed: ("conclusion", "grounds"),
    LetterIssued: ("language", "blocks", "reservations"),
    ConditionMet: ("condition", "evidence"),
    ConditionWaived: ("condition", "reason"),
    NoticeAnswered: ("answer",),
    ComplaintRegistered: ("text", "received_on"),
    ComplaintAnswered: ("complaint", "outcome", "answer"),
    AccountRegistered: ("account",),
    ExemptionRecorded: ("exemption",),
    PaymentAuthorised: (),
    PaymentConfirmed: ("bank_reference",),
    AccountsSigned: ("digest",),
    AccountsCountersigned: ("digest",),
    ReportReturned: ("reason",),
    ReportAccepted: ("assessment",),
    DeadlineExtended: ("deadline", "until", "reason"),
    ReminderSent: ("deadline", "due_at"),
    MarkedOverdue: ("deadline",),
    OverdueFollowedUp: ("deadline", "due_at"),
    CaseMovedToRevision: ("grounds",),
}
"""The events whose command said what they say: by which names."""

_TOLD: dict[type[CaseEvent], Callable[[Any], Data]] = {
    ApplicationApproved: _approved,
    InformationRequested: _requested,
    CaseAssessed: _assessed,
    DeclaredStepTaken: _form,
    ApplicationGranted: _granted,
    ApplicationRejected: _on_authority,
    ApplicationDismissed: _dismissed,
    ReversalNotified: _notified,
    DecisionReversed: _reversed,
    GrantReduced: _reduced,
    PaymentAttested: _attested,
    ReportSubmitted: _form,
    RepaymentNotified: _notified,
    RepaymentClaimed: _claimed,
    RepaymentReceived: _received,
    FactCorrected: _corrected,
}
"""The others that a command's events can begin with."""
