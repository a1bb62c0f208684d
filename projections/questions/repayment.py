"""What was left unspent, and whether it was notified, decided, claimed and received back."""

from collections.abc import Iterator
from datetime import datetime

from grantflow.domain.calendar import end_of_day
from grantflow.domain.call import Call
from grantflow.domain.money import Ore, kroner
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.repayment import RepaymentClaimed, RepaymentNotified, RepaymentReceived
from grantflow.domain.reporting import CaseClosed, ReportAccepted
from grantflow.domain.reversal import GrantReduced, NoticeAnswered
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

STEPS = (
    GrantReduced,
    ReportAccepted,
    RepaymentNotified,
    NoticeAnswered,
    RepaymentClaimed,
    RepaymentReceived,
    CaseClosed,
)


def answer(history: History) -> Iterator[Row]:
    """Each case in which more was paid than was used or granted, or money was notified, claimed or received."""
    end = history.end
    for case in history.cases:
        any_step = case.first(RepaymentNotified, RepaymentClaimed, RepaymentReceived)
        if unspent(case) or any_step or _told(case):
            yield _row(case, history.call_of(case.case), end)


def unspent(case: CaseHistory) -> Ore:
    """What was paid beyond the grant in force, or beyond what was booked of it once the report is accepted."""
    accepted, granted = case.last(ReportAccepted), case.case.decision.amount_ore if case.case.decision else 0
    report = accepted.before.report if accepted else None
    used = min(granted, report.booked_ore) if report else granted
    return max(0, case.case.paid_ore - used)


def _row(case: CaseHistory, call: Call, end: datetime) -> Row:
    notice, claim = _notice(case), case.last(RepaymentClaimed)
    notified, claimed = notice[0].event if notice else None, claim.event if claim else None
    received = [
        m.event.amount_ore for m in case.each(RepaymentReceived) if isinstance(m.event, RepaymentReceived)
    ]
    claimed_ore = claimed.amount_ore if isinstance(claimed, RepaymentClaimed) else 0
    due = claimed.due if isinstance(claimed, RepaymentClaimed) else None
    outstanding = max(claimed_ore, unspent(case)) - sum(received)
    last = case.last(RepaymentReceived)
    wrong = {
        f"recorded as {kroner(_told(case))} unspent": case.last(ReportAccepted) is not None
        and _told(case) != unspent(case),
        f"{kroner(claimed_ore)} was claimed": claim is not None and claimed_ore != unspent(case),
        "claimed without prior notice, or before the time to answer was over": not _heard(
            call, notice, claim
        ),
        "more was received than was claimed": sum(received) > claimed_ore,
        "closed before the money was settled": case.first(CaseClosed) is not None and outstanding > 0,
        "overdue": due is not None and end >= end_of_day(due) and outstanding > 0,
        "received after it was due": due is not None and last is not None and last.at >= end_of_day(due),
    }
    return row(
        case,
        [moment.entry for moment in case.each(PaymentConfirmed, *STEPS)],
        paid=kroner(case.case.paid_ore),
        unspent=kroner(unspent(case)),
        notified=notice[0].at.isoformat() if notice else None,
        answer_by=notified.answer_limit.isoformat() if isinstance(notified, RepaymentNotified) else None,
        answered=notice[1].at.isoformat() if notice and notice[1] else None,
        decided=claim.at.isoformat() if claim else None,
        decided_by=claim.event.stamp.person if claim else "",
        authority=(claim.event.stamp.authority or "") if claim else "",
        claimed=kroner(claimed_ore),
        due=due.isoformat() if due else None,
        received=kroner(sum(received)),
        received_last=last.at.isoformat() if last else None,
        outstanding=kroner(outstanding),
        breach="; ".join(text for text, holds in wrong.items() if holds),
    )


def _notice(case: CaseHistory) -> tuple[Moment, Moment | None] | None:
    """The last prior notice of a claim, and the municipality's answer to it."""
    notified = case.last(RepaymentNotified)
    if notified is None:
        return None
    place = notified.entry.originator_version
    later = (one for one in case.each(NoticeAnswered) if one.entry.originator_version > place)
    return notified, next(later, None)


def _heard(call: Call, notice: tuple[Moment, Moment | None] | None, claim: Moment | None) -> bool:
    """Whether the municipality had its say before money was claimed, where the call asks for that (fvl § 16)."""
    if claim is None or not call.legal_regime.prior_notice:
        return True
    if notice is None or notice[0].entry.originator_version > claim.entry.originator_version:
        return False
    event = notice[0].event
    limit = event.answer_limit if isinstance(event, RepaymentNotified) else claim.at
    return limit <= claim.at or (notice[1] is not None and notice[1].at <= claim.at)


def _told(case: CaseHistory) -> Ore:
    """What the accepted report was recorded to leave unspent."""
    accepted = case.last(ReportAccepted)
    event = accepted.event if accepted else None
    return event.unspent_ore if isinstance(event, ReportAccepted) else 0


question = Question(
    number=20,
    name="repayment",
    asks="What was left unspent, and was it notified, decided, claimed and received, or is it outstanding?",
    law="forvaltningsloven § 16; bestemmelser om økonomistyring 6.3.5; the call: what is unspent comes back",
    columns=(
        "case", "applicant", "paid", "unspent", "notified", "answer_by", "answered", "decided", "decided_by",
        "authority", "claimed", "due", "received", "received_last", "outstanding", "breach",
    ),
    answer=answer,
)  # fmt: skip
