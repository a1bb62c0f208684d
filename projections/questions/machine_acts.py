"""Everything the clock did by itself: when it was due, when it was done, and by which definition."""

from collections.abc import Iterator
from datetime import datetime

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import days_later, oslo_date
from grantflow.domain.call import Call, Deadline
from grantflow.domain.event import Event
from grantflow.domain.followup import MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.notice import NoticeMade, NoticeResent, NoticeSkipped
from grantflow.domain.step_roles import roles_of
from grantflow.domain.submission import ApplicationLapsed
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

CLOCK = "clock"
PASSED: dict[type[CaseEvent], str] = {ApplicationLapsed: "lapse", MarkedOverdue: "overdue"}
"""What the clock does when a deadline has passed, by what the deadline declares of that."""


def answer(history: History) -> Iterator[Row]:
    """Each event that no person is behind, and each of the clock's own kinds of events, whoever it says was behind."""
    kinds = (ApplicationLapsed, ReminderSent, MarkedOverdue, OverdueFollowedUp)
    for case in history.cases:
        for moment in case.moments:
            if moment.event.stamp.role == CLOCK or isinstance(moment.event, kinds):
                yield _row(
                    case, moment, history.call_of(moment.before if moment.before.version else case.case)
                )
        yield from _notices(history, case)


def _notices(history: History, case: CaseHistory) -> Iterator[Row]:
    """What the clock told whom of a case: each notice, each attempt to send it, and what it left out."""
    at = {moment.entry.id: moment.at for moment in case.moments}
    made = set()
    for entry in history.notices.get(case.id, ()):
        event, stamp = entry.event, entry.event.stamp
        if isinstance(event, NoticeResent):
            continue
        due = _due(event, at)
        wrong = {
            f"the clock's act, done as {stamp.role}": stamp.role != CLOCK,
            "done before it was due": due is not None and stamp.recorded_at < due,
            "the same notice made twice": isinstance(event, NoticeMade) and event.notice in made,
        }
        if isinstance(event, NoticeMade):
            made.add(event.notice)
        yield row(
            case,
            [entry],
            did=stamp.step,
            event=event.topic,
            deadline=_deadline(event),
            due=due.isoformat() if due else None,
            done=stamp.recorded_at.isoformat(),
            seconds_late=int((stamp.recorded_at - due).total_seconds()) if due else None,
            definition=case.case.definition,
            source=f"notices.toml: {event.rule}" if isinstance(event, NoticeMade | NoticeSkipped) else "",
            by=stamp.person,
            breach="; ".join(text for text, holds in wrong.items() if holds),
        )


def _due(event: Event, at: dict[str, datetime]) -> datetime | None:
    """Since when a notice was to be made: what it is about had happened, or its day had come."""
    if isinstance(event, NoticeSkipped):
        return event.due_at
    if isinstance(event, NoticeMade):
        instant = event.about.partition("@")[2]
        return datetime.fromisoformat(instant) if instant else at.get(event.about)
    return None


def _deadline(event: Event) -> str:
    """The deadline that a notice came of by the calendar."""
    about = event.about if isinstance(event, NoticeMade | NoticeSkipped) else ""
    return about.partition("@")[0] if "@" in about else ""


def _row(case: CaseHistory, moment: Moment, call: Call) -> Row:
    event, stamp = moment.event, moment.event.stamp
    deadline = getattr(event, "deadline", "")
    terms = call.deadlines.get(deadline)
    due: datetime | None = getattr(event, "due_at", None)
    return row(
        case,
        [moment.entry],
        did=stamp.step,
        event=event.topic,
        deadline=deadline,
        due=due.isoformat() if due else None,
        done=stamp.recorded_at.isoformat(),
        seconds_late=int((stamp.recorded_at - due).total_seconds()) if due else None,
        definition=call.digest,
        source=next((one.source for one in call.declared.deadlines if one.id == deadline), ""),
        by=stamp.person,
        breach="; ".join(_breaches(moment, call, terms, due)),
    )


def _breaches(moment: Moment, call: Call, terms: Deadline | None, due: datetime | None) -> Iterator[str]:
    stamp = moment.event.stamp
    if stamp.role != CLOCK:
        yield f"the clock's act, done as {stamp.role}"
    elif CLOCK not in roles_of(stamp.step):
        yield f"{stamp.step} is no act of the clock's"
    if due is None:
        return
    if stamp.recorded_at < due:
        yield "done before it was due"
    if terms is None:
        yield "the definition has no such deadline"
        return
    declared = _declared(moment, moment.before, call, terms)
    if due not in declared:
        others = " or ".join(one.isoformat() for one in declared) or "never"
        yield f"by the definition it was due {others}"
    if isinstance(moment.event, ReminderSent) and moment.at >= moment.before.limit(terms.id, call):
        yield "reminded of a deadline that had passed"
    if isinstance(moment.event, ApplicationLapsed) and moment.before.submitted is not None:
        yield "lapsed though it was submitted"


def _declared(moment: Moment, case: Application, call: Call, terms: Deadline) -> tuple[datetime, ...]:
    """When the definition has this act done in this case: at its own limit, or so many days before or after it."""
    limit, event = case.limit(terms.id, call), moment.event
    if isinstance(event, ReminderSent | OverdueFollowedUp):
        moved = (oslo_date(limit) - oslo_date(terms.limit)).days
        instants = terms.reminders if isinstance(event, ReminderSent) else terms.follow_ups
        return tuple(days_later(instant, moved) for instant in instants)
    return (limit,) if PASSED.get(type(event)) == terms.passed else ()


question = Question(
    number=25,
    name="machine-acts",
    asks="What did the clock do by itself, when was each due and done, and by which version of the rules?",
    law="R24, R31; forvaltningsloven 2025 § 13 (adopted, not in force)",
    columns=(
        "case", "applicant", "did", "event", "deadline", "due", "done", "seconds_late", "definition", "source", "by",
        "breach",
    ),
    answer=answer,
)  # fmt: skip
