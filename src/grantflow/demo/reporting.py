"""Last chapter: report and accounts, one of them late, the unspent claimed back, and the cases closed (R24-R27)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from grantflow.demo.content import report
from grantflow.demo.letters import grant_letter
from grantflow.demo.people import authority
from grantflow.demo.stage import oslo
from grantflow.domain.money import Ore, kroner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Actor, Directorate
    from grantflow.demo.stage import Data, Stage

_FRUGAL = slice(4, 6)
"""Which of the granted did not use all of it."""


def report_and_settle(stage: Stage, imdi: Directorate, granted: Sequence[Case]) -> None:
    """From the first report to the last closed case; the clock reminds, marks and follows up by itself."""
    for case in granted[_FRUGAL]:
        case.unspent = case.granted // 12 // 100_000 * 100_000
    late, extended, returned, reduced = granted[1:2], granted[2:3], granted[3:4], granted[6:7]
    in_time = [case for case in granted if case not in (*late, *extended)]
    for case in in_time[:1]:
        _refused_reports(stage, case)
    _deliver(stage, in_time, "2024-01-15")
    for case in extended:
        data = {"deadline": "report", "until": "2024-02-15", "reason": "Regnskapsføreren er sykmeldt."}
        stage.one(oslo("2024-01-22"), case, "extend-deadline", imdi.clerk(), **data)
    for case in returned:
        reason = "Rapporten sier ikke hvor mange som er i arbeid etter seks måneder."
        stage.one(oslo("2024-01-23"), case, "return-report", imdi.clerk(), reason=reason)
        _deliver(stage, [case], "2024-01-29")
    for case in reduced:
        _reduce(stage, imdi, case)
    _deliver(stage, extended, "2024-02-12")
    _deliver(stage, late, "2024-02-20")
    stage.each(
        oslo("2024-02-26"),
        granted,
        "accept-report",
        imdi.clerk(),
        {"assessment": "Rapport og regnskap er i samsvar med tilskuddsbrevet."},
    )
    _claim_the_unspent(stage, imdi, [case for case in granted if case.unspent])
    stage.go_to(oslo("2024-05-01"))


def _deliver(stage: Stage, cases: Sequence[Case], day: str) -> None:
    """Deliver, sign and countersign: the superior signs what the project lead signed."""
    reports = {case.number: report(case, case.granted - case.unspent) for case in cases}
    lead, superior = _at("project-lead"), _at("superior")
    stage.each(oslo(day), cases, "submit-report", lead, lambda case: reports[case.number])
    digests = {case.number: {"digest": _digest(stage, case)} for case in cases}
    stage.each(oslo(day, "11:00"), cases, "sign-accounts", lead, lambda case: digests[case.number])
    stage.each(oslo(day, "14:00"), cases, "countersign-accounts", superior, lambda case: digests[case.number])


def _refused_reports(stage: Stage, case: Case) -> None:
    """What a report can't be: silent on its goals, silent on a condition, with 2024's expenses, or signed alone."""
    good = report(case, case.granted)
    silent, forgetful, wrong_year = copy.deepcopy(good), copy.deepcopy(good), copy.deepcopy(good)
    silent["report"]["results_by_goal"] = ""
    forgetful["report"]["conditions"] = []
    wrong_year["accounts"]["expenses"][1]["booked_on"] = "2024-01-05"
    lead = case.by("project-lead")
    at = oslo("2024-01-10", "10:00")
    for content in (silent, forgetful, wrong_year):
        with stage.refusing("rules-failed"):
            stage.one(at, case, "submit-report", lead, **content)
    stage.one(at, case, "submit-report", lead, **good)
    digest = _digest(stage, case)
    stage.one(oslo("2024-01-10", "11:00"), case, "sign-accounts", lead, digest=digest)
    alone = lead.as_role("superior")
    with stage.refusing("same-person"):
        stage.one(oslo("2024-01-10", "11:01"), case, "countersign-accounts", alone, digest=digest)


def _claim_the_unspent(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> None:
    """Notice first, and time to answer; then the claim, paid back in two parts or one."""
    notice = {"answer_by": "2024-03-15", "reason": "Regnskapet viser ubrukte midler."}
    stage.each(
        oslo("2024-03-01"),
        cases,
        "notify-repayment",
        imdi.clerk(),
        notice,
    )
    for case in cases[:1]:
        with stage.refusing("not-ready"):
            stage.one(oslo("2024-03-08"), case, "claim-repayment", imdi.decider(case.place), **_claim(case))
    for case in cases[1:2]:
        answer = {"answer": "Kommunen er enig i beløpet."}
        stage.one(oslo("2024-03-11"), case, "answer-notice", case.by("director"), **answer)
    stage.each(oslo("2024-03-18"), cases, "claim-repayment", lambda case: imdi.decider(case.place), _claim)
    for case in cases[:1]:
        _repay(stage, imdi, case, oslo("2024-04-10"), case.unspent // 2)
        _repay(stage, imdi, case, oslo("2024-04-24"), case.unspent - case.unspent // 2)
    for case in cases[1:]:
        _repay(stage, imdi, case, oslo("2024-04-25"), case.unspent)


def _claim(case: Case) -> Data:
    return {"due": "2024-04-30", "reason": "Ubrukte midler.", "authority": authority(case.place)}


def _reduce(stage: Stage, imdi: Directorate, case: Case) -> None:
    """A part went to ordinary operation, which the letter reserves reduction for: notice, and a smaller grant (R34)."""
    case.unspent = case.granted // 10 // 100_000 * 100_000
    smaller = case.granted - case.unspent
    notice = {"reason": "En del av lønnen gjelder kommunens ordinære drift.", "answer_by": "2024-02-07"}
    stage.one(oslo("2024-01-30"), case, "notify-reversal", imdi.clerk(), **notice)
    reduction = {
        "amount": kroner(smaller),
        "case_of_35": "reserved",
        "grounds": {
            "rule": "Tilskuddsbrevet, følger av mislighold; utlysningen, ordinær drift.",
            "facts": "Bilag 7 til 9 gjelder ordinær drift av flyktningtjenesten.",
            "considerations": "Tilskuddet avkortes med det som ikke er brukt på prosjektet.",
        },
        "authority": authority(case.place),
    }
    decider = imdi.decider(case.place)
    with stage.refusing("not-ready"):
        stage.one(oslo("2024-02-05"), case, "reduce", decider, **reduction)
    stage.one(oslo("2024-02-08"), case, "reduce", decider, **reduction)
    stage.one(oslo("2024-02-08", "12:00"), case, "issue-letter", decider, **grant_letter(case))


def _repay(stage: Stage, imdi: Directorate, case: Case, at: datetime, part: Ore) -> None:
    paid = {"amount": kroner(part), "bank_reference": f"INN-{at:%y%m%d}-{case.number:05d}"}
    stage.one(at, case, "record-repayment", imdi.payer(), **paid)


def _at(role: str) -> Callable[[Case], Actor]:
    return lambda case: case.by(role)


def _digest(stage: Stage, case: Case) -> str:
    delivered = stage.app.service.states.case(case.id).report if case.id else None
    return delivered.digest if delivered else ""
