"""What became of each special condition of a grant, by when, on what evidence, and who accepted it."""

from collections.abc import Iterator
from datetime import datetime

from grantflow.domain.calendar import end_of_day, oslo_date
from grantflow.domain.conditions import ConditionMet, ConditionWaived
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.event import Entry
from grantflow.domain.parts import SpecialCondition
from grantflow.domain.reversal import DecisionReversed
from grantflow.history import CaseHistory, History
from grantflow.question import Question, Row, row


def answer(history: History) -> Iterator[Row]:
    """Each condition that a grant set, in the order they were settled; those still open come last in their case."""
    end = history.end
    for case in history.cases:
        yield from _of(case, end)


def _of(case: CaseHistory, end: datetime) -> Iterator[Row]:
    """What a grant sets stays open until it is met, waived, or the grant itself is reversed."""
    waiting: dict[str, tuple[Entry, SpecialCondition]] = {}
    for moment in case.each(ApplicationGranted, ConditionMet, ConditionWaived, DecisionReversed):
        event, entry = moment.event, moment.entry
        if isinstance(event, ApplicationGranted):
            waiting = {one.id: (entry, one) for one in event.conditions}
        elif isinstance(event, ConditionMet | ConditionWaived):
            yield _settled(case, entry, event, waiting.pop(event.condition, None))
        else:
            yield from (_unsettled(case, *one, "reversed with the grant") for one in waiting.values())
            waiting = {}
    for entry, condition in waiting.values():
        late = end >= end_of_day(condition.due)
        breach = f"overdue since {condition.due}, neither met nor waived" if late else ""
        yield _unsettled(case, entry, condition, "overdue" if late else "open", breach)


def _settled(
    case: CaseHistory,
    entry: Entry,
    event: ConditionMet | ConditionWaived,
    asked: tuple[Entry, SpecialCondition] | None,
) -> Row:
    met, stamp = isinstance(event, ConditionMet), event.stamp
    why = event.evidence if isinstance(event, ConditionMet) else event.reason
    condition = asked[1] if asked else None
    days = max(0, (oslo_date(stamp.recorded_at) - condition.due).days) if condition else 0
    wrong = {
        "no grant in force sets this condition, or it was settled before": condition is None,
        f"accepted {days} day{'s' * (days != 1)} after it was due": met and days > 0,
        "accepted without evidence" if met else "waived without a reason": not why.strip(),
        "accepted by the recipient itself": stamp.organisation == case.case.applicant.number,
    }
    return row(
        case,
        [asked[0], entry] if asked else [entry],
        condition=event.condition,
        text=condition.text if condition else "",
        blocking=condition.blocking if condition else False,
        due=condition.due.isoformat() if condition else None,
        outcome="met" if met else "waived",
        why=why,
        by=stamp.person,
        role=stamp.role,
        at=stamp.recorded_at.isoformat(),
        breach="; ".join(text for text, holds in wrong.items() if holds),
    )


def _unsettled(
    case: CaseHistory, entry: Entry, condition: SpecialCondition, outcome: str, breach: str = ""
) -> Row:
    return row(
        case,
        [entry],
        condition=condition.id,
        text=condition.text,
        blocking=condition.blocking,
        due=condition.due.isoformat(),
        outcome=outcome,
        why="",
        by="",
        role="",
        at=None,
        breach=breach,
    )


question = Question(
    number=15,
    name="conditions",
    asks="Which special conditions were met, waived or left overdue, on what evidence, and who accepted that?",
    law="R14; bestemmelser om økonomistyring 6.3.3",
    columns=(
        "case", "applicant", "condition", "text", "blocking", "due", "outcome", "why", "by", "role", "at", "breach",
    ),
    answer=answer,
)  # fmt: skip
