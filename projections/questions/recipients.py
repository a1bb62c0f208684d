"""Whether the published list of recipients agrees with what was decided, committed and paid."""

from collections.abc import Iterator
from uuid import UUID

from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.frame import FrameCommitted, FrameReleased
from grantflow.domain.money import Ore, kroner
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.reversal import GrantReduced
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

SETTLED = ("paid", "reported", "closed")
"""States that say all of a grant is paid, in the processes that have them."""


def answer(history: History) -> Iterator[Row]:
    """Each line of the list: whoever holds a grant, was paid, or has a part of the frame set aside."""
    held = _held(history)
    for case in history.cases:
        if _granted(case) or case.case.paid_ore or held.get(case.id):
            yield _row(case, history, held)


def _row(case: CaseHistory, history: History, held: dict[UUID, Ore]) -> Row:
    """What the list says (R32: municipality, project, amount), beside every amount that must agree with it."""
    now, call = case.case, history.call_of(case.case)
    grants = [moment for moment in case.each(ApplicationGranted) if now.decision]
    grant = grants[-1] if grants else None
    payments, reductions = list(case.each(PaymentConfirmed)), list(case.each(GrantReduced))
    granted, first = _granted(case), grant.after.decision.amount_ore if grant and grant.after.decision else 0
    committed = held.get(case.id, 0)
    wrong = {
        "paid without a grant in force": now.paid_ore > 0 and granted == 0,
        "more is paid than granted": now.paid_ore > granted > 0 and not reductions,
        "more is granted than was applied for": granted > now.asked_ore,
        f"the frame has {kroner(committed)} set aside": call.id in history.frames and committed != granted,
        f"'{now.state}' though not all is paid": now.state in SETTLED and now.paid_ore < granted,
        "the bank's return says that something else is outstanding": any(map(_otherwise, payments)),
    }
    return row(
        case,
        [moment.entry for moment in (grant, *reductions, *payments) if moment],
        call=call.id,
        year=call.year,
        organisation=now.applicant.number,
        project=now.title,
        granted=kroner(first),
        reduced=kroner(first - granted),
        in_force=kroner(granted),
        committed=kroner(committed),
        paid=kroner(now.paid_ore),
        repaid=kroner(now.repayment.received_ore if now.repayment else 0),
        outstanding=kroner(max(0, granted - now.paid_ore)),
        breach="; ".join(text for text, holds in wrong.items() if holds),
    )


def _granted(case: CaseHistory) -> Ore:
    """The grant in force."""
    decision = case.case.decision
    return decision.amount_ore if decision and decision.outcome == "granted" else 0


def _otherwise(payment: Moment) -> bool:
    """Whether a payment leaves something else of the grant than its event says."""
    event, decision = payment.event, payment.after.decision
    left = (decision.amount_ore if decision else 0) - payment.after.paid_ore
    return isinstance(event, PaymentConfirmed) and event.outstanding_ore != left


def _held(history: History) -> dict[UUID, Ore]:
    """What each case has set aside of its call's frame, by the frame's own stream (R3)."""
    held: dict[UUID, Ore] = {}
    for entries in history.frames.values():
        for event in (entry.event for entry in entries):
            if isinstance(event, FrameCommitted):
                held[event.case] = event.amount_ore
            elif isinstance(event, FrameReleased):
                held[event.case] = event.remaining_ore
    return held


question = Question(
    number=27,
    name="recipients",
    asks="Who is on the published list with what, and does that agree with the decisions and the payments?",
    law="R32; bevilgningsreglementet §§ 5, 6; R3, R20",
    columns=(
        "case", "applicant", "call", "year", "organisation", "project", "granted", "reduced", "in_force", "committed",
        "paid", "repaid", "outstanding", "breach",
    ),
    answer=answer,
)  # fmt: skip
