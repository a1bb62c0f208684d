"""What the ledger says of one event: which it is, where it stands, and the digests of what it holds.

    leaf    = "grantflow-event/v1" 00 position(8) stream(16) version(8) body(32) fields(32) topic
    body    = SHA-256(salt(16) + the bytes as stored)
    fields  = SHA-256(the digests of its fields, in the order of their names)
    field   = SHA-256(salt of the field(16) + name + 00 + its value as JSON)
    salt of the field = the first 16 bytes of SHA-256(salt + name)

Numbers are big-endian. Every event has a salt of its own, drawn at random, so that nobody can guess at what a field
says that was left out. A field is a top-level key of the event, and for the stamp each of its keys (`stamp.person`).
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from grantflow.domain.digest import canonical
from grantflow.ledger.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = b"grantflow-event/v1\x00"
SALT_BYTES = 16
PLACE = struct.Struct(">Q16sQ")


class Place(NamedTuple):
    """Which event it is and where it stands: `stream` is the UUID's 16 bytes."""

    position: int
    stream: bytes
    version: int
    topic: str


class Leaf(NamedTuple):
    """What the ledger keeps of one event. `hash` is the leaf's own, in the tree."""

    place: Place
    salt: bytes
    body: bytes
    fields: bytes
    hash: bytes


class Field(NamedTuple):
    """One field of an event: its name, and its value as JSON text."""

    name: str
    value: bytes


def sealed(place: Place, state: bytes, content: bytes, salt: bytes) -> Leaf:
    """The leaf of an event: `state` is what stands in the table, `content` its JSON (another thing where encrypted)."""
    body = body_digest(salt, state)
    fields = digest_of_fields(salt, content)
    return Leaf(place, salt, body, fields, hash_of(place, body, fields))


def hash_of(place: Place, body: bytes, fields: bytes) -> bytes:
    """The hash of a leaf in the tree."""
    position, stream, version, topic = place
    return leaf_hash(LABEL + PLACE.pack(position, stream, version) + body + fields + topic.encode())


def body_digest(salt: bytes, state: bytes) -> bytes:
    """The digest of an event's stored bytes."""
    return sha256(salt + state).digest()


def fields_of(content: bytes) -> Iterator[Field]:
    """Every field of an event, in the order of their names."""
    event: dict[str, Any] = msgspec.json.decode(content)
    stamp = event.pop("stamp", {})
    named = {**event, **{f"stamp.{key}": value for key, value in stamp.items()}}
    for name in sorted(named):
        yield Field(name, canonical(named[name]))


def digest_of_fields(salt: bytes, content: bytes) -> bytes:
    """The digest over all fields of an event, by its salt and its JSON."""
    return fields_digest(field_digest(field_salt(salt, field.name), field) for field in fields_of(content))


def field_salt(salt: bytes, name: str) -> bytes:
    """The salt of one field: giving it away says nothing of the other fields'."""
    return sha256(salt + name.encode()).digest()[:SALT_BYTES]


def field_digest(salt: bytes, field: Field) -> bytes:
    """The digest of one field, by the field's own salt."""
    return sha256(salt + field.name.encode() + b"\x00" + field.value).digest()


def fields_digest(digests: Iterator[bytes]) -> bytes:
    """The digest over all fields' digests, in the order of the fields' names."""
    return sha256(b"".join(digests)).digest()
