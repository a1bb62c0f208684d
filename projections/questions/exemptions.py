"""Which exemptions were relied on, by which reference, and whether they cover the project."""

from collections.abc import Iterator
from datetime import date
from typing import TypeVar

from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.parts import Exemption
from grantflow.domain.payment import ExemptionRecorded, PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

Kind = TypeVar("Kind", str, bool)
PAYING = (PaymentAttested, PaymentAuthorised, PaymentConfirmed)


def answer(history: History) -> Iterator[Row]:
    """Each case with an exemption on record, and each grant to a project that needs one."""
    for case in history.cases:
        submitted = case.last(ApplicationSubmitted)
        call = history.call_of(case.case)
        needed = submitted is not None and _needed(call, submitted)
        granted = case.first(ApplicationGranted)
        recorded = list(case.each(ExemptionRecorded))
        if recorded or (needed and granted):
            yield _row(case, call, submitted, recorded, needed=needed)


def _row(
    case: CaseHistory, call: Call, submitted: Moment | None, recorded: list[Moment], *, needed: bool
) -> Row:
    exemption, last = case.case.exemption, recorded[-1] if recorded else None
    first_day, last_day = _day(call, submitted, "starts_on"), _day(call, submitted, "ends_on")
    paying = list(case.each(*PAYING))
    wrong = [_wrong(moment, first_day, last_day) for moment in paying] if needed else []
    grant = case.first(ApplicationGranted)
    return row(
        case,
        [moment.entry for moment in (submitted, *recorded, grant, *paying) if moment],
        needed=needed,
        reference=exemption.reference if exemption else "",
        decided_by=exemption.decided_by if exemption else "",
        valid_from=exemption.valid_from.isoformat() if exemption else None,
        valid_to=exemption.valid_to.isoformat() if exemption else None,
        starts_on=first_day.isoformat() if first_day else None,
        ends_on=last_day.isoformat() if last_day else None,
        covers=covers(exemption, first_day, last_day) if exemption else None,
        recorded_at=last.at.isoformat() if last else None,
        recorded_by=last.event.stamp.person if last else "",
        breach="; ".join(dict.fromkeys(text for text in wrong if text)),
    )


def covers(exemption: Exemption, first_day: date | None, last_day: date | None) -> bool:
    """Whether it holds from the project's first day to its last; a day that the call doesn't ask for is no matter."""
    begun = first_day is None or exemption.valid_from <= first_day
    return begun and (last_day is None or last_day <= exemption.valid_to)


def _wrong(moment: Moment, first_day: date | None, last_day: date | None) -> str:
    """What a step of the payment lacked when it was taken (R15)."""
    step, exemption = moment.event.stamp.step, moment.before.exemption
    if exemption is None:
        return f"{step} without the exemption that the project needs"
    if not covers(exemption, first_day, last_day):
        return f"{step} though {exemption.reference} does not hold for all of the project"
    return ""


def _needed(call: Call, submitted: Moment) -> bool:
    """Whether the project lies outside the acts: by the form that was filled in, or by what was submitted with it."""
    event = submitted.event
    told = isinstance(event, ApplicationSubmitted) and event.exemption_needed
    return told or _read(call, submitted, "exemption_needed", bool) is True


def _day(call: Call, submitted: Moment | None, fact: str) -> date | None:
    text = _read(call, submitted, fact, str) if submitted else None
    return date.fromisoformat(text) if text else None


def _read(call: Call, submitted: Moment, fact: str, kind: type[Kind]) -> Kind | None:
    """A fact as the call reads it off the form; None where it does not, or can't."""
    try:
        return call.facts.of(submitted.before.content, submitted.at).fact(f"application.{fact}", kind, kind())
    except DefinitionError:
        return None


question = Question(
    number=17,
    name="exemptions",
    asks="Which exemptions were relied on, by which reference, and does each one's period cover the project's?",
    law="introduksjonsloven § 27, integreringsloven § 38; R15",
    columns=(
        "case", "applicant", "needed", "reference", "decided_by", "valid_from", "valid_to", "starts_on", "ends_on",
        "covers", "recorded_at", "recorded_by", "breach",
    ),
    answer=answer,
)  # fmt: skip
