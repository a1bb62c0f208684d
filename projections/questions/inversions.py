"""Cases ranked by score: each one that was funded though one with a higher score was not, and why that was."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.decision import ApplicationGranted, ApplicationRejected
from grantflow.domain.reversal import DecisionReversed
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from grantflow.domain.parts import Grounds
    from grantflow.history import CaseHistory, History, Moment

OUT_OF_IT = ("withdrawn", "dismissed", "lapsed")
"""States of cases that are not ranked: the applicant took them back, or they could not be considered."""


class Ranked(NamedTuple):
    """A case that was assessed, and whether it holds a grant."""

    score: Decimal
    case: CaseHistory
    assessed: Moment

    @property
    def funded(self) -> bool:
        """Whether it was granted, and still is."""
        decision = self.case.case.decision
        return decision is not None and decision.outcome == "granted"


def answer(history: History) -> Iterator[Row]:
    """A row for each case that was passed over, with those that were funded below it, the lowest first."""
    groups: dict[tuple[str, str, str], list[Ranked]] = defaultdict(list)
    for case in history.cases:
        assessed = case.last(CaseAssessed)
        if assessed and isinstance(assessed.event, CaseAssessed) and case.case.state not in OUT_OF_IT:
            group = case.case.call, case.case.area, assessed.before.stage
            groups[group].append(Ranked(assessed.event.score, case, assessed))
    for ranked in groups.values():
        funded = sorted((one for one in ranked if one.funded), key=lambda one: one.score)
        for passed_over in (one for one in ranked if not one.funded):
            below = [one for one in funded if one.score < passed_over.score]
            if below:
                yield _row(passed_over, below)


def _row(passed_over: Ranked, below: list[Ranked]) -> Row:
    decided = passed_over.case.last(ApplicationRejected, DecisionReversed)
    grants = [one.case.last(ApplicationGranted) for one in below]
    proof = [passed_over.assessed, decided, *(one.assessed for one in below), *grants]
    grounds = _grounds(decided)
    decision = passed_over.case.case.decision
    undecided = decided is None
    return row(
        passed_over.case,
        [moment.entry for moment in proof if moment],
        area=passed_over.case.case.area,
        score=str(passed_over.score),
        outcome=decision.outcome if decision else passed_over.case.case.state,
        reason=f"{grounds.rule}: {grounds.considerations}" if grounds else "",
        funded_below=[one.case.number for one in below],
        lowest_funded=str(below[0].score),
        breach="" if undecided or (grounds and grounds.considerations.strip()) else "no reason is given",
    )


def _grounds(decided: Moment | None) -> Grounds | None:
    event = decided.event if decided else None
    return event.grounds if isinstance(event, ApplicationRejected | DecisionReversed) else None


question = Question(
    number=6,
    name="inversions",
    asks="Ranked by score, which lower scores were funded above a higher one, and with what reason?",
    law="fvl § 25; the circular on assessment (R16, R20)",
    columns=(
        "case",
        "applicant",
        "area",
        "score",
        "outcome",
        "reason",
        "funded_below",
        "lowest_funded",
        "breach",
    ),
    answer=answer,
)
