"""Says what is wrong with an event that is not as it was sealed: changed, removed, inserted, or moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from grantflow.ledger.leaf import Place, body_digest, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.connections import Connection

_LEAVES = (
    "SELECT position, uuid_send(stream), version, topic, salt, body, fields, hash FROM ledger_leaves "
    "WHERE position > %s AND position <= %s ORDER BY position"
)
_LEAF_OF = "SELECT position FROM ledger_leaves WHERE stream = %s AND version = %s"
_ROW_OF = "SELECT notification_id FROM stored_events WHERE originator_id = %s AND originator_version = %s"


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is wrong: of which kind, at which position of the log, with which event, and what.

    Kinds: changed, removed, inserted, moved (of events); ledger-changed, truncated, forked, signature, checkpoint,
    witness (of the ledger); unreadable, backdated, refused (of what events say); command; document; read-model.
    """

    kind: str
    what: str
    position: int = 0
    event: str = ""


class _Kept(NamedTuple):
    """A leaf as the ledger has it, every column."""

    place: Place
    salt: bytes
    body: bytes
    fields: bytes
    hash: bytes

    @property
    def whole(self) -> bool:
        """Whether the leaf's own columns lead to its hash."""
        return hash_of(self.place, self.body, self.fields) == self.hash


def diagnose(
    connection: Connection, rows: Sequence[tuple[Any, ...]], start: int, end: int, sealed: int
) -> Iterator[Fault]:
    """What is wrong with the events after one position up to another, one fault a position at most."""
    stored = {row[0]: row for row in rows}
    kept = {
        row[0]: _Kept(Place(*row[:4]), *map(bytes, row[4:]))
        for row in connection.execute(_LEAVES, (start, end), binary=True).fetchall()
    }
    last = max([*stored, 0])
    for position in range(start + 1, end + 1):
        row, leaf = stored.get(position), kept.get(position)
        if row is not None and leaf is not None:
            yield from _compared(connection, row, leaf)
        elif row is not None and position <= sealed:
            what = "the ledger has lost its leaf for the event at this position"
            yield Fault(kind="ledger-changed", position=position, event=_id(Place(*row[:4])), what=what)
        elif leaf is not None:
            yield _removed(leaf, "the event that stood here is gone from the log")
        elif position < last:
            what = "no event stands here, and there are later ones"
            yield Fault(kind="removed", position=position, what=what)


def _compared(connection: Connection, row: tuple[Any, ...], leaf: _Kept) -> Iterator[Fault]:
    place, state = Place(*row[:4]), bytes(row[4])
    body = body_digest(leaf.salt, state)
    if hash_of(place, body, leaf.fields) == leaf.hash and leaf.whole:
        return
    if not leaf.whole:
        what = "the ledger's leaf for this event is not what it was when it was sealed"
        yield Fault(kind="ledger-changed", position=place.position, event=_id(place), what=what)
        return
    if place[1:3] != leaf.place[1:3]:
        yield _other_event(connection, place, leaf)
        return
    wrong = [f"its topic was {leaf.place.topic}"] if place.topic != leaf.place.topic else []
    wrong += ["its content is another (or its salt in the ledger)"] if body != leaf.body else []
    what = f"{place.topic} was changed after it was sealed: {' and '.join(wrong)}"
    yield Fault(kind="changed", position=place.position, event=_id(place), what=what)


def _other_event(connection: Connection, place: Place, leaf: _Kept) -> Fault:
    """Another event stands where this one was sealed: it was removed, moved, inserted, or is called something else."""
    belongs = connection.execute(_LEAF_OF, (UUID(bytes=place.stream), place.version)).fetchone()
    moved = connection.execute(_ROW_OF, (UUID(bytes=leaf.place.stream), leaf.place.version)).fetchone()
    was = f"{_id(leaf.place)} ({leaf.place.topic})"
    if belongs is not None:
        what = f"the event that stood here, {was}, " + (
            f"now stands at position {moved[0]}" if moved else "is gone from the log"
        )
        what += f"; the one that stands here was sealed at position {belongs[0]}"
        kind = "moved" if moved else "removed"
    elif moved is not None:
        kind, what = (
            "inserted",
            f"this event was never sealed; what stood here, {was}, is at position {moved[0]}",
        )
    else:
        names = ("stream", "version")
        wrong = [
            name for name, now, then in zip(names, place[1:3], leaf.place[1:3], strict=True) if now != then
        ]
        kind, what = "changed", f"this event was sealed as {was}: its {' and '.join(wrong)} is another now"
    return Fault(kind=kind, position=place.position, event=_id(place), what=what)


def _removed(leaf: _Kept, what: str) -> Fault:
    return Fault(
        kind="removed",
        position=leaf.place.position,
        event=_id(leaf.place),
        what=f"{what} ({leaf.place.topic})",
    )


def _id(place: Place) -> str:
    return f"{UUID(bytes=place.stream)}.{place.version}"
