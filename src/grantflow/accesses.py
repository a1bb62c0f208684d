"""The access log: who looked at or exported which case, as rows beside the log; never as events."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from grantflow.domain.access import Access
from grantflow.outcomes import Overloaded, Unavailable
from grantflow.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from grantflow.connections import Connection
    from grantflow.domain.access import Channel, Did
    from grantflow.history import History
    from grantflow.store import Store

__all__ = ["Access", "AccessLog", "Overloaded", "Unavailable", "read", "with_reads"]

_INSERT = """
    INSERT INTO access_log
        (at, person, organisation, role, channel, did, what, case_id, call, request_id, cases, count)
    SELECT at, person, organisation, role, channel, did, what, case_id, call, request_id, cases::uuid[], count
    FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[],
                %s::text[], %s::text[], %s::text[], %s::int[])
        AS shown (at, person, organisation, role, channel, did, what, case_id, call, request_id, cases, count)
"""
_READ = """
    SELECT at, person, organisation, role, channel, did, what, case_id, call, request_id, cases, count
    FROM access_log WHERE at <= coalesce(%(until)s, 'infinity'::timestamptz)
"""
_OF_THESE = """
    AND (case_id = ANY(%(cases)s) OR (cases <> '{}' AND cases && %(cases)s)
         OR (whole AND (call IS NULL OR call = %(call)s)))
"""
_IN_ORDER = " ORDER BY at, id"
_CANT_BE_WRITTEN = (
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)


class AccessLog:
    """Writes down who has looked at what. Safe to use from many threads; not across a fork.

    A row may stand twice: when the connection was lost just as it was stored, it is stored again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gate = threading.Lock()
        self._writer: Writer[Sequence[Access], None] | None = None
        self._closed = False

    def record(self, accesses: Sequence[Access]) -> Future[None]:
        """Write down what somebody is about to be shown; the future is done when it is kept, all of it or nothing.

        What many record at a time shares one statement and its commit. The future raises Unavailable;
        `asyncio.wrap_future` awaits it. Overloaded and Unavailable (closed) are raised at once. A future that is
        cancelled before it is taken up leaves nothing behind.
        """
        if not accesses:
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        with self._gate:
            if self._closed:
                msg = "The access log is closed."
                raise Unavailable(msg)
            if self._writer is None:  # it costs a thread and a connection, which many a command never needs
                self._writer = Writer(self._store.database_url, _insert, "grantflow-accesses")
            return self._writer.put(accesses)

    def note(self, access: Access) -> None:
        """Write one down at once, on a connection that is open already; Unavailable when that can't be done here."""
        try:
            with self._store.connection() as connection:
                _insert(connection, [[access]])
        except _CANT_BE_WRITTEN as error:
            raise Unavailable.because(error) from error

    def close(self) -> None:
        """Take nothing more, and store what waits."""
        with self._gate:
            self._closed = True
        if self._writer is not None:
            self._writer.close()


def read(
    store: Store, *, cases: Collection[UUID] | None = None, call: str = "", until: datetime | None = None
) -> list[Access]:
    """Who has looked, in the order of time: at anything, or at any of these cases, until an instant.

    A case was seen by whoever was shown it, alone or in a list; and by whoever was shown its whole `call`, or all.
    """
    query = _READ + ("" if cases is None else _OF_THESE) + _IN_ORDER
    given = {"cases": list(cases or ()), "call": call, "until": until}
    with store.connection() as connection:
        rows = connection.execute(query, given).fetchall()
    return [_access(*row) for row in rows]


def with_reads(store: Store, history: History) -> History:
    """A history with who has looked at its cases, for questions that ask it."""
    cases = history.by_id if history.call else None
    reads = read(store, cases=cases, call=history.call, until=history.as_of)
    return replace(history, reads=tuple(reads))


def _insert(connection: Connection, together: Sequence[Sequence[Access]]) -> list[None]:
    """Store what many recorded in one statement, in its order; the connection is in autocommit."""
    rows = [_row(access) for accesses in together for access in accesses]
    connection.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)], prepare=True)
    return [None] * len(together)


def _row(one: Access) -> tuple[object, ...]:
    return (
        one.at, one.person, one.organisation, one.role, one.channel, one.did, one.what, one.case, one.call,
        one.request, "{" + ",".join(map(str, one.cases)) + "}", one.count,
    )  # fmt: skip


def _access(  # noqa: PLR0913, PLR0917 - the columns, in their order
    at: datetime, person: str, organisation: str, role: str, channel: Channel, did: Did, what: str,
    case: UUID | None, call: str | None, request: str | None, cases: Sequence[UUID], count: int,
) -> Access:  # fmt: skip
    return Access(
        at=at, person=person, organisation=organisation, role=role, channel=channel, did=did, what=what,
        case=case, call=call, request=request, cases=tuple(cases), count=count,
    )  # fmt: skip
