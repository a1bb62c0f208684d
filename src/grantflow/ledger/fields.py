"""Recomputes what the ledger says of each event's fields: by it, fields can be left out of a pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple
from uuid import UUID

from grantflow.ledger.diagnosis import Fault
from grantflow.ledger.leaf import Place, body_digest, digest_of_fields, hash_of
from grantflow.ledger.sharing import shared
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALONE = 40_000
"""A log up to so long is looked at by this process; a longer one is shared by several."""
TOGETHER = 4_096
"""So many events are looked at in one go."""

_SEALED = "SELECT coalesce(max(position), 0) FROM ledger_leaves"
_ROWS = (
    "SELECT position, uuid_send(originator_id), originator_version, e.topic, state, salt, fields, hash "
    "FROM stored_events e JOIN ledger_leaves ON position = notification_id "
    "WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
)


class Looked(NamedTuple):
    """What came of looking at some events."""

    events: int
    faults: list[Fault]


def verify_fields(store: Store, told: Callable[[int, int], None]) -> Iterator[Fault]:
    """Every event that was sealed with another digest of its fields than it has.

    An event that is not as it was sealed, or whose leaf is gone, is told of by `verify_log`.
    """
    with store.connection() as connection:
        sealed = int((connection.execute(_SEALED).fetchone() or (0,))[0])
    tasks = [(after, min(after + TOGETHER, sealed)) for after in range(0, sealed, TOGETHER)]
    given, done = (store.database_url, store.library), 0
    here = _Here(store).look
    parts = (
        shared(tasks, here, _Apart.look, _Apart.begin, given)
        if sealed > ALONE
        else (here(*task) for task in tasks)
    )
    for part in parts:
        done += part.events
        told(done, sealed)
        yield from part.faults


class _Here:
    """Looks at the events of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self, after: int, last: int) -> Looked:
        """Look at the events after one position up to another."""
        with self._store.connection() as connection:
            rows = connection.execute(_ROWS, (after, last), binary=True).fetchall()
        return Looked(len(rows), [fault for row in rows for fault in self._wrong(*row)])

    def _wrong(
        self, position: int, stream: bytes, version: int, topic: str, *sealed: bytes
    ) -> Iterator[Fault]:
        state, salt, fields, hashed = sealed
        if hash_of(Place(position, stream, version, topic), body_digest(salt, state), fields) != hashed:
            return
        try:
            what = "" if self._digest(salt, state) == fields else "is not that of its fields"
        except Exception as error:  # noqa: BLE001 - whatever was sealed, the rest is looked at
            what = f"can't be computed from it: {type(error).__name__}: {error}"
        if what:
            what = f"{topic}: the digest of fields that it was sealed with {what}"
            yield Fault(
                kind="ledger-changed", position=position, event=f"{UUID(bytes=stream)}.{version}", what=what
            )

    def _digest(self, salt: bytes, state: bytes) -> bytes:
        return digest_of_fields(salt, self._store.body(state))


class _Apart:
    """The same in a process of its own."""

    here: ClassVar[_Here]

    @classmethod
    def begin(cls, address: str, library: dict[str, str]) -> None:
        """Open the store, for as long as the process lives."""
        cls.here = _Here(Store(address, library=library, readers=2))

    @classmethod
    def look(cls, after: int, last: int) -> Looked:
        """Look at the events after one position up to another."""
        return cls.here.look(after, last)
