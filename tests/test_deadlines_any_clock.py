"""Whatever the clock shows, in whatever order, what is due is done once, and nothing else is left out than is owed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from clocks import Done, done_in, owed, recorded_in
from given import DEADLINE, REPORT_DEADLINE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steps import paid, started
from variants import prepared, publish

from grantflow import chores
from grantflow.chores import Deadlines
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"
BEGUN = datetime(2023, 8, 15, tzinfo=UTC)
OVER = datetime(2024, 4, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INSTANTS = [
    *(datetime(2023, 8, day, 7, tzinfo=UTC) for day in (21, 27)),
    DEADLINE,
    *(datetime(2024, 1, day, 8, tzinfo=UTC) for day in (2, 25, 31)),
    REPORT_DEADLINE,
    datetime(2024, 2, 15, 8, tzinfo=UTC),
    datetime(2024, 3, 2, 8, tzinfo=UTC),
]
"""At which something is due: nine in the morning by the clock in Oslo, and the two limits."""


class Waiting:
    """A draft that nobody submits, and a paid case that nobody reports on, made anew for each life of the clock."""

    def __init__(self, store: Store) -> None:
        self.store, self.service = store, Service(store)
        self.call = publish(self.service, "clock", "8000000.00")
        self.projector = Projector(store, projections())
        self.undisturbed: list[list[Done]] = []

    def cases(self) -> list[UUID]:
        return [*prepared(self.store, self.call, 1, started()), *prepared(self.store, self.call, 1, *paid())]

    def deadlines(self) -> Deadlines:
        return Deadlines(self.service, self.projector)

    def live(self) -> None:
        """Look at every instant at which something is due."""
        cases, at = self.cases(), BEGUN
        deadlines = self.deadlines()
        while (following := deadlines.turn(at)) is not None:
            at = following
        self.undisturbed = [done_in(self.store.load(case)) for case in cases]


@pytest.fixture(scope="module")
def waiting(module_database_url: str) -> Iterator[Waiting]:
    with pytest.MonkeyPatch.context() as patch, Store(module_database_url) as store:
        patch.setattr(chores, "_COURTESY_SECONDS", 0.0)
        waiting = Waiting(store)
        waiting.live()
        yield waiting


def test_undisturbed_each_thing_is_done_at_its_instant(waiting: Waiting) -> None:
    draft, report = waiting.undisturbed
    assert [one.due_at for one in (*draft, *report)] == INSTANTS
    assert [one.topic for one in draft] == ["reminder-sent@2"] * 2 + ["application-lapsed@1"]
    assert [one.topic for one in report] == [
        *["reminder-sent@2"] * 3,
        "marked-overdue@1",
        *["overdue-followed-up@1"] * 2,
    ]


SHOWN = st.one_of(
    st.datetimes(BEGUN.replace(tzinfo=None), OVER.replace(tzinfo=None), timezones=st.just(UTC)),
    st.builds(
        lambda at, off: at + off,
        st.sampled_from(INSTANTS),
        st.sampled_from([-MICROSECOND, timedelta(), MICROSECOND, timedelta(hours=1), timedelta(days=3)]),
    ),
)


@settings(
    max_examples=400 if LONG else 30,
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(looked=st.lists(SHOWN, min_size=1, max_size=8))
def test_whatever_the_clock_shows_what_is_owed_is_done_once_and_as_soon_as_it_is_seen(
    waiting: Waiting, looked: list[datetime]
) -> None:
    cases = waiting.cases()
    for at in looked:
        waiting.deadlines().turn(at)  # a worker of its own each time: nothing is remembered but by the log
        waiting.deadlines().turn(at)
    for case, undisturbed in zip(cases, waiting.undisturbed, strict=True):
        recorded = recorded_in(waiting.store.load(case))
        assert sorted(recorded) == sorted(owed(undisturbed, looked))
        assert all(at >= done.due_at for done, at in recorded)
