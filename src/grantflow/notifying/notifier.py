"""The duty to tell: what is due is made, what waits is sent, and nothing of it twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg

from grantflow.notifying.keeping import Keeping
from grantflow.notifying.making import Making
from grantflow.notifying.sending import Sending
from grantflow.notifying.tables import Tables

if TYPE_CHECKING:
    from datetime import datetime

    from grantflow.connections import Connection
    from grantflow.notifying.smtp import Mailer
    from grantflow.service import Service

_ANOTHER = timedelta(seconds=1)
"""How soon to look again where another is at it."""


class Notifier:
    """Makes and sends notices on one store. Any number may run: one at a time takes a turn.

    The lock saves work, and saves a mailbox from a mail that two would send at once. What is made is made once because
    of its key, whatever crashes: the position moves on only after what it leads to is stored. Without a mailer, mails
    are made and wait.
    """

    name = "notify"

    def __init__(self, service: Service, mailer: Mailer | None = None) -> None:
        store, states = service.store, service.states
        self._tables, self._keeping = Tables(store), Keeping(store, states)
        self._making = Making(store, states, self._tables, self._keeping)
        self._sending = Sending(states, self._tables, self._keeping, mailer) if mailer else None

    @property
    def mails(self) -> bool:
        """Whether there is a mail server that mails are handed over to."""
        return self._sending is not None

    def turn(self, now: datetime) -> datetime | None:
        """Make what is due at `now` (UTC) and send what waits; gives the next instant that is known of, or None.

        Unavailable or Overloaded when the database has no time for it: nothing is lost, and the next turn goes on.
        """
        self._tables.make()
        with self._tables.alone() as held:
            if held is None:
                return now + _ANOTHER
            self._making.follow(now)
            self._making.take_due(now)
            self._making.follow(now)
            if self._sending is not None:
                self._sending.send(now, lambda: _lives(held))
                self._making.follow(now)
            upcoming = self._tables.upcoming(now, mails=self._sending is not None)
        rests = self._sending.rests_until if self._sending else None
        if upcoming is not None and rests is not None and upcoming < rests:
            return rests
        return upcoming


def _lives(held: Connection) -> bool:
    """Whether the connection that holds the lock is still there, and with it the lock."""
    try:
        held.execute("SELECT")
    except psycopg.OperationalError:
        return False
    return True
