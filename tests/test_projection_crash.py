"""Killed between storing and projecting, or while projecting: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from variants import publish

from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service

if TYPE_CHECKING:
    from grantflow.store import Store

PROJECTING = str(Path(__file__).with_name("projecting.py"))
INSTANTS = (0.05, 0.09, 0.14, 0.2, 0.27, 0.35)
"""How many seconds each child lives."""


def killed_after(address: str, call: str, seconds: float) -> list[UUID]:
    """Run the child, kill it, and give the cases that it was promised."""
    child = subprocess.Popen([sys.executable, PROJECTING, address, call], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(seconds)
    child.kill()
    said = child.stdout.read()
    child.stdout.close()
    child.wait()
    return [UUID(line) for line in said.splitlines() if len(line) == len(str(UUID(int=0)))]


def test_killed_at_any_instant_the_read_models_go_on_where_they_stood(
    store: Store, database_url: str
) -> None:
    call = publish(Service(store), "killed", "7900000.00")
    projector = Projector(store, projections())
    promised: list[UUID] = []
    behind = 0
    for seconds in INSTANTS:
        promised += killed_after(database_url, call.id, seconds)
        behind += any(standing.lag for standing in projector.standings())
    assert promised
    assert behind, "some of the kills must have come between storing and projecting"
    last = projector.catch_up()
    assert [standing.position for standing in projector.standings()] == [last] * len(projector.projections)
    assert projector.catch_up() == last
    listed = {row["case_id"] for row in projector.rows("SELECT case_id FROM case_list")}
    assert set(promised) <= listed, "what was acknowledged is lost"
    events = projector.rows(
        "SELECT count(*)::int AS n, count(DISTINCT event)::int AS different FROM audit_trail"
    )
    assert events == [{"n": last, "different": last}]
    numbers = [row["number"] for row in projector.rows("SELECT number FROM case_list ORDER BY number")]
    assert numbers == [f"{call.id}-{n:04d}" for n in range(1, len(listed) + 1)]
    assert [d for name in projector.projections for d in projector.check(name)] == []
