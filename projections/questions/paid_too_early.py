"""Payments that were attested, ordered or made before what must come first: decision, letter, deadline, condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.calendar import start_of_day
from grantflow.domain.payment import PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.history import History, Moment

STEPS = (PaymentAttested, PaymentAuthorised, PaymentConfirmed)


def answer(history: History) -> Iterator[Row]:
    """A row for each instalment and each thing it did not wait for, with the steps that were taken without it."""
    for case in history.cases:
        early: dict[tuple[int, str], list[Moment]] = {}
        for moment in case.each(*STEPS):
            event = moment.event
            if isinstance(event, STEPS):
                for missing in _missing(moment, event.instalment, history.call_of(moment.before)):
                    early.setdefault((event.instalment, missing), []).append(moment)
        for (instalment, missing), moments in early.items():
            yield row(
                case,
                [moment.entry for moment in moments],
                instalment=instalment,
                steps=[moment.event.stamp.step for moment in moments],
                at=moments[0].at.isoformat(),
                persons=[moment.event.stamp.person for moment in moments],
                before=missing,
            )


def _missing(moment: Moment, instalment: int, call: Call) -> Iterator[str]:
    """What had not come when the step was taken."""
    case, at, payment = moment.before, moment.at, moment.before.payment
    current = payment if payment and payment.instalment == instalment else None
    if case.decision is None or case.decision.outcome != "granted":
        yield "a grant"
    if not case.letter:
        yield "the letter"
    if not case.account:
        yield "the recipient's account"
    limits = [deadline.limit for deadline in call.deadlines_of("submit") if deadline.late == "refuse"]
    if limits and at < max(limits):
        yield f"the application deadline ({max(limits).isoformat()})"
    yield from _conditions(case, instalment, at)
    if case.exemption_needed:
        yield from _exemption(case, at, call)
    if not isinstance(moment.event, PaymentAttested) and current is None:
        yield "attestation"
    if isinstance(moment.event, PaymentConfirmed) and not (current and current.authorised_by):
        yield "authorisation"


def _conditions(case: Application, number: int, at: datetime) -> Iterator[str]:
    """A day that the instalment is paid from, its own condition, and those that block whatever waits for no other."""
    decision = case.decision
    if decision is None or not 0 < number <= len(decision.instalments):
        return
    instalment = decision.instalments[number - 1]
    if instalment.due and at < start_of_day(instalment.due):
        yield f"the instalment's day ({instalment.due.isoformat()})"
    others = {one.condition for one in decision.instalments} - {instalment.condition}
    blocking = {one.id for one in decision.conditions if one.blocking} - others
    for condition in sorted(blocking | ({instalment.condition} - {""})):
        if not case.settled(condition):
            yield f"the condition {condition}"


def _exemption(case: Application, at: datetime, call: Call) -> Iterator[str]:
    exemption = case.exemption
    if exemption is None:
        yield "the ministry's exemption"
        return
    begins, ends = str(exemption.valid_from), str(exemption.valid_to)
    reads = call.facts.of(case.content, at)
    first = reads.fact("application.starts_on", str, begins)
    last = reads.fact("application.ends_on", str, ends)
    if not begins <= first <= last <= ends:
        yield f"an exemption for all of the project ({first} to {last})"


question = Question(
    number=8,
    name="paid-too-early",
    asks="Was anything paid before decision, letter, attestation, deadline, blocking condition or exemption?",
    law="the call, on payment (R14, R15, R23); bestemmelser om økonomistyring 6.3.3, 6.3.5, 6.3.8.1",
    columns=("case", "applicant", "instalment", "steps", "at", "persons", "before"),
    answer=answer,
    breaches=True,
)
