"""Writes an evidence pack, as docs/evidence-format.md says it: events with their proof, and all that they name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grantflow import rooms
from grantflow.accesses import with_reads
from grantflow.definitions import plain_name
from grantflow.evidence.answers import history_of
from grantflow.evidence.archive import archive
from grantflow.evidence.checkpoint import checked
from grantflow.evidence.leaving_out import ATTACHMENT, names_left_out
from grantflow.evidence.lines import line_of, sealed_events
from grantflow.evidence.missing_nodes import missing_nodes
from grantflow.evidence.reading import write_reading
from grantflow.evidence.selecting import NotAsSealed, Scope, Selected, select
from grantflow.ledger.sealing import verifiers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from grantflow.connections import Connection
    from grantflow.domain.event import Entry
    from grantflow.evidence.archive import Archive
    from grantflow.evidence.lines import Sealed
    from grantflow.ledger.note import Checkpoint
    from grantflow.question import Question
    from grantflow.store import Store

FORMAT = "grantflow-pack/1"
_HERE = Path(__file__).resolve().parent
_DEFINES = ("call-published@", "call-revised@")
_ATTACHES = "document-attached@"


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """What was packed: the file, its size and SHA-256; the checkpoint's size and root (hex); and how much of what."""

    path: str
    bytes: int
    sha256: str
    origin: str
    size: int
    root: str
    events: int
    cases: int
    definitions: int
    documents: int
    answers: int
    left_out: tuple[str, ...]


def write_pack(  # noqa: PLR0913 - what there is to choose
    store: Store,
    checkpoint_note: str,
    scope: Scope,
    target: Path,
    *,
    left_out: Collection[str] = (),
    questions: Sequence[Question] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Packed:
    """Write the evidence of a call or of a case, as the log stood at a checkpoint; the file stands whole or not at all.

    `left_out` names fields, or `persons`, `texts`, `documents`; `questions` are all that ship. `progress` is told how
    many events of how many are done. Refused (CantWrite, CantLeaveOut, NotSealed, NotAsSealed, NotFound) says why not.
    """
    names = names_left_out(left_out)
    asked = rooms.questions() if questions is None else questions
    at = datetime.now(UTC).replace(microsecond=0)
    with archive(target, at) as into:
        with store.connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            checkpoint = checked(connection, checkpoint_note)
            selected = select(connection, store.body, scope, checkpoint.size)
            pack = _Pack(store, connection, into, selected, names, progress)
            pack.write_proof(checkpoint_note, checkpoint)
            pack.write_events()
            pack.write_what_they_name()
        history = with_reads(store, history_of(selected, pack.entries))
        write_reading(into, selected, checkpoint, history, asked, at, sorted(names))
        pack.write_contents(checkpoint, at)
    return Packed(
        path=str(target),
        bytes=into.size,
        sha256=into.digest,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        events=len(selected.positions),
        cases=selected.cases,
        definitions=len(pack.definitions),
        documents=len(pack.documents),
        answers=len(asked),
        left_out=tuple(sorted(names)),
    )


class _Pack:
    """A pack in the making: each method writes some of its files."""

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place
        self,
        store: Store,
        connection: Connection,
        into: Archive,
        selected: Selected,
        left_out: frozenset[str],
        progress: Callable[[int, int], None],
    ) -> None:
        self._store, self._connection, self._into = store, connection, into
        self._selected, self._left_out, self._progress = selected, left_out, progress
        self.definitions: dict[str, dict[str, str]] = {}
        self.documents: set[str] = set()
        self.entries: list[Entry] = []

    def write_proof(self, note: str, checkpoint: Checkpoint) -> None:
        """The checkpoint, the keys, and the nodes of the tree that lead from the events to the root."""
        self._into.write("checkpoint.txt", note.encode())
        keys = [str(key) for kind in ("signer", "witness") for key in verifiers(self._connection, kind)]
        self._into.write("keys.txt", "".join(f"{key}\n" for key in keys).encode())
        size = checkpoint.size
        with self._into.opened("tree.json", 80 * size) as write:
            write(f'{{"size": {size}, "nodes": ['.encode())
            separator = ""
            for level, index, hashed in missing_nodes(self._connection, self._selected.positions, size):
                write(f'{separator}\n[{level}, {index}, "{hashed.hex()}"]'.encode())
                separator = ","
            write(b"\n]}\n")

    def write_events(self) -> None:
        """Every event, a line each; noting what they name."""
        positions = self._selected.positions
        with self._into.opened("events.jsonl", 4 * self._selected.size) as write:
            for done, event in enumerate(
                sealed_events(self._connection, self._store.body, positions), start=1
            ):
                write(line_of(event, self._left_out))
                self._note(event)
                self.entries.append(self._entry(event))
                if done % 500 == 0 or done == len(positions):
                    self._progress(done, len(positions))

    def write_what_they_name(self) -> None:
        """The definitions and documents that the events name."""
        for digest, files in sorted(self.definitions.items()):
            for name, text in sorted(files.items()):
                if plain_name(name):
                    self._into.write(f"definitions/{digest}/{name}", text.encode())
        for digest in sorted(self.documents):
            row = self._connection.execute(
                "SELECT content FROM documents WHERE digest = %s", (digest,), binary=True
            ).fetchone()
            if row is None or sha256(row[0]).hexdigest() != digest:
                what = "is not kept here" if row is None else "is not what it was when it was attached"
                msg = f"The document {digest}, which an event names, {what}."
                raise NotAsSealed(msg)
            self._into.write(f"documents/{digest}", row[0])

    def write_contents(self, checkpoint: Checkpoint, at: datetime) -> None:
        """What the pack holds, with the SHA-256 of each file."""
        scope = self._selected.scope
        told = {
            "format": FORMAT,
            "scope": {"case": str(scope.case), "number": self._selected.number}
            if scope.case
            else {"call": scope.call},
            "made_at": at.isoformat(),
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "events": len(self._selected.positions),
            "left_out": sorted(self._left_out),
            "files": dict(sorted(self._into.digests.items())),
        }
        self._into.write("pack.json", json.dumps(told, ensure_ascii=False, indent=1).encode())

    def _note(self, event: Sealed) -> None:
        if event.place.topic.startswith(_DEFINES):
            told = msgspec.json.decode(event.content)
            self.definitions[told["digest"]] = told["files"]
        elif event.place.topic.startswith(_ATTACHES) and ATTACHMENT not in self._left_out:
            self.documents.add(msgspec.json.decode(event.content)[ATTACHMENT]["digest"])

    def _entry(self, event: Sealed) -> Entry:
        position, _, version, topic = event.place
        return self._store.entry_of(event.stream, version, topic, event.state, position)
