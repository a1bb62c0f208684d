"""Whether two people signed the same accounts, and what the accounts themselves show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.digest import digest_of
from grantflow.domain.money import Ore, kroner, ore
from grantflow.domain.reporting import (
    AccountsCountersigned,
    AccountsSigned,
    ReportAccepted,
    ReportReturned,
    ReportSubmitted,
)
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

STEPS = (ReportSubmitted, AccountsSigned, AccountsCountersigned, ReportReturned, ReportAccepted)


@dataclass
class Delivery:
    """One report as it was handed in, and what happened to that one before the next."""

    moment: Moment
    report: ReportSubmitted
    signed: list[Moment] = field(default_factory=list)
    countersigned: list[Moment] = field(default_factory=list)
    others: list[Moment] = field(default_factory=list)


def answer(history: History) -> Iterator[Row]:
    """Each report that was delivered, accepted or returned, so that those which were replaced are seen too."""
    for case in history.cases:
        for delivery in _deliveries(case):
            if delivery.countersigned or delivery.others:
                yield _row(case, history.call_of(delivery.moment.before), delivery)


def _deliveries(case: CaseHistory) -> list[Delivery]:
    found: list[Delivery] = []
    for moment in case.each(*STEPS):
        event = moment.event
        if isinstance(event, ReportSubmitted):
            found.append(Delivery(moment, event))
        elif found and isinstance(event, AccountsSigned):
            found[-1].signed.append(moment)
        elif found and isinstance(event, AccountsCountersigned):
            found[-1].countersigned.append(moment)
        elif found:
            found[-1].others.append(moment)
    return found


def _row(case: CaseHistory, call: Call, one: Delivery) -> Row:
    """What the two signed, and what it shows.

    The own contribution shown is what was booked beyond the grant and other public support. Calls let the grant pay
    first (what is unspent is granted less booked), so one that is short is for the auditor to judge, and no breach yet.
    """
    before, booked = one.moment.before, _booked(call, one)
    applied = _sum(before.content.get("budget"), "other_public_support")
    support = _sum(one.report.content.get("accounts"), "other_public_support")
    own, shown = _own_contribution(case), max(0, booked - before.paid_ore - support)
    outside = [line for line in _booked_lines(one) if not line["booked_on"].startswith(f"{call.year}-")]
    wrong = {
        f"booked outside {call.year}: {len(outside)} of the lines": bool(outside),
        f"the report says that {kroner(one.report.booked_ore)} is booked": booked != one.report.booked_ore,
        f"{kroner(support - applied)} of other public support was not in the application": support > applied,
        "grant and other public support are more than what was booked": 0
        < support
        > booked - before.paid_ore,
    }
    return row(
        case,
        [moment.entry for moment in (one.moment, *one.signed, *one.countersigned, *one.others)],
        report=one.report.digest,
        delivered=one.countersigned[0].at.isoformat() if one.countersigned else None,
        signed_by=_people(one.signed),
        countersigned_by=_people(one.countersigned),
        booked=kroner(booked),
        outside_year=outside,
        support_applied=kroner(applied),
        support_reported=kroner(support),
        own_contribution=kroner(own),
        own_contribution_shown=kroner(shown),
        own_contribution_short=kroner(max(0, own - shown)),
        breach="; ".join([*_unsigned(case, one), *(text for text, holds in wrong.items() if holds)]),
    )


def _unsigned(case: CaseHistory, one: Delivery) -> Iterator[str]:
    """Where it is not so that two people of the recipient signed exactly what stands in the case (R27)."""
    if digest_of(one.report.content) != one.report.digest:
        yield "the digest is not that of the report's content"
    signatures = [*one.signed, *one.countersigned]
    digests = {getattr(moment.event, "digest", "") for moment in signatures}
    if digests - {one.report.digest}:
        yield "something else was signed"
    if not one.signed or not one.countersigned:
        yield "not signed by both project lead and superior"
    elif {*_people(one.signed)} & {*_people(one.countersigned)}:
        yield "one person signed twice"
    elif one.countersigned[0].entry.originator_version < one.signed[0].entry.originator_version:
        yield "the superior signed first"
    if any(moment.event.stamp.organisation != case.case.applicant.number for moment in signatures):
        yield "signed by somebody outside the recipient"


def _booked(call: Call, one: Delivery) -> Ore:
    """The eligible expenses booked, read off the report again; as it was recorded where it can't be read."""
    try:
        reads = call.facts.of(one.report.content, one.moment.at)
        return reads.fact("reporting.booked", int, one.report.booked_ore)
    except DefinitionError:
        return one.report.booked_ore


def _own_contribution(case: CaseHistory) -> Ore:
    """What the municipality applied with (R8)."""
    submitted = case.last(ApplicationSubmitted)
    event = submitted.event if submitted else None
    return event.own_contribution_ore if isinstance(event, ApplicationSubmitted) else 0


def _booked_lines(one: Delivery) -> list[dict[str, Any]]:
    """The lines of the accounts that say when they were booked."""
    accounts = one.report.content.get("accounts")
    lines = [line for kind in ("income", "expenses") for line in _list(accounts, kind)]
    return [line for line in lines if isinstance(line.get("booked_on"), str)]


def _sum(section: object, name: str) -> Ore:
    """The amounts of a list in a form's section; nothing where the form has no such list."""
    return sum(ore(one["amount"]) for one in _list(section, name) if isinstance(one.get("amount"), str))


def _list(section: object, name: str) -> list[dict[str, Any]]:
    found = section.get(name) if isinstance(section, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _people(moments: Sequence[Moment]) -> list[str]:
    return list(dict.fromkeys(moment.event.stamp.person for moment in moments))


question = Question(
    number=19,
    name="accounts",
    asks="Did two people sign the same accounts; what is booked outside the year, paid by others, or short?",
    law="R8, R26, R27; bestemmelser om økonomistyring 6.3.5",
    columns=(
        "case", "applicant", "report", "delivered", "signed_by", "countersigned_by", "booked", "outside_year",
        "support_applied", "support_reported", "own_contribution", "own_contribution_shown",
        "own_contribution_short", "breach",
    ),
    answer=answer,
)  # fmt: skip
