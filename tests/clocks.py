"""A clock that runs, and is set as a test likes; and what the duties owe, by the instants at which somebody looked."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantflow.domain.event import Entry


class SetClock:
    """A clock that runs as fast as any, from whatever instant it was last set to."""

    def __init__(self, at: datetime) -> None:
        self._lock = Lock()
        self.set(at)

    def set(self, at: datetime) -> None:
        """Set it: it runs on from there."""
        with self._lock:
            self._at, self._since = at, time.monotonic()

    def now(self) -> datetime:
        with self._lock:
            return self._at + timedelta(seconds=time.monotonic() - self._since)


class Done(NamedTuple):
    """Something the clock did in a case: what, for which deadline, and since when it was due."""

    topic: str
    deadline: str
    due_at: datetime


ONCE_PASSED = ("application-lapsed@1", "marked-overdue@1")
"""What is done however late. Anything else is asked for again when its instant comes, and only the latest counts."""


def done_in(entries: Iterable[Entry]) -> list[Done]:
    """What the clock has done in a case."""
    return [
        Done(entry.event.topic, getattr(entry.event, "deadline", "application"), due)
        for entry in entries
        if (due := getattr(entry.event, "due_at", None)) is not None
    ]


def recorded_in(entries: Iterable[Entry]) -> list[tuple[Done, datetime]]:
    """The same, with when it was done by the clock of whoever did it."""
    found = [entry for entry in entries if getattr(entry.event, "due_at", None) is not None]
    return [(done_in([entry])[0], entry.event.stamp.recorded_at) for entry in found]


def owed(undisturbed: Sequence[Done], looked: Sequence[datetime]) -> list[tuple[Done, datetime]]:
    """What is to be done in a case, and when, if somebody looks at these instants and at no others.

    `undisturbed` is what is done when somebody looks at every instant at which something is due, `looked` what the
    clock showed each time, in the order in which it did. This is all that a disturbed clock may change: each thing is
    done the first time that the clock shows its instant or a later one; but a reminder (or a follow-up) whose successor
    is due by then, too, or the limit itself, is not sent any more.
    """
    expected = []
    for one in undisturbed:
        first = next((at for at in looked if at >= one.due_at), None)
        if first is None:
            continue
        later = [
            other.due_at
            for other in undisturbed
            if other.deadline == one.deadline
            and other.due_at > one.due_at
            and other.topic != "marked-overdue@1"
        ]
        limits = [
            other.due_at
            for other in undisturbed
            if other.deadline == one.deadline and other.topic in ONCE_PASSED
        ]
        if one.topic.startswith("reminder"):
            later += limits
        if one.topic in ONCE_PASSED or all(first < at for at in later):
            expected.append((one, first))
    return expected
