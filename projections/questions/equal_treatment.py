"""How each case was treated beside the others: time to mend, extensions, guidance, assessors, criteria, outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grantflow.domain.announcement import QuestionAnswered
from grantflow.domain.assessment import CaseAssessed, weighted_score
from grantflow.domain.casework import InformationRequested, InformationSupplied
from grantflow.domain.errors import NotReady
from grantflow.domain.followup import DeadlineExtended
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.domain.parts import Score
    from grantflow.history import CaseHistory, History, Moment


@dataclass(frozen=True)
class Treated:
    """A case with its assessment, where it has come to one: the points that counted then, those of the impartial."""

    case: CaseHistory
    assessed: Moment | None

    @property
    def scores(self) -> Sequence[Score]:
        """The points that counted."""
        known = self.assessed.before if self.assessed else None
        return [one for one in known.scores if not known.conflicts.get(one.assessor)] if known else []

    @property
    def criteria(self) -> tuple[str, ...]:
        """What points were given on."""
        return tuple(sorted({score.criterion for score in self.scores}))

    @property
    def assessors(self) -> int:
        """How many gave points, on the criterion with the fewest."""
        return min(Counter(score.criterion for score in self.scores).values(), default=0)

    @property
    def group(self) -> tuple[str, str, str]:
        """Those it is to be treated alike with: of the same call and area, at the same stage."""
        known = self.assessed.before if self.assessed else self.case.case
        return known.call, known.area, known.stage

    @property
    def outcome(self) -> str:
        """What came of it."""
        decision = self.case.case.decision
        return decision.outcome if decision else self.case.case.state

    @property
    def score(self) -> str:
        """The weighted score that the assessment was closed with."""
        event = self.assessed.event if self.assessed else None
        return str(event.score) if isinstance(event, CaseAssessed) else ""


def answer(history: History) -> Iterator[Row]:
    """A row a case and assessment. A breach where its criteria, assessors or score are not what they are for others."""
    treated = [
        Treated(case, assessed)
        for case in history.cases
        for assessed in (*case.each(CaseAssessed), *([] if case.first(CaseAssessed) else [None]))
    ]
    numbers: dict[tuple[str, str, str], Counter[int]] = defaultdict(Counter)
    outcomes: dict[tuple[tuple[str, str, str], str], Counter[str]] = defaultdict(Counter)
    for one in treated:
        if one.assessed:
            numbers[one.group][one.assessors] += 1
            outcomes[one.group, one.score][one.outcome] += 1
    guidance = [
        entry.event.stamp.recorded_at
        for entries in history.announcements.values()
        for entry in entries
        if isinstance(entry.event, QuestionAnswered)
    ]
    for one in treated:
        requests = list(one.case.each(InformationRequested))
        supplied = list(one.case.each(InformationSupplied))
        extensions = list(one.case.each(DeadlineExtended))
        first = one.case.moments[0].at
        proof = [*requests, *supplied, *extensions, *([one.assessed] if one.assessed else [])]
        yield row(
            one.case,
            [moment.entry for moment in proof or one.case.moments[:1]],
            area=one.case.case.area,
            stage=one.group[2],
            requests=len(requests),
            supplied=len(supplied),
            extensions=len(extensions),
            guidance_before_it_began=sum(told < first for told in guidance),
            assessors=one.assessors,
            criteria=list(one.criteria),
            score=one.score,
            outcome=one.outcome,
            outcomes_of_this_score=dict(outcomes[one.group, one.score]) if one.assessed else {},
            breach="; ".join(_unequal(history, one, numbers[one.group])) if one.assessed else "",
        )


def _unequal(history: History, one: Treated, numbers: Counter[int]) -> Iterator[str]:
    if one.assessed is None:
        return
    call = history.call_of(one.assessed.before)
    declared = tuple(sorted(criterion.id for criterion in call.criteria))
    if one.criteria != declared:
        yield f"assessed on {', '.join(one.criteria) or 'nothing'}, and not on {', '.join(declared)}"
    most = numbers.most_common(1)[0][0]
    if one.assessors != most:
        yield f"{one.assessors} assessors, where others had {most}"
    try:
        score = str(weighted_score(call, one.scores))
    except NotReady as lacking:
        yield str(lacking)
        return
    if score != one.score:
        yield f"the points come to {score}, and not to {one.score}"


question = Question(
    number=4,
    name="equal-treatment",
    asks="Same facts, same outcome? Who got time to mend, extensions and guidance; were assessors and criteria alike?",
    law="fvl § 11; the circular's criteria (R16, R36)",
    columns=(
        "case",
        "applicant",
        "area",
        "stage",
        "requests",
        "supplied",
        "extensions",
        "guidance_before_it_began",
        "assessors",
        "criteria",
        "score",
        "outcome",
        "outcomes_of_this_score",
        "breach",
    ),
    answer=answer,
)
