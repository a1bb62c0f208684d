"""Seals the log: each new event becomes a leaf, the tree grows, and a checkpoint is signed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID, uuid4

import structlog

from grantflow.ledger.leaf import SALT_BYTES, Leaf, Place, sealed
from grantflow.ledger.merkle import Frontier, Node, peaks_of
from grantflow.ledger.note import Checkpoint, Note, Verifier
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from grantflow.connections import Connection
    from grantflow.ledger.keys import KeyFile
    from grantflow.store import Store

log = structlog.get_logger(__name__)
T = TypeVar("T")

BATCH = 4_096
_LOCK = 7_204
_UNSEALED = (
    "SELECT notification_id, uuid_send(originator_id), originator_version, topic, state FROM stored_events "
    "WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
)
_TOGETHER = (
    "SELECT n.level::int, n.index, n.hash FROM ledger_nodes n "
    "JOIN unnest(%s::int[], %s::bigint[]) AS w (level, index) ON n.level = w.level AND n.index = w.index "
    "UNION ALL SELECT 0, l.position - 1, l.hash FROM ledger_leaves l "
    "JOIN unnest(%s::bigint[], %s::int[]) AS w (index, level) ON w.level = 0 AND l.position = w.index + 1"
)
_NEWEST = (
    "SELECT number, size, note, (SELECT coalesce(max(notification_id), 0) FROM stored_events) "
    "FROM ledger_checkpoints ORDER BY number DESC LIMIT 1"
)


class Sealer:
    """Seals the log of one store. Any number may try at once; one at a time does it."""

    def __init__(self, store: Store, keys: KeyFile, origin: str = "") -> None:
        self._store, self._keys, self._origin = store, keys, origin

    def seal(self) -> str:
        """Seal what is not sealed yet; gives the newest checkpoint as a signed note, also where nothing was new."""
        note = self._standing()
        if note is not None:
            return note
        while self._batch():
            pass
        with self._store.connection() as connection, connection.transaction():
            return self._signed(connection)

    def _standing(self) -> str | None:
        """The newest checkpoint where it speaks of all there is, by every key that signs now; None otherwise."""
        with self._store.connection() as connection:
            row = connection.execute(_NEWEST).fetchone()
            if row is None or row[1] != row[3] or not self._all_signed(row[2]):
                return None
            return with_cosignatures(connection, row[1], row[2])

    def _all_signed(self, text: str) -> bool:
        note = Note.read(text)
        return all(
            note.signed_by(signer.verifier) for signer in self._keys.signers(note.text.partition("\n")[0])
        )

    def _batch(self) -> bool:
        """Take in so many events, in one transaction; whether there may be more."""
        with self._store.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            frontier = frontier_of(connection)
            rows = connection.execute(_UNSEALED, (frontier.size, BATCH), binary=True).fetchall()
            if not rows:
                return False
            leaves = [self._leaf(Place(*place), state) for *place, state in rows]
            nodes = [node for leaf in leaves for node in frontier.add(leaf.hash)]
            _store(connection, leaves, nodes)
            return len(rows) == BATCH

    def _leaf(self, place: Place, state: bytes) -> Leaf:
        going_on()
        return sealed(place, state, self._store.body(state), os.urandom(SALT_BYTES))

    def _signed(self, connection: Connection) -> str:
        """The newest checkpoint, by every key that signs now: a new one where the tree has grown, or a key is new."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        frontier = frontier_of(connection)
        origin = self._known_origin(connection)
        signers = self._keys.signers(origin)
        number, size, text, _ = connection.execute(_NEWEST).fetchone() or (0, -1, "", 0)
        if size == frontier.size and self._all_signed(text):
            return with_cosignatures(connection, size, text)
        text = str(Checkpoint(origin, frontier.size, frontier.root))
        note_text = f"{text}\n{''.join(signer.sign(text) for signer in signers)}"
        for signer in signers:
            connection.execute(
                "INSERT INTO ledger_keys VALUES ('signer', %s) ON CONFLICT DO NOTHING",
                (str(signer.verifier),),
            )
        connection.execute(
            "INSERT INTO ledger_checkpoints VALUES (%s, %s, %s)", (number + 1, frontier.size, note_text)
        )
        log.info("sealed", size=frontier.size, checkpoint=number + 1)
        return with_cosignatures(connection, frontier.size, note_text)

    def _known_origin(self, connection: Connection) -> str:
        """The name the ledger has had from the beginning; where it has none yet, the one that is set, or one drawn."""
        known = connection.execute("SELECT key FROM ledger_keys WHERE kind = 'origin'").fetchone()
        if known is not None:
            return str(known[0])
        origin = self._origin or f"grantflow.invalid/{uuid4().hex[:12]}"
        connection.execute("INSERT INTO ledger_keys VALUES ('origin', %s)", (origin,))
        return origin


def frontier_of(connection: Connection, size: int | None = None) -> Frontier:
    """The right edge of the tree as it is stored, or as it was at an earlier size. LookupError when a node is gone."""
    if size is None:
        row = connection.execute("SELECT coalesce(max(position), 0) FROM ledger_leaves").fetchone()
        size = int(row[0]) if row else 0
    places = peaks_of(size)
    return Frontier(size, fetched(connection, lambda get: [get(level, index) for level, index in places]))


def fetched(connection: Connection, made: Callable[[Callable[[int, int], bytes]], T]) -> T:
    """What is made of stored nodes, which are fetched together: `made` is told twice how to get one.

    The first time it gets nothing but zeros, and what it asked for is noted. LookupError when a node is not there.
    """
    wanted: list[tuple[int, int]] = []

    def noted(level: int, index: int) -> bytes:
        wanted.append((level, index))
        return bytes(32)

    made(noted)
    levels, places = [level for level, _ in wanted], [index for _, index in wanted]
    rows = connection.execute(_TOGETHER, (levels, places, places, levels), binary=True).fetchall()
    found = {(level, index): bytes(hashed) for level, index, hashed in rows}
    lost = next((place for place in wanted if place not in found), None)
    if lost is not None:
        msg = f"the ledger has lost its node {lost[1]} at level {lost[0]}"
        raise LookupError(msg)
    return made(lambda level, index: found[level, index])


def with_cosignatures(connection: Connection, size: int, note: str) -> str:
    """A checkpoint with what witnesses have added to it."""
    lines = connection.execute(
        "SELECT line FROM ledger_cosignatures WHERE size = %s ORDER BY name, line", (size,)
    ).fetchall()
    return note + "".join(line for (line,) in lines)


def verifiers(connection: Connection, kind: str = "signer") -> list[Verifier]:
    """The public keys that this database says the ledger was signed (or witnessed) with."""
    rows = connection.execute("SELECT key FROM ledger_keys WHERE kind = %s ORDER BY known_at, key", (kind,))
    return [Verifier.read(key) for (key,) in rows.fetchall()]


def _store(connection: Connection, leaves: Sequence[Leaf], nodes: Iterable[Node]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY ledger_leaves FROM STDIN") as copy:
            for leaf in leaves:
                position, stream, version, topic = leaf.place
                copy.write_row((position, UUID(bytes=stream), version, topic, *leaf[1:]))
        with cursor.copy("COPY ledger_nodes FROM STDIN") as copy:
            for node in nodes:
                copy.write_row(node)


__all__ = ["Sealer", "fetched", "frontier_of", "verifiers", "with_cosignatures"]
