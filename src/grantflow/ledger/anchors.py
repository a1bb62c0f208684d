"""The checkpoints that the log is held against: those of the database, and those that others have kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grantflow.ledger.diagnosis import Fault
from grantflow.ledger.note import Checkpoint, Note, read_signature
from grantflow.ledger.sealing import verifiers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grantflow.connections import Connection
    from grantflow.ledger.note import Verifier


class Anchor(NamedTuple):
    """A checkpoint that must hold, and where it comes from."""

    checkpoint: Checkpoint
    source: str

    def forked(self, since: int) -> Fault:
        """The log does not lead to this checkpoint: something before it is not what was sealed."""
        size = self.checkpoint.size
        what = (
            f"the log does not lead to {self.source} of {size} events: an event from position {since + 1} to "
            f"{size} was changed, and its leaf with it"
        )
        return Fault(kind="forked", position=since + 1, what=what)

    def truncated(self, sealed: int) -> Fault:
        """There are fewer events than this checkpoint was signed for."""
        what = (
            f"{self.source} was signed for {self.checkpoint.size} events, and the ledger has {sealed}: "
            f"what stood after position {sealed} is gone"
        )
        return Fault(kind="truncated", position=sealed + 1, what=what)


def own_anchors(connection: Connection, trusted: Sequence[Verifier]) -> tuple[list[Anchor], list[Fault]]:
    """The checkpoints in the database, and what is wrong with how they are signed.

    `trusted` are the keys that somebody outside has kept; where there are none, those that the database names itself.
    """
    keys = trusted or verifiers(connection)
    origin = connection.execute("SELECT key FROM ledger_keys WHERE kind = 'origin'").fetchone()
    anchors: list[Anchor] = []
    faults: list[Fault] = []
    rows = connection.execute("SELECT number, size, note FROM ledger_checkpoints ORDER BY number").fetchall()
    last = 0
    for expected, (number, size, text) in enumerate(rows, start=1):
        source = f"checkpoint {number}"
        anchor, wrong = read_anchor(text, source, keys)
        if anchor is not None:
            anchors.append(anchor)
            if wrong is None and (anchor.checkpoint.size != size or size < last):
                wrong = f"{source} stands in another one's place: it is of {anchor.checkpoint.size} events"
            if wrong is None and origin is not None and anchor.checkpoint.origin != origin[0]:
                wrong = f"{source} is of another log, {anchor.checkpoint.origin!r}"
        if wrong is None and number != expected:
            wrong = f"{source} stands where checkpoint {expected} should: one is gone"
        if wrong is not None:
            faults.append(Fault(kind="checkpoint", position=size, what=wrong))
        last = max(last, size)
    return anchors, [*faults, *_witnesses(connection)]


def read_anchor(text: str, source: str, keys: Iterable[Verifier]) -> tuple[Anchor | None, str | None]:
    """A checkpoint from its signed note, and what is wrong with it: no signature by any of these keys, or no note."""
    try:
        note = Note.read(text)
        anchor = Anchor(Checkpoint.read(note.text), source)
    except ValueError as error:
        return None, f"{source} can't be read: {error}"
    if not any(note.signed_by(key) for key in keys):
        return anchor, f"{source} is not signed by any key that is trusted here"
    return anchor, None


def _witnesses(connection: Connection) -> list[Fault]:
    """Co-signatures that are not of the checkpoint they stand beside."""
    faults: list[Fault] = []
    trusted = verifiers(connection, "witness")
    rows = connection.execute(
        "SELECT c.size, c.name, c.line, (SELECT note FROM ledger_checkpoints n WHERE n.size = c.size "
        "ORDER BY number DESC LIMIT 1) FROM ledger_cosignatures c ORDER BY c.size"
    ).fetchall()
    for size, name, line, text in rows:
        try:
            signature = read_signature(line.rstrip("\n"))
            body = Note.read(text or "").text
            good = any(
                (key.name, key.id) == (signature.name, signature.key)
                and key.accepts(body, signature.signature)
                for key in trusted
            )
        except ValueError:
            good = False
        if not good:
            what = f"the co-signature of {name!r} is not of the checkpoint of {size} events"
            faults.append(Fault(kind="witness", position=size, what=what))
    return faults
