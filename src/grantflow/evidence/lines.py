"""One event as a line of the pack: whole, or with the digests of what is left out in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from grantflow.evidence.selecting import NotAsSealed, NotSealed
from grantflow.ledger.leaf import (
    Leaf,
    Place,
    body_digest,
    field_digest,
    field_salt,
    fields_digest,
    fields_of,
    hash_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from grantflow.connections import Connection

BATCH = 1_000
_SEALED = (
    "SELECT s.notification_id, s.originator_id, s.originator_version, s.topic, s.state, "
    "l.stream, l.version, l.topic, l.salt, l.fields, l.hash "
    "FROM stored_events s LEFT JOIN ledger_leaves l ON l.position = s.notification_id "
    "WHERE s.notification_id = ANY(%s) ORDER BY s.notification_id"
)
_encode = msgspec.json.Encoder().encode


class Sealed(msgspec.Struct, frozen=True):
    """An event as it stands in the log, with its leaf; `content` is its JSON, `state` what is stored."""

    stream: UUID
    state: bytes
    content: bytes
    leaf: Leaf

    @property
    def place(self) -> Place:
        """Which event it is and where it stands."""
        return self.leaf.place


def sealed_events(
    connection: Connection, body: Callable[[bytes], bytes], positions: Sequence[int]
) -> Iterator[Sealed]:
    """The events at these positions, in order, each held against its leaf. NotSealed or NotAsSealed names the first."""
    for start in range(0, len(positions), BATCH):
        rows = connection.execute(_SEALED, (list(positions[start : start + BATCH]),), binary=True).fetchall()
        for row in rows:
            yield _held_against_its_leaf(row, body)


def _held_against_its_leaf(row: Sequence[Any], body: Callable[[bytes], bytes]) -> Sealed:
    position, stream, version, topic, state, *kept = row
    if kept[0] is None:
        msg = f"The event at position {position} is not sealed yet: `grantflow ledger checkpoint` seals it."
        raise NotSealed(msg)
    salt, fields, hashed = kept[3:]
    place, digest = Place(position, stream.bytes, version, topic), body_digest(salt, state)
    if (stream, version, topic) != tuple(kept[:3]) or hash_of(place, digest, fields) != hashed:
        msg = f"The event at position {position} is not what was sealed: the log was changed after that."
        raise NotAsSealed(msg)
    return Sealed(stream, state, body(state), Leaf(place, salt, digest, fields, hashed))


def line_of(event: Sealed, left_out: Collection[str]) -> bytes:
    """The event as a line. What is stored compressed or encrypted is told field by field: its bytes are no text."""
    place, leaf = event.place, event.leaf
    told: dict[str, Any] = {
        "position": place.position,
        "stream": str(event.stream),
        "version": place.version,
        "topic": place.topic,
    }
    names = {field.name for field in fields_of(event.content)} if left_out else frozenset[str]()
    if event.state == event.content and names.isdisjoint(left_out):
        told |= {"salt": leaf.salt.hex(), "body": event.content.decode(), "fields": leaf.fields.hex()}
    else:
        told |= {"body_digest": leaf.body.hex(), "fields": _fields(event, left_out)}
    return _encode(told) + b"\n"


def _fields(event: Sealed, left_out: Collection[str]) -> list[dict[str, str]]:
    """Each field with its value and its own salt, or with nothing but its digest."""
    told, digests = [], []
    for field in fields_of(event.content):
        salt = field_salt(event.leaf.salt, field.name)
        digests.append(field_digest(salt, field))
        if field.name in left_out:
            told.append({"name": field.name, "digest": digests[-1].hex()})
        else:
            told.append({"name": field.name, "salt": salt.hex(), "value": field.value.decode()})
    if fields_digest(iter(digests)) != event.leaf.fields:
        msg = f"The fields of the event at position {event.place.position} are not what was sealed."
        raise NotAsSealed(msg)
    return told
