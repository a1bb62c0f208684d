"""What was corrected: which entry, by whom, why, and how much later than it happened."""

from collections.abc import Iterator

from grantflow.domain.correction import FactCorrected
from grantflow.domain.event import EVENT_TYPES, Entry
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row


def answer(history: History) -> Iterator[Row]:
    """Every entry that corrects another, next to the one it corrects."""
    for case in history.cases:
        for moment in case.each(FactCorrected):
            if isinstance(moment.event, FactCorrected):
                yield _row(case, moment, moment.event)


def _row(case: CaseHistory, moment: Moment, event: FactCorrected) -> Row:
    """The correction; a breach where it does not truly refer to what stands in the log (bestemmelser 4.3.6)."""
    wrong, stamp = _corrected(case, moment, event), event.stamp
    happened = (wrong.event.stamp.effective_at or wrong.event.stamp.recorded_at) if wrong else None
    since = stamp.effective_at or happened
    return row(
        case,
        [wrong, moment.entry] if wrong else [moment.entry],
        corrects=f"{moment.entry.originator_id}.{event.corrects}",
        entry=event.entry,
        field=event.field,
        before=event.before,
        after=event.after,
        reason=event.reason,
        by=stamp.person,
        role=stamp.role,
        at=stamp.recorded_at.isoformat(),
        happened=since.isoformat() if since else None,
        first_recorded=wrong.event.stamp.recorded_at.isoformat() if wrong else None,
        days_later=(stamp.recorded_at - since).days if since else None,
        breach="; ".join(_breaches(moment, event, wrong)),
    )


def _corrected(case: CaseHistory, moment: Moment, event: FactCorrected) -> Entry | None:
    """The entry that it says it corrects, if that one stands before it."""
    place = event.corrects
    return case.entries[place - 1] if 0 < place < moment.entry.originator_version else None


def _breaches(moment: Moment, event: FactCorrected, wrong: Entry | None) -> Iterator[str]:
    if not event.reason.strip():
        yield "no reason is given"
    if wrong is None or wrong.event.topic != event.entry:
        yield f"there is no earlier entry {event.corrects} of {event.entry}"
        return
    if event.field not in getattr(EVENT_TYPES[event.entry], "correctable", ()):
        yield f"{event.field} of {event.entry} is no fact from outside: it is not corrected"
    noted = moment.before.noted.get(str(event.corrects))
    stood = noted.event if noted else wrong.event.facts()
    if str(stood.get(event.field)) != event.before:
        yield f"it says that '{event.before}' stood there; there stood '{stood.get(event.field)}'"


question = Question(
    number=24,
    name="corrections",
    asks="What was corrected: which entry, by whom, why, and how long after it happened?",
    law="bestemmelser om økonomistyring 4.3.6, 4.4.7; arkivforskrifta § 11",
    columns=(
        "case", "applicant", "corrects", "entry", "field", "before", "after", "reason", "by", "role", "at", "happened",
        "first_recorded", "days_later", "breach",
    ),
    answer=answer,
)  # fmt: skip
