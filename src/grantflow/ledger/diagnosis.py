"""Says what is wrong with an event that is not as it was sealed: changed, removed, inserted, or moved."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from grantflow.ledger.leaf import Place, body_digest, digest_of_fields, hash_of
from grantflow.ledger.vouching import sealed_by_their_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.connections import Connection

    Content = Callable[[bytes], bytes]

ROWS = (
    "SELECT notification_id, uuid_send(originator_id), originator_version, topic, state FROM stored_events "
    "WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
)
_LEAVES = (
    "SELECT position, uuid_send(stream), version, topic, salt, fields, hash FROM ledger_leaves "
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
    fields: bytes
    hash: bytes


class _Pair:
    """An event as it stands in the log, beside the leaf at its position.

    `vouched` is whether the tree says that this event was sealed (or what the leaf holds); None where it can't tell.
    """

    vouched: bool | None = None

    def __init__(self, row: tuple[Any, ...], leaf: _Kept, content_of: Content) -> None:
        self.leaf, self.place = leaf, Place(*row[:4])
        self._state, self._content_of = bytes(row[4]), content_of
        self._body = body_digest(leaf.salt, self._state)

    def leads_to_leaf(self, place: Place | None = None, fields: bytes | None = None) -> bool:
        """Whether the event comes to the leaf's hash; or would, at another place, or with another digest of fields."""
        return self.hash_with(self.leaf.fields if fields is None else fields, place) == self.leaf.hash

    def hash_with(self, fields: bytes, place: Place | None = None) -> bytes:
        """The hash of the event's leaf, if this is the digest of its fields."""
        return hash_of(place or self.place, self._body, fields)

    @cached_property
    def fields(self) -> bytes | None:
        """The digest of the event's own fields; None where it can't be read."""
        try:
            return digest_of_fields(self.leaf.salt, self._content_of(self._state))
        except Exception:  # noqa: BLE001 - a state that was tampered with can be anything
            return None


def diagnose(
    connection: Connection, start: int, end: int, sealed: int, content_of: Content = bytes
) -> Iterator[Fault]:
    """What is wrong with the events after one position up to another, one fault a position at most.

    `content_of` gives the JSON in a stored state.
    """
    stored = {row[0]: row for row in connection.execute(ROWS, (start, end), binary=True).fetchall()}
    kept = {
        row[0]: _Kept(Place(*row[:4]), *map(bytes, row[4:]))
        for row in connection.execute(_LEAVES, (start, end), binary=True).fetchall()
    }
    pairs = {at: _Pair(row, kept[at], content_of) for at, row in stored.items() if at in kept}
    doubted = {
        at: pair.hash_with(pair.fields)
        for at, pair in pairs.items()
        if not pair.leads_to_leaf() and pair.fields is not None
    }
    for at, by_its_event in sealed_by_their_events(connection, doubted, sealed).items():
        pairs[at].vouched = by_its_event
    last = max([*stored, 0])
    for position in range(start + 1, end + 1):
        row, leaf = stored.get(position), kept.get(position)
        if position in pairs:
            yield from _compared(connection, pairs[position])
        elif row is not None and position <= sealed:
            what = "the ledger has lost its leaf for the event at this position"
            yield Fault(kind="ledger-changed", position=position, event=_id(Place(*row[:4])), what=what)
        elif leaf is not None:
            yield _removed(leaf, "the event that stood here is gone from the log")
        elif position < last:
            what = "no event stands here, and there are later ones"
            yield Fault(kind="removed", position=position, what=what)


def _compared(connection: Connection, pair: _Pair) -> Iterator[Fault]:
    place, leaf = pair.place, pair.leaf
    if pair.leads_to_leaf() and place == leaf.place:
        return
    if _only_the_leaf_differs(pair):
        what = "the ledger's leaf for this event is not what it was when it was sealed"
        yield Fault(kind="ledger-changed", position=place.position, event=_id(place), what=what)
        return
    if place[1:3] != leaf.place[1:3]:
        yield _other_event(connection, place, leaf)
        return
    wrong = [f"its topic was {leaf.place.topic}"] if place.topic != leaf.place.topic else []
    wrong += (
        ["its content is another (or its salt in the ledger)"] if not pair.leads_to_leaf(leaf.place) else []
    )
    what = f"{place.topic} was changed after it was sealed: {' and '.join(wrong)}"
    yield Fault(kind="changed", position=place.position, event=_id(place), what=what)


def _only_the_leaf_differs(pair: _Pair) -> bool:
    """Whether the event is as it was sealed, so that it is its leaf that was changed.

    The event itself says so where it leads to the leaf's hash. It does not where that hash was changed; then the tree
    knows, and where it can't tell, the other witness is believed: the digest of fields, which covers all that is said.
    """
    if pair.leads_to_leaf() or (pair.fields is not None and pair.leads_to_leaf(fields=pair.fields)):
        return True
    if pair.vouched is not None:
        return pair.vouched
    return pair.place == pair.leaf.place and pair.fields == pair.leaf.fields


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
