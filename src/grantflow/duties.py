"""A duty is held by one worker in the whole system: by a lock of its connection, while it gives signs of life."""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import psycopg
import structlog
from psycopg import sql

from grantflow.connections import connect
from grantflow.recorder import CHANNEL
from grantflow.turns import TurnEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from grantflow.connections import Connection

log = structlog.get_logger(__name__)

TRY_SECONDS = 0.5
"""How often one that waits tries to take the duty, and looks whether its holder is alive."""
BEAT_SECONDS = 0.5
"""How often a holder says that it is alive."""
SILENCE_SECONDS = 2.5
"""How long a holder may be silent before one that waits ends it."""
_VANISHED_SECONDS = 3
"""How long PostgreSQL waits for a holder whose machine has vanished without a word before it lets go of the duty."""
_PATIENT_FROM, _MOST_PATIENT = 4, 6

_SEEN = (
    "SELECT (SELECT backend FROM duty_locks WHERE number = %(number)s), d.beat_at, d.holder, d.forced "
    "FROM (SELECT) one LEFT JOIN duties d ON d.name = %(name)s"
)
_TRY = "SELECT pg_try_advisory_lock(7203, %(number)s)"
_TAKE = (
    "INSERT INTO duties (name, holder, backend) VALUES (%(name)s, %(holder)s, pg_backend_pid()) "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, backend = excluded.backend, "
    "since = excluded.since, beat_at = excluded.beat_at"
)
_END_SILENT = (
    "SELECT pg_terminate_backend(l.backend, 1000) FROM duty_locks l LEFT JOIN duties d ON d.name = %(name)s "
    "WHERE l.number = %(number)s AND l.backend = %(backend)s AND d.beat_at IS NOT DISTINCT FROM %(beat_at)s"
)
_LET_GO = "UPDATE duties SET holder = '' WHERE name = %(name)s AND backend = pg_backend_pid()"
"""Said by a holder that leaves nothing hanging: whoever comes next has nothing of it to end."""
_COUNT_FORCED = (
    "UPDATE duties SET forced = CASE WHEN beat_at - since < interval '10 seconds' THEN forced + 1 ELSE 1 END "
    "WHERE name = %(name)s"
)
_END_HANGING = (
    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.datname = current_database() "
    "AND a.application_name = %s AND a.pid <> pg_backend_pid() "
    "AND a.wait_event_type = 'Client' AND a.state_change < clock_timestamp() - interval '2 seconds' AND (a.xact_start "
    "IS NOT NULL OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory'))"
)
"""What a holder that hangs has left open: transactions and locks that wait for it, and hold up whoever comes next."""
_BEAT = (
    "UPDATE duties SET beat_at = clock_timestamp() {} WHERE name = %(name)s AND backend = pg_backend_pid()"
)
_ALIVE = _BEAT.format("")
_RAN = _BEAT.format(", last_run = %(at)s, next_at = %(next_at)s, last_error = NULL, forced = 0")
_FAILED = _BEAT.format(", last_error = %(error)s")


def myself() -> str:
    """This process as others know it: `MACHINE:PROCESS`."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}"


def working_as(holder: str) -> str:
    """The name that a worker's connections have at the server, so that what it leaves hanging can be told apart."""
    return f"grantflow work {holder}"


