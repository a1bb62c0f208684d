"""The way in for names: record what names a person, under a key of their own, and erase it by destroying the key."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from base64 import b64decode, b64encode
from hmac import HMAC
from typing import TYPE_CHECKING

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.errors import LockNotAvailable

from grantflow.announcing import outside_cases, store_once
from grantflow.domain.circumstances import LONGEST_NAME
from grantflow.domain.command import said
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, NotTheAuthority, RoleNotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.identity_numbers import refuse_identity_numbers
from grantflow.domain.person import PersonErased, PersonNamed
from grantflow.states import person_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grantflow.domain.circumstances import Circumstances
    from grantflow.domain.person import Person
    from grantflow.receipts import Receipt
    from grantflow.states import States
    from grantflow.store import Store

log = structlog.get_logger(__name__)

WHO = "call-manager"
_NONCE_BYTES = 12
_BLOCK = 64
"""A name is padded to a multiple of this, so that the length of what is sealed says little about it."""
_TELLING = 3
"""The fewest letters with which a part of a name counts as naming somebody."""
_KEYS = "SELECT person, key FROM person_keys WHERE person = ANY(%s)"
_NEW_KEY = "INSERT INTO person_keys (person, stream, key) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM person_keys WHERE stream = %s"
_REWRITE = "VACUUM (FULL) person_keys"
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
"""The transaction that comes next: what was deleted was so by one before it."""
_OLDER = (
    "SELECT pg_snapshot_xmin(pg_current_snapshot()) < %(next)s::xid8 OR EXISTS ("
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND age(backend_xmin) > age(%(next)s::xid8::xid))"
)
"""Whether a transaction from before goes on that PostgreSQL keeps deleted rows for: one that writes, in any database of
the server, or one that reads in this one."""
_PATIENCE_SECONDS = 10
"""How long to wait for others who read the keys, before the table is left to be written anew at the next erasure."""


class Naming:
    """Records and erases the names of persons. Safe to use from many threads.

    A name is sealed by AES-256-GCM under a key that only this person's names are sealed with, bound to the pseudonym.
    When `person-erased` is stored, a trigger in the database deletes the key in the same transaction, whoever stores
    it: the history never says that somebody is erased while the key is there. A key that comes back from a backup is
    neither used nor kept: erasing again deletes it, and says that it was done before.
    """

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def name(self, person: str, name: str, by: Circumstances) -> Receipt:
        """Record a person's name, or another one instead of it; never again once it was erased.

        What is asked is remembered by a digest under the person's key, since a plain one could be guessed from: once
        the key is gone, the same command again is refused and not answered.
        """
        _allowed(by, "name-person")
        pseudonym = said(person, "person", most=LONGEST_NAME)
        refuse_identity_numbers(pseudonym, "person")
        written = _written(name)
        self._nameable(pseudonym, by)
        key = self._key(pseudonym)
        asked = {"name-person": pseudonym, "under-key": HMAC(key, written.encode(), "sha256").hexdigest()}

        def decided() -> tuple[Entry, ...]:
            known = self._nameable(pseudonym, by)
            named = PersonNamed(
                person=pseudonym,
                sealed=sealed(written, key, pseudonym),
                stamp=outside_cases(by, "name-person", "named"),
            )
            return (Entry(known.id, known.version + 1, named),)

        return store_once(self._store, by, asked, decided)

    def erase(self, person: str, grounds: str, by: Circumstances) -> Receipt:
        """Erase what names a person: the key is destroyed with the event; who decided and approved stays."""
        _allowed(by, "erase-person")
        words = {"erase-person": person, "grounds": grounds}
        receipt = store_once(self._store, by, words, lambda: self._erased(person, grounds, by))
        self._rewrite()
        return receipt

    def names(self, persons: Iterable[str]) -> dict[str, str]:
        """The names that are known, by pseudonym; whoever has none, or was erased, is not in it."""
        with self._store.connection() as connection:
            keys: dict[str, bytes] = dict(connection.execute(_KEYS, (sorted(set(persons)),)).fetchall())
        names = {}
        for person, key in keys.items():
            name = opened(self._states.person(person).sealed, key, person)
            if name is not None:
                names[person] = name
        return names

    def _nameable(self, person: str, by: Circumstances) -> Person:
        known = self._states.person(person)
        if known.erased_at is not None:
            msg = (
                f"What names {person} was erased, for good. Whoever acts from now on gets another pseudonym."
            )
            raise NotAllowed(msg)
        return _own(known, by)

    def _erased(self, person: str, grounds: str, by: Circumstances) -> tuple[Entry, ...]:
        known = _own(self._states.person(person), by)
        if not known.version:
            msg = f"No name is recorded for {person[:80]!r}. `grantflow people list` tells whose are."
            raise NotFound(msg)
        if known.erased_at is not None:
            self._forget(person)
            msg = f"What names {person} is erased already."
            raise NotAllowed(msg)
        refuse_identity_numbers(grounds, "grounds")
        reason = said(grounds, "grounds", most=2_000)
        _names_nobody(reason, self.names([person]).get(person, ""))
        erased = PersonErased(
            person=person, grounds=reason, stamp=outside_cases(by, "erase-person", "erased")
        )
        return (Entry(known.id, known.version + 1, erased),)

    def _key(self, person: str) -> bytes:
        """The person's key, made where there is none."""
        with self._store.connection() as connection:
            connection.execute(_NEW_KEY, (person, person_stream(person), AESGCM.generate_key(256)))
            row = connection.execute(_KEYS, ([person],)).fetchone()
        if row is None:
            msg = f"What names {person} is being erased at this moment."
            raise NotAllowed(msg)
        key: bytes = row[1]
        return key

    def _forget(self, person: str) -> None:
        """Delete a key that is there although its person is erased: it came back from a backup."""
        with self._store.connection() as connection:
            gone = connection.execute(_FORGET, (person_stream(person),)).rowcount
        if gone:
            self._rewrite()

    def _rewrite(self) -> None:
        """Write the table of keys anew, so that what was deleted is not left on its pages.

        What others might still see stays there: so those who began before are waited for, a while.
        """
        with self._store.connection() as connection:
            (following,) = connection.execute(_NEXT).fetchone() or ("",)
            give_up = time.monotonic() + _PATIENCE_SECONDS
            while connection.execute(_OLDER, {"next": following}).fetchone() == (True,):
                if time.monotonic() > give_up:
                    log.warning(
                        "keys-not-gone", reason="an older transaction goes on; the next erasure does it"
                    )
                    break
                time.sleep(0.05)
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_PATIENCE_SECONDS}s",))
            try:
                connection.execute(_REWRITE)
            except LockNotAvailable:
                log.warning("keys-not-rewritten", reason="others read them; the next erasure does it")
            finally:
                connection.execute("SELECT set_config('lock_timeout', '0', false)")


