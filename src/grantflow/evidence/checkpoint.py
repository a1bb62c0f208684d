"""Holds a checkpoint against the ledger before anything is hung on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grantflow.domain.errors import Refused
from grantflow.evidence.selecting import NotAsSealed, NotSealed
from grantflow.ledger.nodes import frontier_of
from grantflow.ledger.note import Checkpoint, Note
from grantflow.ledger.sealing import verifiers

if TYPE_CHECKING:
    from grantflow.connections import Connection


class BadCheckpoint(Refused):
    """What was given is no checkpoint that this ledger has signed."""

    code = "bad-checkpoint"
    status = 422


def checked(connection: Connection, note: str) -> Checkpoint:
    """The checkpoint in a signed note. BadCheckpoint, NotSealed or NotAsSealed when it isn't of this ledger."""
    try:
        read = Note.read(note)
        checkpoint = Checkpoint.read(read.text)
    except ValueError as error:
        msg = f"This is no checkpoint: {error}."
        raise BadCheckpoint(msg) from error
    if not any(read.signed_by(key) for key in verifiers(connection)):
        msg = "No key that this ledger has signed with has signed the checkpoint."
        raise BadCheckpoint(msg)
    row = connection.execute("SELECT coalesce(max(position), 0) FROM ledger_leaves").fetchone()
    sealed = int(row[0]) if row else 0
    if checkpoint.size > sealed:
        msg = f"The checkpoint is of {checkpoint.size} events, and no more than {sealed} are sealed here."
        raise NotSealed(msg)
    try:
        frontier = frontier_of(connection, checkpoint.size)
    except LookupError as error:
        msg = f"The ledger is not whole: {error}."
        raise NotAsSealed(msg) from error
    if frontier.root != checkpoint.root:
        msg = f"The ledger's root over its first {checkpoint.size} events is not the checkpoint's: it was changed."
        raise NotAsSealed(msg)
    return checkpoint
