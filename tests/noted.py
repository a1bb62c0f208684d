"""An event of the tests' own, and appends of it: enough to try the store without the domain."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import Cipher

from grantflow.domain.event import EVENT_TYPES, Entry, Event, Stamp
from grantflow.store import Append

if TYPE_CHECKING:
    from eventsourcing.utils import EnvType


class Noted(Event, frozen=True, kw_only=True):
    """Somebody has noted something."""

    topic = "test-noted@1"

    text: str = "Kjære søker, vi har fått søknaden dykkar."


del EVENT_TYPES[Noted.topic]  # known only to the tests that ask (`noted_is_known`)

STAMP = Stamp(
    recorded_at=datetime(2023, 8, 14, 8, 0, tzinfo=UTC),
    step="note",
    person="p-1",
    organisation="958935420",
    role="applicant",
    channel="test",
    command="c-1",
    state="draft",
)


class Masking(Cipher):
    """Not a cipher anybody should use: enough to see that the store asks one."""

    def __init__(self, environment: EnvType) -> None:
        self._mask = int(environment["CIPHER_KEY"])

    def encrypt(self, plaintext: bytes) -> bytes:
        """Mask the bytes."""
        return bytes(byte ^ self._mask for byte in plaintext)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Take the mask off."""
        return self.encrypt(ciphertext)


def noted(stream: UUID, version: int, text: str = "note") -> Entry:
    """Make an entry."""
    return Entry(stream, version, Noted(stamp=STAMP, text=text))


def append(*entries: Entry, key: str = "", body: str = "", after: str = "") -> Append:
    """Make an append; without a key, under one of its own."""
    return Append(key or uuid4().hex, sha256(body.encode()).digest(), entries, after)


def writing_held_up(address: str) -> psycopg.Connection[tuple[object, ...]]:
    """Keep every writer waiting until the connection that this gives is closed."""
    connection = psycopg.connect(address, autocommit=True)
    connection.execute("SELECT pg_advisory_lock(7200)")
    return connection
