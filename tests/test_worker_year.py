"""A year whose clock is set, whose worker is restarted, gives the events of one that nobody disturbed.

What may differ is told by `clocks.owed`, and is nothing else: the instant at which a thing is recorded, where the
clock was set past its own; and a reminder that nobody looked for until the next was due.
"""

from __future__ import annotations

import os
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from clocks import Done, owed
from clockwork import EARLY, Clockwork, clockwork, utc
from conftest import fresh_database

from grantflow import chores, worker
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"
BEGIN, END = utc("2023-08-14 12:00"), utc("2024-05-15 12:00")
APART = timedelta(days=5)
"""How far from what people do the clock is disturbed: what they do, and when, is to be the same in both years."""
PATIENCE = timedelta(seconds=5)


class Turn(NamedTuple):
    """A disturbance: at an instant by the clock, it is set so much further or back; the worker may be started anew."""

    at: datetime
    by: timedelta
    anew: bool


class Year:
    """The same cases, and the same people at the same instants, however the clock behaves."""

    def __init__(self, work: Clockwork) -> None:
        self.work = work
        self.cases: dict[str, UUID] = {
            "nobody submits": work.draft(),
            "more time, until the clock goes back": work.draft(),
            "withdrawn": work.draft(),
            "nobody reports": work.paid(),
            "more time, until the clock goes forward": work.paid(),
        }
        self.acts = {
            utc("2023-08-15 09:00"): lambda: work.extend(
                self._case("goes back"), "application", "2023-10-29"
            ),
            utc("2023-08-16 09:00"): lambda: work.act(
                self.cases["withdrawn"], "withdraw", "applicant", reason="Nei."
            ),
            utc("2023-12-01 09:00"): lambda: work.extend(self._case("goes forward"), "report", "2024-03-30"),
        }
        self.looked: list[datetime] = []

    def live(self, dues: list[datetime] | None, turns: list[Turn]) -> None:
        """Go through the year: past everything that is due, what people do, and the disturbances, in their order.

        Without `dues`, what is due is what the worker says that it is.
        """
        self.work.look(BEGIN)
        at, acts, turns = BEGIN, dict(self.acts), list(turns)
        while at < END:
            due = self.work.next_at if dues is None else min((d for d in dues if d > at), default=None)
            act, turn = min(acts, default=END), min((turn.at for turn in turns), default=END)
            following = min(due or END, act, turn)
            if following == act and act < END:
                self.work.clock.set(act)
                acts.pop(act)()
                self.work.settle(self.work.clock.now())
                at = act
            elif following == turn and turn < END:
                at = self._disturbed(turns.pop(0))
            elif following < END:
                self.work.pass_by(following)
                at = following
                self.looked.append(at)
            else:
                return

    def _disturbed(self, turn: Turn) -> datetime:
        to = turn.at + turn.by
        if turn.anew:
            self.work.stop()
            self.work.clock.set(to)
            self.work.start()
            self.work.settle(to)
        else:
            self.work.look(to)
        self.looked.append(to)
        return to

    def _case(self, name: str) -> UUID:
        return next(case for told, case in self.cases.items() if told.endswith(name))

    def recorded(self) -> dict[str, list[tuple[Done, datetime]]]:
        return {name: self.work.recorded(case) for name, case in self.cases.items()}


@pytest.fixture(scope="module")
def undisturbed(server: str, template: str) -> Iterator[dict[str, list[Done]]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        fresh_database(server, template) as address,
        Store(address) as store,
        clockwork(store, BEGIN) as work,
    ):
        quickly(patch)
        work.start()
        year = Year(work)
        year.live(None, [])
        recorded = year.recorded()
        assert all(
            done.due_at <= at < done.due_at + PATIENCE for told in recorded.values() for done, at in told
        )
        yield {name: [done for done, _ in told] for name, told in recorded.items()}


def quickly(patch: pytest.MonkeyPatch) -> None:
    """Let a worker look at the clock more often: a year is to pass in some seconds."""
    patch.setattr(worker, "BEAT_SECONDS", 0.03)
    patch.setattr(chores, "_COURTESY_SECONDS", 0.05)


def test_the_undisturbed_year_has_both_changes_of_the_clock_and_a_leap_day(
    undisturbed: dict[str, list[Done]],
) -> None:
    dues = {name: [done.due_at for done in told] for name, told in undisturbed.items()}
    assert dues == {
        "nobody submits": [utc("2023-08-21 07:00"), utc("2023-08-27 07:00"), utc("2023-08-28 22:00")],
        "more time, until the clock goes back": [
            utc("2023-10-22 07:00"),
            utc("2023-10-28 07:00"),
            utc("2023-10-29 23:00"),
        ],
        "withdrawn": [],
        "nobody reports": [
            *(utc(f"2024-01-{day} 08:00") for day in ("02", "25", "31")),
            utc("2024-02-01 23:00"),
            utc("2024-02-15 08:00"),
            utc("2024-03-02 08:00"),
        ],
        "more time, until the clock goes forward": [
            utc("2024-02-29 08:00"),
            utc("2024-03-23 08:00"),
            utc("2024-03-29 08:00"),
            utc("2024-03-30 23:00"),
            utc("2024-04-13 07:00"),
            utc("2024-04-29 07:00"),
        ],
    }


def disturbances(chosen: Random, acts: list[datetime]) -> list[Turn]:
    """So many as a bad year has: the clock set by minutes to days, either way, and workers that were away."""
    turns: list[Turn] = []
    while len(turns) < 14:
        at = BEGIN + (END - BEGIN) * chosen.random()
        by = timedelta(seconds=chosen.choice([120, 3_600, 86_400, 4 * 86_400]) * chosen.uniform(-1, 1))
        if all(abs(at - act) > APART for act in acts) and BEGIN + APART < at < END - APART:
            turns.append(Turn(at, by, chosen.random() < 0.4))
    # Both nights in which the clock in Oslo changes, and the leap day, are lived through in any case.
    turns += [
        Turn(utc(night), timedelta(minutes=chosen.choice([-70, 10, 70])), chosen.random() < 0.5)
        for night in ("2023-10-29 00:55", "2024-03-31 00:55", "2024-02-29 07:59")
    ]
    return sorted(turns)


@pytest.mark.parametrize("seed", range(40 if LONG else 2))
def test_a_disturbed_year_gives_the_events_of_an_undisturbed_one(
    undisturbed: dict[str, list[Done]], store: Store, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    quickly(monkeypatch)
    chosen = Random(seed)  # noqa: S311 - how the year goes, not a secret
    with clockwork(store, BEGIN) as work:
        work.start()
        year = Year(work)
        year.live(
            sorted({done.due_at for told in undisturbed.values() for done in told}),
            disturbances(chosen, [*year.acts]),
        )
        work.stop()
        for name, told in year.recorded().items():
            wanted = owed(undisturbed[name], year.looked)
            assert [done for done, _ in told] == [done for done, _ in wanted], name
            for (_, at), (done, looked) in zip(told, wanted, strict=True):
                assert looked - EARLY <= at < looked + PATIENCE, (name, done)
                assert done.due_at <= at
        assert all(work.app.projector.check(name) == [] for name in work.app.projector.projections)
