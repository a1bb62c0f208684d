"""What is due in which case, and since when: the agenda that the clock works from."""

from grantflow.domain.application import CaseEvent
from grantflow.domain.drafting import ApplicationStarted, DeadlineTerms
from grantflow.domain.event import Entry
from grantflow.domain.followup import DeadlineExtended, MarkedOverdue, OverdueFollowedUp, ReminderSent
from grantflow.domain.revision import CaseMovedToRevision
from grantflow.projection import Agenda, Pen, Projection, Table

WITH_INSTANT = ("remind", "follow-up")
STEP_WHEN_PASSED = {"lapse": "lapse", "overdue": "mark-overdue"}


def every(pen: Pen, entry: Entry) -> None:
    """The state of a case decides which of its deadlines it waits for."""
    if isinstance(entry.event, CaseEvent):
        pen.change("deadline_cases", entry.originator_id, state=entry.event.stamp.state)


def started(pen: Pen, entry: Entry) -> None:
    """A case begins with every deadline of its call ahead of it."""
    event = entry.event
    if not isinstance(event, ApplicationStarted):
        return
    pen.put(
        "deadline_cases",
        case_id=entry.originator_id,
        authority=event.authority,
        definition=event.definition,
        state=event.stamp.state,
    )
    _ahead(pen, entry, event.definition, event.deadlines)


def moved(pen: Pen, entry: Entry) -> None:
    """Another definition's deadlines hold; more time that the case was given by itself stays given."""
    event = entry.event
    if isinstance(event, CaseMovedToRevision):
        pen.change("deadline_cases", entry.originator_id, definition=event.definition)
        _ahead(pen, entry, event.definition, event.deadlines)


def extended(pen: Pen, entry: Entry) -> None:
    """The case has more time: what was to happen at the old limit happens at the new one."""
    event = entry.event
    if isinstance(event, DeadlineExtended):
        case = entry.originator_id
        pen.change(
            "deadlines", case, event.deadline, due_limit=event.limit, overdue_since=None, marked_at=None
        )


def reminded(pen: Pen, entry: Entry) -> None:
    """A reminder has gone; earlier ones that were missed need not go any more."""
    event = entry.event
    if isinstance(event, ReminderSent | OverdueFollowedUp):
        pen.change("deadlines", entry.originator_id, event.deadline, last_sent=event.due_at)


def overdue(pen: Pen, entry: Entry) -> None:
    """The deadline has passed, and the case says so."""
    event = entry.event
    if isinstance(event, MarkedOverdue):
        pen.change(
            "deadlines",
            entry.originator_id,
            event.deadline,
            overdue_since=event.due_at,
            marked_at=event.stamp.recorded_at,
        )


def _ahead(pen: Pen, entry: Entry, definition: str, deadlines: tuple[DeadlineTerms, ...]) -> None:
    for terms in deadlines:
        rows = [(STEP_WHEN_PASSED[terms.passed], terms.limit)]
        rows += [("remind", instant) for instant in terms.reminders]
        rows += [("follow-up", instant) for instant in terms.follow_ups]
        for step, at in rows:
            pen.put(
                "agenda",
                case_id=entry.originator_id,
                definition=definition,
                deadline=terms.id,
                step=step,
                declared_at=at,
                states=list(terms.states),
                with_instant=step in WITH_INSTANT,
            )
        known = pen.get("deadlines", entry.originator_id, terms.id)
        extended = known is not None and known["due_limit"] != known["call_limit"]
        pen.put(
            "deadlines",
            case_id=entry.originator_id,
            deadline=terms.id,
            call_limit=terms.limit,
            due_limit=known["due_limit"] if known and extended else terms.limit,
            overdue_since=known["overdue_since"] if known else None,
            marked_at=known["marked_at"] if known else None,
            last_sent=known["last_sent"] if known else None,
        )


_MOVED = """
    ((a.declared_at AT TIME ZONE 'Europe/Oslo')
     + ((d.due_limit AT TIME ZONE 'Europe/Oslo') - (d.call_limit AT TIME ZONE 'Europe/Oslo')))
    AT TIME ZONE 'Europe/Oslo'
"""
"""A reminder keeps its distance in days to the limit, and its time by the clock, when the case has more time."""
_AT = f"CASE WHEN a.with_instant THEN {_MOVED} ELSE d.due_limit END"
_WAITING = f"""
    FROM agenda a JOIN deadline_cases c USING (case_id, definition) JOIN deadlines d USING (case_id, deadline)
    WHERE a.states ? c.state
      AND (a.with_instant OR d.overdue_since IS NULL)
      AND (NOT a.with_instant OR d.last_sent IS NULL OR {_AT} > d.last_sent)
      AND (a.step <> 'follow-up' OR d.overdue_since IS NOT NULL)
"""

projection = Projection(
    name="deadlines",
    question="What is due in which case, and since when?",
    tables={
        "deadline_cases": Table(
            columns={
                "case_id": "uuid",
                "authority": "text NOT NULL",
                "definition": "text NOT NULL",
                "state": "text NOT NULL",
            },
            key=("case_id",),
        ),
        "deadlines": Table(
            columns={
                "case_id": "uuid",
                "deadline": "text",
                "call_limit": "timestamptz NOT NULL",
                "due_limit": "timestamptz NOT NULL",
                "overdue_since": "timestamptz",
                "marked_at": "timestamptz",
                "last_sent": "timestamptz",
            },
            key=("case_id", "deadline"),
            indexes=(("due_limit",),),
        ),
        "agenda": Table(
            columns={
                "case_id": "uuid",
                "definition": "text",
                "deadline": "text",
                "step": "text",
                "declared_at": "timestamptz",
                "states": "jsonb NOT NULL",
                "with_instant": "boolean NOT NULL",
            },
            key=("case_id", "definition", "deadline", "step", "declared_at"),
            indexes=(("declared_at",),),
        ),
    },
    on={
        ApplicationStarted: started,
        DeadlineExtended: extended,
        ReminderSent: reminded,
        OverdueFollowedUp: reminded,
        MarkedOverdue: overdue,
        CaseMovedToRevision: moved,
    },
    every=every,
    by_stream=True,
    agenda=Agenda(
        due=f"""
            SELECT DISTINCT ON (a.case_id, a.deadline, a.step)
                   a.case_id, c.authority, a.step, a.deadline, {_AT} AS due_at, a.with_instant
            {_WAITING}
              AND {_AT} <= %(now)s
              AND (a.step <> 'remind' OR d.due_limit > %(now)s)
            ORDER BY a.case_id, a.deadline, a.step, a.declared_at DESC
        """,
        upcoming=f"SELECT min({_AT}) AS due_at {_WAITING} AND {_AT} > %(now)s",
    ),
)
