"""Seals the log: each new event becomes a leaf, the tree grows, and a checkpoint is signed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import structlog

from grantflow.domain.errors import Refused
from grantflow.ledger.leaf import SALT_BYTES, Leaf, Place, sealed
from grantflow.ledger.nodes import TILE_LEVEL, frontier_of
from grantflow.ledger.note import Checkpoint, Note, Verifier
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from grantflow.connections import Connection
    from grantflow.ledger.keys import KeyFile
    from grantflow.ledger.merkle import Node
    from grantflow.store import Store

log = structlog.get_logger(__name__)

BATCH = 4_096
_LOCK = 7_204
_UNSEALED = (
    "SELECT notification_id, uuid_send(originator_id), originator_version, topic, state FROM stored_events "
    "WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
)
_LEAVES = "COPY ledger_leaves (position, stream, version, topic, salt, fields, hash) FROM STDIN WITH (FORMAT binary)"
_NODES = "COPY ledger_nodes (level, index, hash) FROM STDIN WITH (FORMAT binary)"
_NEWEST = (
    "SELECT number, size, note, (SELECT coalesce(max(notification_id), 0) FROM stored_events) "
    "FROM ledger_checkpoints ORDER BY number DESC LIMIT 1"
)


class LedgerChanged(Refused):
    """The ledger does not lead to what it has signed any more: nothing is signed on top of it."""

    code = "ledger-changed"
    status = 500

    @classmethod
    def because(cls, what: str) -> Self:
        """With what to do now."""
        return cls(
            f"{what[:1].upper()}{what[1:]}: nothing is sealed on top of it. Run `grantflow ledger verify`."
        )


class Sealer:
    """Seals the log of one store. Any number may try at once; one at a time does it."""

    def __init__(self, store: Store, keys: KeyFile, origin: str = "") -> None:
        self._store, self._keys, self._origin = store, keys, origin

    def seal(self) -> str:
        """Seal what is not sealed yet; gives the newest checkpoint as a signed note, also where nothing was new.

        LedgerChanged when what was signed before does not hold any more.
        """
        note = self._standing()
        if note is not None:
            return note
        try:
            while self._batch():
                pass
            with self._store.connection() as connection, connection.transaction():
                return self._signed(connection)
        except LookupError as error:
            raise LedgerChanged.because(str(error)) from error

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
        """Take in so many events, in one transaction; whether there may be more.

        Its commit is not waited for. Nothing leaves the ledger before a checkpoint speaks of it, and the checkpoint's
        commit, which is waited for, puts all that was written before it on disk too. What a crash takes in between
        are leaves that nobody has seen: they are made again, with other salts.
        """
        with self._store.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            frontier = frontier_of(connection)
            rows = connection.execute(_UNSEALED, (frontier.size, BATCH), binary=True).fetchall()
            if not rows:
                return False
            leaves = [self._leaf(Place(*place), state) for *place, state in rows]
            nodes = (node for leaf in leaves for node in frontier.add(leaf.hash))
            _store(connection, leaves, [node for node in nodes if node.level >= TILE_LEVEL])
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
        if number:
            _held_before(connection, text)
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


def _held_before(connection: Connection, note: str) -> None:
    """LedgerChanged when the tree does not lead to this checkpoint, so that no second one is signed beside it."""
    earlier = Checkpoint.read(Note.read(note).text)
    if frontier_of(connection, earlier.size).root != earlier.root:
        what = f"the ledger does not lead to its checkpoint of {earlier.size} events any more"
        raise LedgerChanged.because(what)


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
        with cursor.copy(_LEAVES) as copy:
            copy.set_types(["int8", "uuid", "int8", "text", "bytea", "bytea", "bytea"])
            for leaf in leaves:
                position, stream, version, topic = leaf.place
                kept = (leaf.salt, leaf.fields, leaf.hash)
                copy.write_row((position, UUID(bytes=stream), version, topic, *kept))
        with cursor.copy(_NODES) as copy:
            copy.set_types(["int2", "int8", "bytea"])
            for node in nodes:
                copy.write_row(node)
