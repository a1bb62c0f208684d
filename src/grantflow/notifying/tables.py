"""What the notifier remembers, all of it from the log: how far it has read, what comes when, which mails wait."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grantflow.connections import Connection
    from grantflow.domain.notice import Notice
    from grantflow.domain.noticing import Occasion
    from grantflow.store import Store

LOCK = 7_205
"""Held by whoever makes and sends, for as long as a turn takes."""
_SET_UP = """
CREATE TABLE IF NOT EXISTS notice_position (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    position  bigint NOT NULL
);
INSERT INTO notice_position (position) VALUES (0) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS notice_agenda (
    case_id  uuid, rule text, about text, at timestamptz NOT NULL, done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (case_id, rule, about)
);
CREATE INDEX IF NOT EXISTS notice_agenda_at ON notice_agenda (at) WHERE NOT done;
CREATE TABLE IF NOT EXISTS notice_outbox (
    notice uuid PRIMARY KEY, case_id uuid NOT NULL, authority text NOT NULL, organisation text NOT NULL,
    role text NOT NULL, language text NOT NULL, gathered text NOT NULL, rule text NOT NULL, about text NOT NULL,
    send_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, again_at timestamptz NOT NULL,
    first_failed_at timestamptz, attempts int NOT NULL, round int NOT NULL
);
CREATE INDEX IF NOT EXISTS notice_outbox_again_at ON notice_outbox (again_at, notice);
"""
_PLANNED = (
    "INSERT INTO notice_agenda (case_id, rule, about, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_NO_MORE = (
    "DELETE FROM notice_agenda WHERE case_id = %s AND NOT done "
    "AND (rule, about) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
)
_WAITS = """
    INSERT INTO notice_outbox VALUES (
        %(notice)s, %(case_id)s, %(authority)s, %(organisation)s, %(role)s, %(language)s, %(gathered)s, %(rule)s,
        %(about)s, %(send_at)s, %(expires_at)s, %(again_at)s, %(first_failed_at)s, %(attempts)s, %(round)s
    ) ON CONFLICT (notice) DO UPDATE SET
        send_at = excluded.send_at, expires_at = excluded.expires_at, again_at = excluded.again_at,
        gathered = excluded.gathered, first_failed_at = excluded.first_failed_at, attempts = excluded.attempts,
        round = excluded.round
"""
_COME = """
    SELECT case_id, rule, about FROM notice_agenda WHERE NOT done AND at <= %s
    ORDER BY at, case_id, rule, about LIMIT %s
"""
_DONE = """
    UPDATE notice_agenda SET done = true
    WHERE (case_id, rule, about) IN (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[]))
"""
_DUE = "SELECT * FROM notice_outbox WHERE again_at <= %s ORDER BY again_at, notice LIMIT %s"
_NEXT = """
    SELECT least((SELECT min(at) FROM notice_agenda WHERE NOT done AND at > %(now)s),
                 (SELECT min(again_at) FROM notice_outbox WHERE %(mails)s))
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that waits, as far as it has to be known which ones go together, and when."""

    notice: UUID
    case_id: UUID
    authority: str
    organisation: str
    role: str
    language: str
    gathered: str
    rule: str
    about: str
    send_at: datetime
    expires_at: datetime
    again_at: datetime
    first_failed_at: datetime | None
    attempts: int
    round: int


class Tables:
    """The notifier's tables in one database. They can be emptied: then the log is read from its beginning."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made = False

    def make(self) -> None:
        """Make the tables where they are not there; done once, before anything else is asked."""
        if self._made:
            return
        with self._store.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCK,))
            connection.execute(_SET_UP)
        self._made = True

    @contextmanager
    def alone(self) -> Iterator[Connection | None]:
        """The connection that holds the lock, for as long as it lives; None where somebody else has it."""
        with self._store.connection() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s, 1)", (LOCK,)).fetchone()
            if row != (True,):
                yield None
                return
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s, 1)", (LOCK,))

    def position(self) -> int:
        """How far the log has been read."""
        return int(self._rows("SELECT position FROM notice_position")[0]["position"])

    @contextmanager
    def advancing(self, before: int, after: int) -> Iterator[Connection | None]:
        """What is written together with the position; None where somebody else has moved it on meanwhile."""
        with self._store.connection() as connection, connection.transaction():
            moved = connection.execute(
                "UPDATE notice_position SET position = %s WHERE position = %s", (after, before)
            ).rowcount
            yield connection if moved else None

    def plan(
        self, connection: Connection, case: UUID, occasions: Iterable[Occasion], after: datetime
    ) -> None:
        """Plan what comes in a case from an instant on; what was planned and no longer holds is taken out."""
        held = list(occasions)
        rules, abouts = [one.rule.id for one in held], [one.about for one in held]
        connection.execute(_NO_MORE, (case, rules, abouts))
        for one in held:
            if one.since > after:
                connection.execute(_PLANNED, (case, one.rule.id, one.about, one.since))

    def put(self, connection: Connection, authority: str, notice: UUID, known: Notice | None) -> None:
        """Let a mail wait, or no longer, as its events tell."""
        if known is None or not known.waits:
            connection.execute("DELETE FROM notice_outbox WHERE notice = %s", (notice,))
            return
        made = known.made
        connection.execute(
            _WAITS,
            {
                "notice": notice,
                "case_id": made.case,
                "authority": authority,
                "organisation": made.organisation,
                "role": made.to,
                "language": made.language,
                "gathered": made.gathered,
                "rule": made.rule,
                "about": made.about,
                "send_at": made.send_at,
                "expires_at": made.expires_at,
                "again_at": known.again_at or made.send_at,
                "first_failed_at": known.first_failed_at,
                "attempts": known.attempts,
                "round": known.round,
            },
        )

    def look_again(self, connection: Connection, organisation: str, at: datetime) -> None:
        """Mails to an organisation that waited for an address are looked at from this instant on."""
        connection.execute(
            "UPDATE notice_outbox SET again_at = greatest(send_at, %s) "
            "WHERE organisation = %s AND first_failed_at IS NULL AND again_at > %s",
            (at, organisation, at),
        )

    def agenda(self, now: datetime, most: int) -> list[dict[str, Any]]:
        """What has come due by now, the earliest first."""
        return self._rows(_COME, now, most)

    def taken(self, seen_to: list[dict[str, Any]]) -> None:
        """These have been seen to."""
        with self._store.connection() as connection:
            columns = [[row[name] for row in seen_to] for name in ("case_id", "rule", "about")]
            connection.execute(_DONE, columns)

    def due(self, now: datetime, most: int) -> list[Waiting]:
        """The mails that can be tried now, the earliest first."""
        return [msgspec.convert(row, Waiting) for row in self._rows(_DUE, now, most)]

    def postpone(self, notices: Iterable[UUID], until: datetime) -> None:
        """Look at these again later: there is no address for them yet."""
        with self._store.connection() as connection:
            connection.execute(
                "UPDATE notice_outbox SET again_at = %s WHERE notice = ANY(%s)", (until, list(notices))
            )

    def upcoming(self, now: datetime, *, mails: bool) -> datetime | None:
        """The next instant that is known of."""
        with self._store.connection() as connection:
            row = connection.execute(_NEXT, {"now": now, "mails": mails}).fetchone()
        found: datetime | None = row[0] if row else None
        return found

    def _rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with self._store.connection() as connection:
            return connection.cursor(row_factory=dict_row).execute(query, parameters).fetchall()
