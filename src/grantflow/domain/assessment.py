"""Assessment: points with grounds on each declared criterion, then one recommendation (R2, R16, R20, R30)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Literal

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import clock
from grantflow.domain.command import Command, Situation, amount, said
from grantflow.domain.errors import NotAllowed, NotFound, NotReady
from grantflow.domain.money import Ore, kr
from grantflow.domain.parts import Assessment, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.call import Call
    from grantflow.domain.event import Event

Recommendation = Literal["grant", "reject"]


class CriterionScored(CaseEvent, frozen=True, kw_only=True):
    """An assessor has given points on one criterion, with grounds."""

    topic = "criterion-scored@1"

    criterion: str
    points: int
    grounds: str

    def apply(self, case: Application) -> Application:
        score = Score(self.criterion, self.stamp.person, self.points, self.grounds)
        others = (s for s in case.scores if (s.criterion, s.assessor) != (score.criterion, score.assessor))
        return case.but(scores=(*others, score))


class CaseAssessed(CaseEvent, frozen=True, kw_only=True):
    """The assessment is closed: the weighted mean of the points, and what is recommended (amount in øre)."""

    topic = "case-assessed@1"

    score: Decimal
    recommendation: Recommendation
    grounds: str
    amount_ore: Ore = 0

    def apply(self, case: Application) -> Application:
        return case.but(
            assessment=Assessment(
                self.score, self.recommendation, self.grounds, self.stamp.person, self.amount_ore
            )
        )


class GiveScore(Command, frozen=True, kw_only=True):
    """Give points on one criterion. Giving again corrects one's own points; both stay in the history."""

    step = "score"

    criterion: str
    points: int
    grounds: str

    def decide(self, s: Situation) -> Sequence[Event]:
        criterion = {c.id: c for c in s.call.criteria}.get(self.criterion)
        if criterion is None:
            known = ", ".join(c.id for c in s.call.criteria)
            msg = f"The call has no criterion '{self.criterion}'. It has: {known}."
            raise NotFound(msg)
        if not criterion.minimum <= self.points <= criterion.maximum:
            msg = f"Points on {criterion.id} go from {criterion.minimum} to {criterion.maximum}."
            raise NotAllowed(msg)
        grounds = said(self.grounds, "grounds")
        return [CriterionScored(criterion=criterion.id, points=self.points, grounds=grounds, stamp=s.stamp())]


class Assess(Command, frozen=True, kw_only=True):
    """Close the assessment with a recommendation; a recommended grant names its `amount` (kroner)."""

    step = "assess"

    recommendation: Recommendation
    grounds: str
    amount: str | None = None

    def decide(self, s: Situation) -> Sequence[Event]:
        case = s.case
        consultation = s.call.consultation
        if consultation and case.consultation_due and consultation.body not in case.statements:
            msg = f"This application needs {consultation.body}'s statement first (consult, record-statement; R30)."
            raise NotReady(msg)
        waiting = case.open_requests(s.at)
        if waiting:
            msg = f"Request number {waiting[0].number} may be answered until {clock(waiting[0].due)}."
            raise NotReady(msg)
        recommended = 0
        if self.recommendation == "grant":
            recommended = amount(self.amount or "", "amount")
            if recommended > case.asked_ore:
                msg = f"The recommended amount can't exceed the {kr(case.asked_ore)} applied for (R20)."
                raise NotAllowed(msg)
        elif self.amount is not None:
            msg = "A recommended rejection has no amount."
            raise NotAllowed(msg)
        return [
            CaseAssessed(
                score=weighted_score(s.call, _impartial(case)),
                recommendation=self.recommendation,
                grounds=said(self.grounds, "grounds"),
                amount_ore=recommended,
                stamp=s.stamp(),
            )
        ]


def _impartial(case: Application) -> Sequence[Score]:
    """The points of all but those who later turned out to be disqualified (fvl § 6)."""
    return [score for score in case.scores if not case.conflicts.get(score.assessor)]


def weighted_score(call: Call, scores: Sequence[Score]) -> Decimal:
    """The mean of the assessors' points by criterion, weighted as the call declares, to two decimals.

    NotReady when a criterion has fewer assessors than the call asks for.
    """
    total = Decimal(0)
    for criterion in call.criteria:
        points = [score.points for score in scores if score.criterion == criterion.id]
        if len(points) < call.assessors:
            msg = f"{criterion.id} has points from {len(points)} of {call.assessors} assessor(s)."
            raise NotReady(msg)
        total += Decimal(sum(points)) / len(points) * criterion.weight
    return (total / 100).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
