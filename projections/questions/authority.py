"""Decisions and approvals without a written delegation that covered appropriation, amount and date at that instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.authority import AuthorityDelegated
from grantflow.domain.decision import ApplicationDismissed, ApplicationGranted, ApplicationRejected
from grantflow.domain.errors import NoAuthority
from grantflow.domain.money import Ore, kroner
from grantflow.domain.repayment import RepaymentClaimed
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.application import CaseEvent
    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History, Moment

DECISIONS = (
    ApplicationGranted,
    ApplicationRejected,
    ApplicationDismissed,
    DecisionReversed,
    GrantReduced,
    RepaymentClaimed,
)


def answer(history: History) -> Iterator[Row]:
    """A row for each decision or approval that lacked authority, and for whoever delegated it to themselves."""
    for entries in history.authority.values():
        yield from _to_oneself(entries)
    for case in history.cases:
        for moment in case.each(*DECISIONS, ApplicationApproved):
            lacking = "; ".join(_lacking(history, moment))
            if lacking:
                yield _row(case, [moment.entry], moment.event, lacking)


def _lacking(history: History, moment: Moment) -> Iterator[str]:
    event, stamp, position = moment.event, moment.event.stamp, moment.entry.position
    known = history.authorities(stamp.organisation, position)
    call = history.call_of(moment.before)
    try:
        if isinstance(event, ApplicationApproved):
            if stamp.organisation != moment.before.applicant.number:
                yield f"{stamp.organisation} is not the applicant"
            if event.capacity == "delegate":
                reference = event.delegation.reference if event.delegation else ""
                known.approval(reference, stamp.person, call.id, moment.at)
            elif stamp.role != "director":
                yield f"a {stamp.role} does not approve by office"
        else:
            if stamp.organisation != call.authority:
                yield f"{stamp.organisation} is not the authority behind the call"
            known.budget(stamp.authority or "", stamp.person, call.appropriation, _amount(event), moment.at)
    except NoAuthority as refusal:
        yield str(refusal)


def _amount(event: CaseEvent) -> Ore:
    """How much the decision comes to; nothing where no money is bound by it."""
    if isinstance(event, DecisionReversed):
        return event.released_ore
    return event.amount_ore if isinstance(event, ApplicationGranted | GrantReduced | RepaymentClaimed) else 0


def _to_oneself(entries: tuple[Entry, ...]) -> Iterator[Row]:
    for entry in entries:
        event = entry.event
        if isinstance(event, AuthorityDelegated) and event.delegation.person == event.stamp.person:
            yield _row(None, [entry], event, "delegated by the person to themselves")


def _row(
    case: CaseHistory | None, proof: list[Entry], event: CaseEvent | AuthorityDelegated, lacking: str
) -> Row:
    reference = event.delegation.reference if isinstance(event, AuthorityDelegated) else event.stamp.authority
    return row(
        case,
        proof,
        **({} if case else {"case": "", "applicant": ""}),
        what=event.topic.partition("@")[0],
        at=event.stamp.recorded_at.isoformat(),
        person=event.stamp.person,
        authority=reference or "",
        amount=kroner(_amount(event)) if not isinstance(event, AuthorityDelegated) else "",
        lacking=lacking,
    )


question = Question(
    number=10,
    name="authority",
    asks="Which decisions and approvals lacked a valid written delegation covering appropriation, amount and date?",
    law="bestemmelser om økonomistyring 2.5.2.1, 6.3.3; the call, on who approves (R22)",
    columns=("case", "applicant", "what", "at", "person", "authority", "amount", "lacking"),
    answer=answer,
    breaches=True,
)
