"""Three workers, thousands of things due, and holders killed or stopped at random: each happens exactly once.

`make test` has a small version of it; GRANTFLOW_LONG_TESTS=1 has 10 000 reminders and 2 000 lapses, twenty times over.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from crew import TAKEOVER_SECONDS, Crew, soon
from steps import started
from variants import by_lead, prepared, variant

from grantflow.domain.call import CALL, Call

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.store import Store

LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"
RUNS, REMINDERS, LAPSES, BLOWS = (20, 10_000, 2_000, 8) if LONG else (2, 300, 60, 2)


def reminding(crew: Crew) -> Call:
    """A call that is open for some days more, and whose first reminder was due the day before yesterday."""
    files = variant("reminding", "8000000.00")
    last = (datetime.now(UTC) + timedelta(days=5)).date()
    assert files[CALL].count("date = 2023-08-28\n") == 1
    files[CALL] = files[CALL].replace("date = 2023-08-28\n", f"date = {last}\n")
    crew.service.calls.publish(files, by_lead("reminding"))
    return Call.read(files)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("run", range(RUNS))
def test_whoever_is_killed_each_thing_that_is_due_happens_exactly_once(store: Store, run: int) -> None:
    chosen, took = Random(run), []  # noqa: S311 - whom to kill, not a secret
    with ExitStack() as stack:
        crew = Crew(store, stack)
        call = reminding(crew)
        crew.join(3)
        reminded: set[UUID] = set()
        lapsed: set[UUID] = set()
        for blow in range(BLOWS):
            reminded.update(prepared(store, call, REMINDERS // BLOWS, started()))
            lapsed.update(prepared(store, crew.call, LAPSES // BLOWS, started()))
            time.sleep(chosen.uniform(0, 0.8 if LONG else 0.3))
            how = signal.SIGKILL if (blow + run) % 3 else signal.SIGSTOP
            took.append((how.name, strike(crew, chosen, how)))
        wanted = {"reminder-sent": dict.fromkeys(reminded, 1), "application-lapsed": dict.fromkeys(lapsed, 1)}
        soon(lambda: {topic: crew.times(topic) for topic in wanted} == wanted, 240)
        soon(lambda: all(one.lag == 0 for one in crew.app.duties() if one.lag is not None), 120)
        assert {topic: crew.times(topic) for topic in wanted} == wanted
        assert [one.error for one in crew.projector.standings()] == [None] * len(crew.projector.projections)
    print("takeovers:", ", ".join(f"{how} {seconds:.2f} s" for how, seconds in took))  # noqa: T201 - shown with -rP
    assert max(seconds for _, seconds in took) < TAKEOVER_SECONDS


def strike(crew: Crew, chosen: Random, how: signal.Signals) -> float:
    """Kill or stop somebody who holds something; how long it took until others held all of it."""
    soon(lambda: None not in crew.holders().values() and crew.waiting() >= set(crew.processes), 60)
    victim = chosen.choice([pid for pid in crew.holders().values() if pid is not None])
    seconds = crew.overthrow(victim, how)
    if how == signal.SIGKILL:
        assert crew.gone(victim) == -how
        crew.start(1)
    else:
        crew.processes[victim].send_signal(signal.SIGCONT)
    return seconds
