"""Some workers, each a process of its own, on one database; and what tests look at while they work."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import ledger_keys
from steps import drafted
from variants import prepared, publish

from grantflow.app import App

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from contextlib import ExitStack
    from uuid import UUID

    from grantflow.rota import DutyStanding
    from grantflow.store import Store

COMMAND = [str(Path(sys.executable).parent / "grantflow"), "work"]
TAKEOVER_SECONDS = 5.0


def soon(holds: Callable[[], object], seconds: float) -> float:
    """Wait until something holds, and give the seconds it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"not within {seconds} seconds"
        time.sleep(0.02)
    return time.monotonic() - begun


def rota(app: App) -> dict[str, DutyStanding]:
    """Each duty, by its name."""
    return {standing.name: standing for standing in app.duties()}


class Crew:
    """Some workers, each a process of its own, on one database."""

    def __init__(self, store: Store, stack: ExitStack) -> None:
        self.store, self._stack = store, stack
        self.app = App.on(store, ledger_keys())
        stack.callback(self.app.accesses.close)
        self.service, self.projector, self.ledger = self.app.service, self.app.projector, self.app.ledger
        self.call = publish(self.service, "work", "8000000.00")
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, many: int) -> None:
        """Start workers, and go on at once."""
        inherited = {name: value for name, value in os.environ.items() if name != "GRANTFLOW_LONG_TESTS"}
        environment = {**inherited, "GRANTFLOW_DATABASE_URL": self.store.database_url}
        for _ in range(many):
            process = subprocess.Popen(COMMAND, env=environment, stderr=subprocess.DEVNULL)
            self._stack.callback(_gone, process)
            self.processes[process.pid] = process

    def join(self, many: int) -> None:
        """Start workers, and wait until each of them has begun to stand in line, or holds something."""
        self.start(many)
        soon(lambda: self.waiting() >= set(self.processes) and all(self.holders().values()), 60)

    def holders(self) -> dict[str, int | None]:
        """The process that holds each duty, if any."""
        return {name: _process(one.holder) for name, one in rota(self.app).items()}

    def waiting(self) -> set[int]:
        """The processes that try for a duty, or hold it: those that have a connection for it."""
        with self.store.connection() as connection:
            rows = connection.execute(
                "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name LIKE 'grantflow % %:%' AND application_name NOT LIKE 'grantflow work %' "
                "GROUP BY 1"
            ).fetchall()
        found = [_process(name) for name, _ in rows]
        return {pid for pid in found if pid is not None and found.count(pid) >= len(self.app.chores())}

    def backend(self, name: str) -> int:
        """The connection that holds a duty."""
        with self.store.connection() as connection:
            row = connection.execute("SELECT backend FROM duties WHERE name = %s", (name,)).fetchone()
        assert row is not None
        return int(row[0])

    def overthrow(self, pid: int, how: signal.Signals) -> float:
        """Send a holder a signal; the seconds until all that it held is held by others."""
        held = [name for name, holder in self.holders().items() if holder == pid]
        assert held
        self.processes[pid].send_signal(how)
        return soon(lambda: all(self.holders()[name] not in {None, pid} for name in held), 30)

    def gone(self, pid: int) -> int:
        """Wait for a process to end, and give its exit code."""
        return self.processes.pop(pid).wait(20)

    def drafts(self, many: int) -> set[UUID]:
        """Store drafts that were due to lapse in 2023."""
        return set(prepared(self.store, self.call, many, *drafted()))

    def lapsed(self) -> set[UUID]:
        """The cases that the read model shows as lapsed."""
        rows = self.projector.rows("SELECT case_id FROM case_list WHERE state = 'lapsed'")
        return {row["case_id"] for row in rows}

    def times(self, topic: str) -> dict[UUID, int]:
        """How often something is in the log, by case."""
        with self.store.connection() as connection:
            rows = connection.execute(
                "SELECT originator_id, count(*) FROM stored_events WHERE topic LIKE %s GROUP BY 1",
                (f"{topic}@%",),
            ).fetchall()
        return dict(rows)


def _process(holder: str | None) -> int | None:
    return int(holder.rpartition(":")[2]) if holder else None


def _gone(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
