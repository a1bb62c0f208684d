"""Third chapter: grants in order of merit until the frame is spent, a race for the last of it, letters (R3, R20)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from grantflow.demo.cases import told_of
from grantflow.demo.letters import grant_letter, rejection_letter
from grantflow.demo.stage import oslo
from grantflow.domain.money import Ore, kr, kroner
from grantflow.service import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Data, Stage

AUTHORITY = "IMDi-2023-014"
"""The archive reference of the deciders' written budget authority for this appropriation."""
CONDITION = {"id": "metodehefte", "text": "Metodeheftet leveres til IMDi.", "due": "2023-12-15"}
NO_CONFLICT = {"conflict": False}
_SMALLEST: Ore = 15_000_000
"""Nobody is offered less than this: what is then left of the frame stays unspent."""


def decide(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> list[Case]:
    """Grants and rejections with their letters; returns the cases that were granted, best first."""
    ranked = sorted(cases, key=lambda case: case.rank)
    for place, case in enumerate(ranked):
        case.place = place
    stage.each(
        oslo("2023-09-22"),
        ranked,
        "declare-impartiality",
        lambda case: imdi.decider(case.place),
        NO_CONFLICT,
    )
    granted = _grant(stage, [case for case in ranked if not case.weak], imdi)
    rejected = [case for case in ranked if not case.granted]
    stage.each(
        oslo("2023-09-26"),
        rejected,
        "reject",
        lambda case: imdi.decider(case.place),
        lambda case: {"grounds": _grounds(case), "authority": AUTHORITY},
    )
    _write(stage, granted, rejected, imdi)
    return granted


def _grant(stage: Stage, ranked: Sequence[Case], imdi: Directorate) -> list[Case]:
    """One after the other by rank; the last two who fit only alone are decided at the same instant."""
    granted: list[Case] = []
    at, left = oslo("2023-09-25"), stage.call.frame
    for case, following in zip(ranked, [*ranked[1:], None], strict=True):
        if not granted:
            case.conditions.append(str(CONDITION["id"]))
            too_much = _decision(case, case.asked + 100)
            with stage.refusing("not-allowed"):
                stage.one(at - timedelta(minutes=5), case, "grant", imdi.decider(case.place), **too_much)
        if left - case.recommended < _SMALLEST and following is not None:
            granted += _race(stage, case, following, left, imdi)
            return granted
        offer = min(case.recommended, left)
        stage.one(at, case, "grant", imdi.decider(case.place), **_decision(case, offer))
        case.granted = offer
        left -= case.granted
        granted.append(case)
        at += timedelta(minutes=10)
    return granted


def _race(stage: Stage, one: Case, other: Case, left: Ore, imdi: Directorate) -> list[Case]:
    """Two deciders grant from what is left at the same instant. Both were right when they looked; one is first."""
    offers = [(case, min(case.recommended, left)) for case in (one, other)]
    at = oslo("2023-09-25", "15:00")
    with stage.refusing("frame-exceeded"):
        answers = stage.together(
            at, *((case, "grant", imdi.decider(case.place), _decision(case, offer)) for case, offer in offers)
        )
    winners = []
    for (case, offer), answer in zip(offers, answers, strict=True):
        if isinstance(answer, Receipt):
            case.granted = offer
            winners.append(case)
    return winners


def _write(stage: Stage, granted: Sequence[Case], rejected: Sequence[Case], imdi: Directorate) -> None:
    """Letters to all; the first is sent back because a block is missing (R34)."""
    for case in granted[:1]:
        letter = grant_letter(case)
        del letter["blocks"]["consequences"]
        with stage.refusing("not-allowed"):
            stage.one(oslo("2023-09-28"), case, "issue-letter", imdi.decider(case.place), **letter)
    for cases, letter_to in ((granted, grant_letter), (rejected, rejection_letter)):
        at = oslo("2023-09-28", "12:00")
        stage.each(at, cases, "issue-letter", lambda case: imdi.decider(case.place), letter_to)


def _decision(case: Case, amount: Ore) -> Data:
    decision: Data = {
        "amount": kroner(amount),
        "grounds": _grounds(case),
        "confirmations": {"legal_basis": True, "budget_cover": True, "economically_sound": True},
        "authority": AUTHORITY,
    }
    if case.conditions:
        decision["conditions"] = [CONDITION]
    if told_of([case], "later-years"):
        decision["later_years"] = [{"year": 2024, "amount": kroner(amount)}]
    return decision


def _grounds(case: Case) -> dict[str, str]:
    return {
        "rule": "Utlysningen av 10. august 2023; rundskriv 7/2023.",
        "facts": f"«{case.idea.words('nb').title}», {case.municipality.name}: {case.participants} deltakere, "
        f"søkt {kr(case.asked)}, egenandel {kr(case.own)}.",
        "considerations": f"{sum(case.points.values())} poeng på de fire kriteriene, sammenholdt med de andre "
        "søknadene og det som er igjen av rammen.",
    }
