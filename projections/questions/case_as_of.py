"""Each case as it was known at an instant, and what had happened by then but was recorded later than it happened."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from grantflow.domain.correction import FactCorrected
from grantflow.domain.money import kroner
from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History


def answer(history: History) -> Iterator[Row]:
    """A row a case by what was recorded; then a row for each thing that had happened before it was recorded.

    Those recorded after the instant asked about are not in the first row: `known` is false.
    """
    afterwards: dict[UUID, list[Entry]] = defaultdict(list)
    for entry in history.later:
        afterwards[entry.originator_id].append(entry)
    for case in history.cases:
        yield _recorded(case)
        earlier = [entry for entry in case.entries if entry.event.stamp.effective_at]
        yield from (_happened(case, entry, known=True) for entry in earlier)
        yield from (_happened(case, entry, known=False) for entry in afterwards[case.id])


def _recorded(case: CaseHistory) -> Row:
    known, last = case.case, case.moments[-1]
    decision = known.decision
    return row(
        case,
        [last.entry],
        view="recorded",
        state=known.state,
        version=known.version,
        content=known.content_digest,
        outcome=decision.outcome if decision else "",
        granted=kroner(decision.amount_ore if decision else 0),
        paid=kroner(known.paid_ore),
        what=last.event.topic,
        happened_at=last.at.isoformat(),
        recorded_at=last.at.isoformat(),
        known=True,
    )


def _happened(case: CaseHistory, entry: Entry, *, known: bool) -> Row:
    event, stamp = entry.event, entry.event.stamp
    happened = stamp.effective_at or stamp.recorded_at
    what = event.topic
    if isinstance(event, FactCorrected):
        what = f"{event.entry}, {event.field}: {event.before} → {event.after}"
    return row(
        case,
        [entry],
        view="happened",
        state=stamp.state,
        version=entry.originator_version,
        content="",
        outcome="",
        granted="",
        paid="",
        what=what,
        happened_at=happened.isoformat(),
        recorded_at=stamp.recorded_at.isoformat(),
        known=known,
    )


question = Question(
    number=2,
    name="case-as-of",
    asks="What was known of each case at an instant: by when it was recorded, and by when it happened?",
    law="bestemmelser om økonomistyring 4.3.6, 4.4.7; arkivforskrifta § 11 (R28)",
    columns=(
        "case",
        "applicant",
        "view",
        "state",
        "version",
        "content",
        "outcome",
        "granted",
        "paid",
        "what",
        "happened_at",
        "recorded_at",
        "known",
    ),
    answer=answer,
)
