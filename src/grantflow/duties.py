"""A duty is held by one worker in the whole system: by a lock of its database connection, as long as that lives."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Self

import psycopg
import structlog
from psycopg import sql

from grantflow.connections import connect
from grantflow.recorder import CHANNEL

if TYPE_CHECKING:
    from grantflow.connections import Connection
    from grantflow.store import Store

log = structlog.get_logger(__name__)

_CLASS = 7_203
_NUMBERS = {"worker": 1}
"""Every duty there is, with the number that its lock has among the duties."""

_SILENCE_SECONDS = 3
"""How long PostgreSQL waits for a holder whose machine has vanished without a word before it lets go of the duty."""


class Duty:
    """One worker's part in a duty that any number may try to hold.

    The lock is of the session: PostgreSQL lets go of it when the connection drops, whatever became of the worker, and
    the next that asks has it. Holding it saves work and keeps nothing right, so it needs no fencing.
    """

    def __init__(self, address: str, name: str = "worker") -> None:
        self.name = name
        self._address = address
        self._connection: Connection | None = None
        self._held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def taken(self) -> bool:
        """Try to take the duty: whether it is ours now. False when another holds it, or the database is away."""
        try:
            if self._connection is None:
                self._connection = _signed_on(self._address, self.name)
            row = self._connection.execute(
                "SELECT pg_try_advisory_lock(%s, %s)", (_CLASS, _NUMBERS[self.name])
            ).fetchone()
        except psycopg.OperationalError as error:
            self._lost(error)
            return False
        self._held = row == (True,)
        return self._held

    def waited(self, seconds: float) -> bool:
        """Wait until the log grows or time is up, holding the duty: False, at once, when it isn't held (any more)."""
        if self._connection is None or not self._held:
            return False
        try:
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
            self._connection.execute("SELECT")
        except psycopg.OperationalError as error:
            self._lost(error)
            return False
        return True

    def let_go(self) -> None:
        """Give the duty up, so that the next can take it at once."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._held = None, False

    def _lost(self, error: psycopg.OperationalError) -> None:
        log.warning("duty-connection-lost", duty=self.name, reason=str(error).strip().partition("\n")[0])
        self.let_go()


def holder(store: Store, name: str = "worker") -> str | None:
    """Who holds a duty, as `MACHINE:PROCESS`; None when nobody does just now."""
    with store.connection() as connection:
        row = connection.execute(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND (l.classid, l.objid) = (%s, %s) "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (_CLASS, _NUMBERS[name]),
        ).fetchone()
    return row[0].rpartition(" ")[2] if row else None


def _signed_on(address: str, name: str) -> Connection:
    """Open a connection that says whose it is, hears when the log grows, and is missed soon when it falls silent."""
    connection = connect(address)
    settings = {
        "application_name": f"grantflow {name} {socket.gethostname()}:{os.getpid()}",
        "tcp_keepalives_idle": "1",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": str(_SILENCE_SECONDS - 1),
    }
    for setting, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
    return connection
