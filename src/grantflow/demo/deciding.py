"""Third chapter: grants in order of merit until the frame is spent, a race for the last of it, letters (R3, R20)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from grantflow.demo.letters import grant_letter, incomplete_letter, wrong_language
from grantflow.demo.people import authority
from grantflow.demo.stage import oslo
from grantflow.domain.money import Ore, kr, kroner
from grantflow.receipts import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.demo.cases import Case
    from grantflow.demo.people import Directorate
    from grantflow.demo.stage import Data, Stage

CONDITION = {"id": "metodehefte", "text": "Metodeheftet leveres til IMDi.", "due": "2023-12-15"}
GATHERING = {"id": "samling", "text": "Kommunen deltar på IMDis samling.", "due": "2023-12-01"}
HALFWAY = {"id": "delrapport", "text": "Delrapport leveres.", "due": "2023-11-15", "blocking": True}
NO_CONFLICT = {"conflict": False}
_SMALLEST: Ore = 15_000_000
"""Nobody is offered less than this: what is then left of the frame stays unspent."""


def decide(stage: Stage, imdi: Directorate, cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Grants and rejections with their letters; returns the cases that were granted and rejected, best first."""
    ranked = sorted(cases, key=lambda case: case.rank)
    for place, case in enumerate(ranked):
        case.place = place
    for case in [case for case in ranked if not case.weak and case.place % 2 == 0][:1]:
        _superior_is_disqualified(stage, imdi, case)
    stage.each(
        oslo("2023-09-22"),
        ranked,
        "declare-impartiality",
        lambda case: imdi.decider(case.place),
        NO_CONFLICT,
    )
    granted = _grant(stage, [case for case in ranked if not case.weak], imdi)
    rejected = [case for case in ranked if not case.granted]
    told_why = {
        case.number: {"grounds": grounds(case), "authority": authority(case.place)} for case in rejected
    }
    stage.each(
        oslo("2023-09-26"),
        rejected,
        "reject",
        lambda case: imdi.decider(case.place),
        lambda case: told_why[case.number],
    )
    _write(stage, granted, rejected, imdi)
    return granted, [case for case in rejected if not case.weak]


def _superior_is_disqualified(stage: Stage, imdi: Directorate, case: Case) -> None:
    """The head of section is a neighbour of the project lead: those who answer to her can't decide it (fvl § 6)."""
    conflict = {"conflict": True, "reason": "Nabo og venn av prosjektlederen i kommunen."}
    stage.one(oslo("2023-09-21"), case, "declare-impartiality", imdi.head(), **conflict)
    decider = imdi.decider(case.place)
    stage.one(oslo("2023-09-21", "10:00"), case, "declare-impartiality", decider, **NO_CONFLICT)
    with stage.refusing("superior-disqualified"):
        stage.one(oslo("2023-09-21", "10:05"), case, "grant", decider, **decision(case, case.recommended))
    case.place += 1


def _grant(stage: Stage, ranked: Sequence[Case], imdi: Directorate) -> list[Case]:
    """One after the other by rank; the last two who fit only alone are decided at the same instant."""
    granted: list[Case] = []
    at, left = oslo("2023-09-25"), stage.call.frame
    for case, following in zip(ranked, [*ranked[1:], None], strict=True):
        if not granted:
            case.conditions.append(str(CONDITION["id"]))
            decider, too_much = imdi.decider(case.place), decision(case, case.asked + 100)
            with stage.refusing("not-allowed"):
                stage.one(at - timedelta(minutes=5), case, "grant", decider, **too_much)
            anothers = {**decision(case, case.recommended), "authority": authority(case.place + 1)}
            with stage.refusing("no-authority"):
                stage.one(at - timedelta(minutes=4), case, "grant", decider, **anothers)
        if left - case.recommended < _SMALLEST and following is not None:
            granted += _race(stage, case, following, left, imdi)
            return granted
        offer = min(case.recommended, left)
        stage.one(at, case, "grant", imdi.decider(case.place), **decision(case, offer))
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
            at, *((case, "grant", imdi.decider(case.place), decision(case, offer)) for case, offer in offers)
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
        with stage.refusing("not-allowed"):
            stage.one(
                oslo("2023-09-28"),
                case,
                "issue-letter",
                imdi.decider(case.place),
                **incomplete_letter(case),
            )
    for case in [case for case in granted if case.language == "nn"][:1]:
        with stage.refusing("not-allowed"):
            other = wrong_language(case)
            stage.one(oslo("2023-09-28", "10:00"), case, "issue-letter", imdi.decider(case.place), **other)
    at = oslo("2023-09-28", "12:00")
    stage.each(at, granted, "issue-letter", lambda case: imdi.decider(case.place), grant_letter)
    stage.each(at, rejected, "issue-letter", lambda case: imdi.decider(case.place))


def decision(case: Case, amount: Ore) -> Data:
    """The content of `grant`: amount, grounds, authority; and what its tale sets of conditions and instalments."""
    conditions: list[Data] = [CONDITION] if CONDITION["id"] in case.conditions else []
    said: Data = {
        "amount": kroner(amount),
        "grounds": grounds(case),
        "confirmations": {"legal_basis": True, "budget_cover": True, "economically_sound": True},
        "authority": authority(case.place),
    }
    if case.tale == "later-years":
        said["later_years"] = [{"year": 2024, "amount": kroner(amount)}]
        conditions.append(GATHERING)
    if case.tale == "instalments":
        first = amount * 6 // 10 // 100 * 100
        case.instalments = (first, amount - first)
        said["instalments"] = [
            {"amount": kroner(first)},
            {"amount": kroner(amount - first), "due": "2023-11-15", "condition": HALFWAY["id"]},
        ]
        conditions.append(HALFWAY)
    case.conditions = [str(condition["id"]) for condition in conditions]
    return {**said, "conditions": conditions}


def grounds(case: Case) -> dict[str, str]:
    """The rule, the facts and the main considerations (fvl § 25)."""
    return {
        "rule": "Utlysningen av 10. august 2023; rundskriv 7/2023.",
        "facts": f"«{case.idea.words('nb').title}», {case.municipality.name}: {case.participants} deltakere, "
        f"søkt {kr(case.asked)}, egenandel {kr(case.own)}.",
        "considerations": f"{sum(case.points.values())} poeng på de fire kriteriene, sammenholdt med de andre "
        "søknadene og det som er igjen av rammen.",
    }
