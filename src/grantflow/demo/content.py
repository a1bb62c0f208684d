"""Fills in a case's application form, report and accounts, as the municipality would: all of it in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.demo.ideas import REFERENCES
from grantflow.domain.money import Ore, kroner

if TYPE_CHECKING:
    from grantflow.demo.cases import Case

Section = dict[str, Any]

_SHARES = (60, 28, 12)
"""How the budget divides on an idea's lines, in percent."""


def application(case: Case) -> dict[str, Section]:
    """The whole form, section by section."""
    return {
        "project": _project(case),
        "applicant": _applicant(case),
        "partners": {
            "organisations": [
                {"organisation": number, "role": "Deltar med egne deltakere og arbeidsgivere"}
                for number in case.partners
            ]
        },
        "budget": _budget(case),
        "declarations": {
            "follows_curricula": True,
            "takes_responsibility": True,
            "applies_for_exemption": case.outside_acts,
        },
    }


def report(case: Case, spent: Ore) -> dict[str, Section]:
    """Report and accounts that answer every special condition; `spent` is booked on the project."""
    first = spent * 7 // 10
    return {
        "report": {
            "results_by_goal": f"{case.participants * 2 // 3} av {case.participants} deltakere er i arbeid.",
            "use_of_money": "Midlene er brukt som forutsatt i tilskuddsbrevet: lønn, opplæring og samlinger.",
            "participants_reached": case.participants,
            "conditions": [{"id": name, "answer": "Levert til IMDi 12.12.2023."} for name in case.conditions],
        },
        "accounts": {
            "income": [_booked("Tilskudd fra IMDi", "2023-10-12", case.granted)],
            "expenses": [
                {**_booked(case.idea.lines[0], "2023-11-30", first), "class": "project"},
                {**_booked(case.idea.lines[1], "2023-12-18", spent - first), "class": "project"},
            ],
            "other_public_support": [],
        },
    }


def _project(case: Case) -> Section:
    words = case.idea.words(case.language)
    told = {"n": case.participants, "place": case.municipality.name}
    return {
        "title": words.title,
        "summary": words.summary.format(**told),
        "priority_area": 6,
        "themes": list(case.idea.themes),
        "participants": case.participants,
        "target_groups": {
            "introduction_act": case.participants - 6,
            "integration_act": 3,
            "chapter_6a": 2,
            "other": 1,
        },
        "measure_kind": "further-development" if case.number % 3 else "new",
        "method": words.method,
        "expected_results": words.results,
        "transfer_value": words.transfer,
        "starts_on": "2023-10-01",
        "ends_on": "2023-12-31",
        "references": [
            {"title": title, "year": year, "results": results}
            for title, year, results in (REFERENCES[case.number % len(REFERENCES)],)
        ],
        "language_training": case.language_training,
        "language_training_only_chapter_6a": False,
        "outside_acts": case.outside_acts,
    }


def _applicant(case: Case) -> Section:
    roles = {"contact_role": "Rådgiver, integrering", "project_lead_role": "Leder for flyktningtjenesten"}
    return {**roles, "district": case.district} if case.district else roles


def _budget(case: Case) -> Section:
    total = case.asked + case.own + case.support
    parts = [total * share // 100 for share in _SHARES[:-1]]
    amounts = [*parts, total - sum(parts)]
    support = [{"source": "Statsforvalteren", "amount": kroner(case.support)}] if case.support else []
    return {
        "lines": [
            {"text": text, "class": "project", "amount": kroner(part), "year": 2023}
            for text, part in zip(case.idea.lines, amounts, strict=True)
        ],
        "own_contribution": kroner(case.own),
        "other_public_support": support,
        "asked": kroner(case.asked),
    }


def _booked(text: str, day: str, part: Ore) -> Section:
    return {"text": text, "booked_on": day, "amount": kroner(part)}
