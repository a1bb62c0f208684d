"""A process killed while it carries events to the read models loses nothing and repeats nothing."""

from __future__ import annotations

import random
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING

import projecting
import pytest
from variants import publish

from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

    from grantflow.store import Store

CALL = "crash"
ROUNDS, AT_ONCE = 8, 2
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", "grantflow.rooms", "grantflow.service"])


def begun(address: str, seed: int, place: str) -> tuple[ForkServerProcess, Connection]:
    """Start a process that stores and projects."""
    listen, tell = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=projecting.work, args=(address, CALL, seed, place, tell))
    process.start()
    tell.close()
    return process, listen


def ended(process: ForkServerProcess, listen: Connection, seconds: float) -> list[int]:
    """Kill the process after so many seconds of work, unless it dies by itself; what it had promised."""
    promised: list[int] = []
    try:
        promised.append(listen.recv())
        process.join(seconds)
        process.kill()
        while True:
            promised.append(listen.recv())
    except EOFError:
        process.join()
        listen.close()
    assert process.exitcode == -signal.SIGKILL
    return promised


@pytest.mark.parametrize("place", ["appended", "writing", "flushed", "anywhere"])
def test_a_process_killed_while_it_projects_loses_and_repeats_nothing(store: Store, place: str) -> None:
    publish(Service(store), CALL, "8000000.00")
    projector = Projector(store, projections())
    chosen = random.Random(place)  # noqa: S311 - when to kill, not a secret
    behind = []
    for turn in range(ROUNDS):
        lives = [begun(store.database_url, turn * AT_ONCE + n, place) for n in range(AT_ONCE)]
        promised = [
            position
            for process, listen in lives
            for position in ended(process, listen, chosen.uniform(0, 0.2) if place == "anywhere" else 20)
        ]
        assert promised
        assert len(set(promised)) == len(promised)
        assert max(promised) <= store.last_position()
        behind.append(max(standing.lag for standing in projector.standings()))
        projector.catch_up()
    whole(projector)
    assert any(behind), "no process was ever killed before it had projected all it had stored"


def whole(projector: Projector) -> None:
    """Check that the read models have each event once, and say what a rebuild says."""
    last = projector.store.last_position()
    assert [(s.position, s.error) for s in projector.standings()] == [(last, None)] * len(
        projector.projections
    )
    seen = projector.rows("SELECT count(*) AS rows, count(DISTINCT position) AS positions FROM audit_trail")
    assert seen == [{"rows": last, "positions": last}]
    cases = projector.rows("SELECT number FROM case_list ORDER BY number")
    assert [row["number"] for row in cases] == [f"{CALL}-{n:04d}" for n in range(1, len(cases) + 1)]
    assert [diff for name in projector.projections for diff in projector.check(name)] == []