class Duty:
    """One worker's part in a duty that any number may try to hold; used by one thread, but for `ring`.

    The lock is of the session: PostgreSQL lets go of it when the connection drops, whatever became of the worker. A
    holder that hangs keeps its connection, so it has to give signs of life too: where they stop, one that waits ends
    that connection. For how long they have stopped, it tells by a clock of its own that nobody can set.

    Where holders are ended time after time, each soon after it began, and none finishes a turn, a step of it is long
    and not stuck: then each is given more time than the one before.
    """

    def __init__(self, address: str, name: str, stopped: Callable[[], bool] = lambda: False) -> None:
        self.name = name
        self.away: psycopg.Error | None = None
        """What the database said when it was lost, or could not be reached, until the next time it answers."""
        self._address, self._stopped = address, stopped
        self._connection: Connection | None = None
        self._known: dict[str, Any] = {"name": name, "number": number_of(name)}
        self._seen: tuple[int | None, datetime | None] = (None, None)
        self._seen_at = self._beaten_at = 0.0
        self._bell, self._rope = socket.socketpair()
        self._rope.setblocking(False)  # noqa: FBT003 - as the library has it
        self._bell.setblocking(False)  # noqa: FBT003

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._rope.close()
        self._bell.close()

    def taken(self) -> bool:
        """Try to take the duty: whether it is ours now. False when another holds it, or the database is away."""
        try:
            if self._connection is None:
                self._connection = _signed_on(self._address, self.name)
            taken = self._tried(self._connection)
        except psycopg.Error as error:
            self._lost(error)
            return False
        self.away = None
        return taken

    def wait(self, seconds: float, *, deaf: bool = False) -> bool:
        """Wait, giving signs of life, until the log grows or somebody rings (True), or time is up (False).

        Who knows already that there is something to do is `deaf` to the log: no commit wakes it before time is up.

        TurnEnded, at once, when the duty isn't held (any more), or the worker is to stop.
        """
        self.going_on()
        connection = self._held()
        try:
            waiting = select.poll()
            waiting.register(self._bell.fileno(), select.POLLIN)
            if not deaf:
                waiting.register(connection.fileno(), select.POLLIN)
            rung = _heard(connection)
            if deaf or not rung:
                waiting.poll(max(seconds, 0) * 1000)
                rung |= _heard(connection)
        except psycopg.OperationalError as error:
            self._lost(error)
            raise TurnEnded from None
        with suppress(BlockingIOError):
            while self._bell.recv(1024):
                rung = True
        self.going_on()
        return rung

    def ring(self) -> None:
        """Wake whoever waits at this duty; from any thread, also when nobody does any more."""
        with suppress(OSError):
            self._rope.send(b".")

    def going_on(self) -> None:
        """Give a sign of life from within a turn. TurnEnded when the duty is lost, or the worker is to stop."""
        if self._stopped():
            raise TurnEnded
        if time.monotonic() - self._beaten_at >= BEAT_SECONDS:
            self.beat()

    def beat(self) -> None:
        """Say that the holder is alive. TurnEnded when it isn't the holder any more."""
        self._say(_ALIVE)

    def ran(self, at: datetime, next_at: datetime | None) -> None:
        """Note that a turn was finished, and when the next is known to be needed. TurnEnded as above."""
        self._say(_RAN, at=at, next_at=next_at)

    def failed(self, why: str) -> None:
        """Note what went wrong with a turn. TurnEnded as above."""
        self._say(_FAILED, error=why)

    def let_go(self) -> None:
        """Give the duty up, so that the next can take it at once."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute(_LET_GO, self._known)
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection = None

    def _tried(self, connection: Connection) -> bool:
        backend, beat_at, holder, forced = connection.execute(_SEEN, self._known).fetchone() or (None,) * 4
        if (backend, beat_at) != self._seen:
            self._seen, self._seen_at = (backend, beat_at), time.monotonic()
        silent = time.monotonic() - self._seen_at
        if backend is not None and silent < _patience(forced or 0):
            return False
        if backend is not None:
            ended = connection.execute(
                _END_SILENT, {**self._known, "backend": backend, "beat_at": beat_at}
            ).fetchone()
            if ended is None:
                return False
            connection.execute(_COUNT_FORCED, self._known)
            log.warning("silent-holder-ended", duty=self.name, holder=holder, silent=round(silent, 1))
        if connection.execute(_TRY, self._known).fetchone() != (True,):
            return False
        connection.execute(_TAKE, {**self._known, "holder": myself()})
        self._beaten_at = time.monotonic()
        if holder and holder != myself():
            connection.execute(_END_HANGING, (working_as(holder),))
        return True

    def _say(self, statement: str, **facts: object) -> None:
        connection = self._held()
        try:
            done = connection.execute(statement, {"name": self.name, **facts})
        except psycopg.OperationalError as error:
            self._lost(error)
            raise TurnEnded from None
        if not done.rowcount:
            self.let_go()
            raise TurnEnded
        self._beaten_at = time.monotonic()

    def _held(self) -> Connection:
        if self._connection is None or self._stopped():
            raise TurnEnded
        return self._connection

    def _lost(self, error: psycopg.Error) -> None:
        if self.away is None:
            log.warning("duty-connection-lost", duty=self.name, reason=str(error).strip().partition("\n")[0])
        self.away = error
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def number_of(name: str) -> int:
    """The number that a duty's lock has among the duties."""
    return crc32(name.encode()) & 0x7FFF_FFFF


def _patience(forced: int) -> float:
    """Seconds that a holder may be silent, after so many were ended soon, with no turn finished in between."""
    return float(SILENCE_SECONDS * 2 ** min(max(0, forced - _PATIENT_FROM + 1), _MOST_PATIENT))


def _heard(connection: Connection) -> bool:
    """Whether the log has grown since this was asked last."""
    return sum(1 for _ in connection.notifies(timeout=0)) > 0


def _signed_on(address: str, name: str) -> Connection:
    """Open a connection that says whose it is, hears when the log grows, and is missed soon when it falls silent.

    What it writes is of the moment, so it does not wait for the disk.
    """
    connection = connect(address)
    settings = {
        "application_name": f"grantflow {name} {myself()}",
        "synchronous_commit": "off",
        "tcp_keepalives_idle": "1",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": str(_VANISHED_SECONDS - 1),
    }
    for setting, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
    return connection
