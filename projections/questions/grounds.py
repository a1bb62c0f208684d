"""Decisions whose grounds are missing, or are word for word those of another case."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.decision import ApplicationDismissed, ApplicationGranted, ApplicationRejected
from grantflow.domain.reversal import DecisionReversed, GrantReduced
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.event import Event
    from grantflow.domain.parts import Grounds
    from grantflow.history import CaseHistory, History, Moment

    Decided = tuple[CaseHistory, Moment]

PARTS = ("rule", "facts", "considerations")
"""What grounds are made of (fvl § 25)."""
DECISIONS = (ApplicationGranted, ApplicationRejected, ApplicationDismissed, DecisionReversed, GrantReduced)


def answer(history: History) -> Iterator[Row]:
    """A row for each decision, assessment or score without grounds, and for each decision that repeats another's."""
    alike: dict[tuple[str, ...], list[Decided]] = defaultdict(list)
    for case in history.cases:
        for moment in case.each(*DECISIONS, CaseAssessed, CriterionScored):
            event = moment.event
            grounds = _grounds(event)
            if history.call_of(moment.before).legal_regime.grounds:
                missing = ", ".join(_missing(event))
                if missing:
                    yield _row(case, moment, [moment], f"missing: {missing}")
            if grounds is not None:
                alike[event.topic, *_words(grounds)].append((case, moment))
    for decided in alike.values():
        first, *others = decided
        for case, moment in others:
            if case is not first[0]:
                yield _row(case, moment, [first[1], moment], f"identical to those of {first[0].number}")


def _grounds(event: Event) -> Grounds | None:
    if isinstance(
        event,
        ApplicationGranted | ApplicationRejected | ApplicationDismissed | DecisionReversed | GrantReduced,
    ):
        return event.grounds
    return None


def _missing(event: Event) -> Iterator[str]:
    grounds = _grounds(event)
    if grounds is not None:
        yield from (name for name in PARTS if not getattr(grounds, name).strip())
    elif isinstance(event, CaseAssessed | CriterionScored) and not event.grounds.strip():
        yield "grounds"


def _words(grounds: Grounds) -> tuple[str, ...]:
    """What is said, however it is spaced and cased."""
    return tuple(" ".join(getattr(grounds, name).casefold().split()) for name in PARTS)


def _row(case: CaseHistory, moment: Moment, proof: list[Moment], breach: str) -> Row:
    grounds = _grounds(moment.event)
    return row(
        case,
        [one.entry for one in proof],
        what=moment.event.topic.partition("@")[0],
        at=moment.at.isoformat(),
        person=moment.event.stamp.person,
        facts=grounds.facts if grounds else "",
        considerations=grounds.considerations if grounds else "",
        breach=breach,
    )


question = Question(
    number=13,
    name="grounds",
    asks="Which decisions have no grounds, or word for word the same as those in another case?",
    law="fvl §§ 24-25",
    columns=("case", "applicant", "what", "at", "person", "facts", "considerations", "breach"),
    answer=answer,
    breaches=True,
)
