"""What the ledger gives out: checkpoints, proofs, and what a witness needs and gives back."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from grantflow.domain.errors import BadRequest, NotFound, Refused
from grantflow.ledger.leaf import Place, body_digest, hash_of
from grantflow.ledger.merkle import consistency_proof, inclusion_proof
from grantflow.ledger.nodes import fetched
from grantflow.ledger.note import COSIGNATURE, Checkpoint, Note, Verifier, read_signature, signature_line
from grantflow.ledger.sealing import Sealer, verifiers, with_cosignatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.connections import Connection
    from grantflow.ledger.keys import KeyFile
    from grantflow.store import Store


_BY_ID = "SELECT notification_id FROM stored_events WHERE originator_id = %s AND originator_version = %s"
_BY_POSITION = "SELECT notification_id FROM stored_events WHERE notification_id = %s"
_SEALED = (
    "SELECT l.stream, l.version, l.topic, l.salt, l.fields, l.hash, s.state FROM ledger_leaves l "
    "JOIN stored_events s ON s.notification_id = l.position WHERE l.position = %s"
)


class NotSealed(Refused):
    """The event is in the log and not in the ledger yet."""

    code = "not-sealed"
    status = 409


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that one event is in the log that a checkpoint speaks of. Hashes are in hexadecimal."""

    event: str
    position: int
    topic: str
    digest: str
    """SHA-256 of the event as it was stored: what the receipt said."""
    salt: str
    body: str
    fields: str
    leaf: str
    index: int
    size: int
    proof: tuple[str, ...]
    checkpoint: str


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that the log only grew between two sizes."""

    old: int
    new: int
    proof: tuple[str, ...]
    checkpoint: str


class Ledger:
    """The ledger of one store. Everything it gives out hangs on a checkpoint, sealed just now."""

    def __init__(self, store: Store, keys: KeyFile, origin: str = "") -> None:
        self._store = store
        self.keys = keys
        self._sealer = Sealer(store, keys, origin)

    def seal(self) -> str:
        """Seal what is not sealed yet; gives the newest checkpoint, as a signed note."""
        return self._sealer.seal()

    def lag(self) -> int:
        """How many events are not sealed yet."""
        with self._store.connection() as connection:
            row = connection.execute(
                "SELECT (SELECT coalesce(max(notification_id), 0) FROM stored_events)"
                " - (SELECT coalesce(max(position), 0) FROM ledger_leaves)"
            ).fetchone()
        return int(row[0]) if row else 0

    def checkpoint(self) -> str:
        """The newest checkpoint there is, without sealing anything; NotFound where none was ever made."""
        with self._store.connection() as connection:
            row = connection.execute(
                "SELECT size, note FROM ledger_checkpoints ORDER BY number DESC LIMIT 1"
            ).fetchone()
            if row is None:
                msg = "Nothing is sealed yet (grantflow ledger checkpoint)."
                raise NotFound(msg)
            return with_cosignatures(connection, *row)

    def prove(self, event: str, *, digest: str = "") -> Inclusion:
        """Prove that an event (STREAM.VERSION, or its position) is in the log, and is the one with this digest.

        NotFound when there is none, BadRequest when its digest is another: then it is not what the receipt was for.
        """
        note = self.seal()
        size = Checkpoint.read(Note.read(note).text).size
        with self._store.connection() as connection:
            position = _position(connection, event)
            if position > size:
                msg = f"The event at position {position} is not sealed yet; ask again."
                raise NotSealed(msg)
            row = connection.execute(_SEALED, (position,), binary=True).fetchone()
            if row is None:
                msg = f"The ledger has lost the leaf at position {position}; run `grantflow ledger verify`."
                raise NotFound(msg)
            stream, version, topic, salt, fields, hashed, state = row
            stored = sha256(self._store.body(state)).hexdigest()
            if digest and digest != stored:
                msg = f"The event at position {position} has the digest {stored}, and the receipt says {digest[:64]}."
                raise BadRequest(msg)
            body = body_digest(salt, state)
            if hash_of(Place(position, stream.bytes, version, topic), body, fields) != hashed:
                msg = f"What was sealed at position {position} is not there any more; run `grantflow ledger verify`."
                raise NotFound(msg)
            path = _path(connection, lambda get: inclusion_proof(get, position - 1, size))
        return Inclusion(
            event=f"{stream}.{version}",
            position=position,
            topic=topic,
            digest=stored,
            salt=salt.hex(),
            body=body.hex(),
            fields=fields.hex(),
            leaf=hashed.hex(),
            index=position - 1,
            size=size,
            proof=tuple(step.hex() for step in path),
            checkpoint=note,
        )

    def consistency(self, old: int, new: int | None = None) -> Consistency:
        """Prove that the log of the new size (the newest, unless said) begins with the one of the old size."""
        note = self.seal()
        last = Checkpoint.read(Note.read(note).text).size
        with self._store.connection() as connection:
            if new is not None and new != last:
                note = _checkpoint_of(connection, new)
            size = last if new is None else new
            if not 0 <= old <= size:
                msg = f"The log has {last} events sealed; give sizes from 0 to that, the older one first."
                raise BadRequest(msg)
            path = _path(connection, lambda get: consistency_proof(get, old, size))
        return Consistency(old=old, new=size, proof=tuple(step.hex() for step in path), checkpoint=note)

    def for_witness(self, old: int) -> str:
        """What a witness is sent that has seen the log at a size: a body as C2SP's tlog-witness takes it."""
        proof = self.consistency(old)
        lines = "".join(f"{base64.b64encode(bytes.fromhex(step)).decode()}\n" for step in proof.proof)
        return f"old {old}\n{lines}\n{proof.checkpoint}"

    def trust_witness(self, key: str) -> Verifier:
        """From now on this witness's co-signatures are taken. BadRequest when it is no witness's key."""
        verifier = _verifier(key)
        if verifier.kind != COSIGNATURE:
            msg = "That is not a witness's key: a witness signs with the time (cosignature/v1)."
            raise BadRequest(msg)
        with self._store.connection() as connection:
            connection.execute(
                "INSERT INTO ledger_keys VALUES ('witness', %s) ON CONFLICT DO NOTHING", (str(verifier),)
            )
        return verifier

    def take_cosignatures(self, text: str, size: int | None = None) -> list[str]:
        """Keep what witnesses answered, line by line, for the checkpoint of a size (the newest, unless said).

        Gives the names of those whose line was kept. BadRequest when a line is none, or no trusted witness's.
        """
        with self._store.connection() as connection:
            note = self.checkpoint() if size is None else _checkpoint_of(connection, size)
            body = Note.read(note).text
            trusted = verifiers(connection, "witness")
            kept: list[str] = []
            for line in filter(None, text.split("\n")):
                try:
                    signature = read_signature(line)
                except ValueError as error:
                    raise BadRequest(str(error)) from error
                witness = next(
                    (one for one in trusted if (one.name, one.id) == (signature.name, signature.key)), None
                )
                if witness is None or not witness.accepts(body, signature.signature):
                    msg = f"The line of {signature.name[:80]!r} is no trusted witness's signature of this checkpoint."
                    raise BadRequest(msg)
                size_of = Checkpoint.read(body).size
                connection.execute(
                    "INSERT INTO ledger_cosignatures VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    (size_of, witness.name, signature_line(witness, signature.signature)),
                )
                kept.append(witness.name)
        return kept

    def known_keys(self) -> dict[str, list[Verifier]]:
        """The public keys that the ledger was signed with, and those of the witnesses that are trusted."""
        with self._store.connection() as connection:
            return {kind: verifiers(connection, kind) for kind in ("signer", "witness")}


