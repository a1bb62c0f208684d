"""Follow-up: reminders before a deadline, a mark when it is passed, and extensions given to one case with grounds."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from grantflow.domain.application import Application, CaseEvent
from grantflow.domain.calendar import clock, days_later, oslo_date
from grantflow.domain.command import Command, Situation, end_of, said, waiting
from grantflow.domain.errors import NotAllowed, NotFound, NothingDue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.call import Deadline
    from grantflow.domain.event import Event


class DeadlineExtended(CaseEvent, frozen=True, kw_only=True):
    """One case has more time, with grounds; `after_the_fact` when the old limit had already passed."""

    topic = "deadline-extended@1"

    deadline: str
    until: date
    limit: datetime
    after_the_fact: bool
    reason: str

    def apply(self, case: Application) -> Application:
        overdue = {name: at for name, at in case.overdue.items() if name != self.deadline}
        return case.but(extensions={**case.extensions, self.deadline: self.limit}, overdue=overdue)


class ReminderSent(CaseEvent, frozen=True, kw_only=True):
    """Whoever is to act was reminded of what is due (R24, R31). `due_at` is when the reminder should have gone."""

    topic = "reminder-sent@2"

    deadline: str
    limit: datetime
    due_at: datetime
    to: str

    def apply(self, case: Application) -> Application:
        return case.but(reminded={**case.reminded, self.deadline: self.due_at})


class MarkedOverdue(CaseEvent, frozen=True, kw_only=True):
    """The deadline passed and what was due had not come (R24). `due_at` is the limit, the stamp when it was marked."""

    topic = "marked-overdue@1"

    deadline: str
    due_at: datetime

    def apply(self, case: Application) -> Application:
        return case.but(overdue={**case.overdue, self.deadline: self.due_at})


class OverdueFollowedUp(CaseEvent, frozen=True, kw_only=True):
    """The municipality was asked again for what is overdue."""

    topic = "overdue-followed-up@1"

    deadline: str
    due_at: datetime

    def apply(self, case: Application) -> Application:
        return case.but(reminded={**case.reminded, self.deadline: self.due_at})


class ExtendDeadline(Command, frozen=True, kw_only=True):
    """Give this case until the end of the day `until`, with the reason; also after the deadline passed."""

    step = "extend-deadline"

    deadline: str
    until: date
    reason: str

    def decide(self, s: Situation) -> Sequence[Event]:
        terms = _terms(s, self.deadline)
        if not _matters(s, terms):
            msg = f"Nothing in a case that is {s.case.state} waits for the {self.deadline} deadline."
            raise NotAllowed(msg)
        current = s.case.limit(self.deadline, s.call)
        limit = end_of(self.until, "until")
        if limit <= max(current, s.at):
            msg = f"The new date must lie after the present limit, {clock(current)}, and after today."
            raise NotAllowed(msg)
        return [
            DeadlineExtended(
                deadline=self.deadline,
                until=self.until,
                limit=limit,
                after_the_fact=s.at >= current,
                reason=said(self.reason, "reason"),
                stamp=s.stamp(),
            )
        ]


Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant somebody names: without its offset from UTC it is none."""


class Remind(Command, frozen=True, kw_only=True):
    """The clock: a reminder whose instant, `due_at`, has come, while the deadline has not."""

    step = "remind"

    deadline: str
    due_at: Instant

    def decide(self, s: Situation) -> Sequence[Event]:
        terms = _terms(s, self.deadline)
        limit = s.case.limit(self.deadline, s.call)
        last = s.case.reminded.get(self.deadline)
        due = self.due_at in _moved(terms.reminders, terms, limit) and self.due_at <= s.at < limit
        if not due or (last is not None and self.due_at <= last):
            msg = f"No reminder of the {self.deadline} deadline is due in this case."
            raise NothingDue(msg)
        return [
            ReminderSent(
                deadline=self.deadline, limit=limit, due_at=self.due_at, to=terms.binds, stamp=s.stamp()
            )
        ]


class MarkOverdue(Command, frozen=True, kw_only=True):
    """The clock: the deadline has passed and what was due has not come."""

    step = "mark-overdue"

    deadline: str

    def decide(self, s: Situation) -> Sequence[Event]:
        terms = _terms(s, self.deadline)
        limit = s.case.limit(self.deadline, s.call)
        waits = terms.passed == "overdue" and s.case.state in waiting(s, terms)
        if not waits or s.at < limit or self.deadline in s.case.overdue:
            msg = f"The case is not newly overdue on the {self.deadline} deadline."
            raise NothingDue(msg)
        return [MarkedOverdue(deadline=self.deadline, due_at=limit, stamp=s.stamp())]


class FollowUp(Command, frozen=True, kw_only=True):
    """The clock: what is overdue is asked for again, at a declared instant after the deadline."""

    step = "follow-up"

    deadline: str
    due_at: Instant

    def decide(self, s: Situation) -> Sequence[Event]:
        terms = _terms(s, self.deadline)
        last = s.case.reminded.get(self.deadline)
        follow_ups = _moved(terms.follow_ups, terms, s.case.limit(self.deadline, s.call))
        due = self.due_at in follow_ups and self.due_at <= s.at
        if not due or self.deadline not in s.case.overdue or (last is not None and self.due_at <= last):
            msg = f"No follow-up of the {self.deadline} deadline is due in this case."
            raise NothingDue(msg)
        return [OverdueFollowedUp(deadline=self.deadline, due_at=self.due_at, stamp=s.stamp())]


def _terms(s: Situation, deadline: str) -> Deadline:
    terms = s.call.deadlines.get(deadline)
    if terms is None:
        known = ", ".join(s.call.deadlines)
        msg = f"The call has no deadline '{deadline}'. It has: {known}."
        raise NotFound(msg)
    return terms


def _moved(instants: Sequence[datetime], terms: Deadline, limit: datetime) -> tuple[datetime, ...]:
    """A deadline's reminders or follow-ups, moved by as many days as the case's own limit is."""
    days = (oslo_date(limit) - oslo_date(terms.limit)).days
    return tuple(days_later(instant, days) for instant in instants)


def _matters(s: Situation, terms: Deadline) -> bool:
    """Whether the case waits for the deadline, will do so after a grant, or lapsed because of it."""
    if s.case.state == "lapsed":
        return terms.passed == "lapse"
    granted = s.case.decision is not None and s.case.decision.outcome == "granted"
    return s.case.state in waiting(s, terms) or (granted and terms.passed == "overdue")
