"""Scores put in order, and the money as it would go down that order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.domain.money import Ore

Cases = dict[UUID, "Application"]


def score(case: Application) -> Decimal | None:
    """The weighted score of the assessment, if there is one."""
    return case.assessment.score if case.assessment else None


def granted(case: Application) -> Ore:
    """The amount of the grant in force."""
    return case.decision.amount_ore if case.decision else 0


def ranks(cases: Cases) -> dict[UUID, int]:
    """The rank of each case that is assessed, among those at its stage in its area; the same for the same score."""
    among: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for case in cases.values():
        if case.assessment:
            among[case.area, case.stage].append(case.assessment.score)
    return {
        case.id: 1 + sum(other > case.assessment.score for other in among[case.area, case.stage])
        for case in cases.values()
        if case.assessment
    }


def recommended(cases: Cases, call_of: Callable[[Application], Call]) -> list[Application]:
    """Those recommended for a grant at their call's last stage and not withdrawn, the best first, then the earliest."""
    found = [
        case
        for case in cases.values()
        if case.assessment and case.assessment.recommendation == "grant" and "withdraw" not in case.acts
    ]
    last = [case for case in found if _at_the_last_stage(case, call_of(case))]
    return sorted(last, key=lambda case: -(score(case) or 0))


def _at_the_last_stage(case: Application, call: Call) -> bool:
    stages = list(call.stages)
    return (case.stage or stages[0]) == stages[-1]


def shares(ranked: Iterable[Application], limit_ore: Ore, areas: Mapping[str, Ore]) -> dict[UUID, Ore]:
    """What each gets of the recommended amount when the frame, and each area's part of it, goes down the ranking."""
    left, parts, shared = limit_ore, dict(areas), {}
    for case in ranked:
        amount = case.assessment.amount_ore if case.assessment else 0
        share = min(amount, left, parts.get(case.area, left))
        shared[case.id] = share
        left -= share
        if case.area in parts:
            parts[case.area] -= share
    return shared