def _path(connection: Connection, made: Callable[[Callable[[int, int], bytes]], list[bytes]]) -> list[bytes]:
    """A proof's hashes; NotFound where the ledger has lost what it takes."""
    try:
        return fetched(connection, made)
    except LookupError as error:
        msg = f"There is no proof any more: {error}; run `grantflow ledger verify`."
        raise NotFound(msg) from error


def _position(connection: Connection, event: str) -> int:
    """Where an event stands, by its id or its position."""
    stream, _, version = event.rpartition(".")
    try:
        if stream:
            found = connection.execute(_BY_ID, (UUID(stream), int(version))).fetchone()
        else:
            found = connection.execute(_BY_POSITION, (int(version),)).fetchone()
    except ValueError as error:
        msg = f"{event[:80]!r} is no event: name it as a receipt does (STREAM.VERSION), or by its position."
        raise BadRequest(msg) from error
    if found is None:
        msg = f"There is no event {event[:80]} in the log."
        raise NotFound(msg)
    return int(found[0])


def _checkpoint_of(connection: Connection, size: int) -> str:
    row = connection.execute(
        "SELECT note FROM ledger_checkpoints WHERE size = %s ORDER BY number DESC LIMIT 1", (size,)
    ).fetchone()
    if row is None:
        msg = f"No checkpoint was made when the log had {size} events."
        raise NotFound(msg)
    return with_cosignatures(connection, size, row[0])


def _verifier(key: str) -> Verifier:
    try:
        return Verifier.read(key)
    except ValueError as error:
        raise BadRequest(str(error)) from error