def sealed(name: str, key: bytes, person: str) -> str:
    """A name as it is stored: nonce and ciphertext, bound to the pseudonym, in base64."""
    nonce, plain = os.urandom(_NONCE_BYTES), name.encode()
    padded = plain.ljust(-(-len(plain) // _BLOCK) * _BLOCK, b"\x00")
    return b64encode(nonce + AESGCM(key).encrypt(nonce, padded, person.encode())).decode()


def opened(text: str, key: bytes, person: str) -> str | None:
    """The name in what was sealed; None when there is none, or the key is not the one it was sealed with."""
    data = b64decode(text)
    try:
        plain = AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], person.encode())
    except (InvalidTag, ValueError):
        return None
    return plain.rstrip(b"\x00").decode()


def _allowed(by: Circumstances, step: str) -> None:
    if by.role != WHO:
        raise RoleNotAllowed(step, by.role, (WHO,))


def _own(known: Person, by: Circumstances) -> Person:
    """The person, whom only the directorate that named them names anew or erases."""
    if known.version and known.organisation != by.organisation:
        msg = f"{known.person} was named by {known.organisation}, which alone names or erases them."
        raise NotTheAuthority(msg)
    return known


def _written(name: str) -> str:
    """The name as it is kept (NFC, one line); BadRequest never repeats it."""
    text = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        msg = f"'name' must be 1 to {LONGEST_NAME} printable characters."
        raise BadRequest(msg)
    refuse_identity_numbers(text, "name")
    return text


def _names_nobody(grounds: str, name: str) -> None:
    """BadRequest when the grounds tell the name that is to be erased: they stay for good."""
    parts = {part for part in re.findall(r"\w+", name.casefold()) if len(part) >= _TELLING}
    if parts & set(re.findall(r"\w+", unicodedata.normalize("NFC", grounds).casefold())):
        msg = "The grounds hold a part of the name itself, and they stay: say it without naming anybody."
        raise BadRequest(msg)
